"""A simulated platform as a run of the sandbox sees it: a shop with shoppers in it.

What the platforms differ in stays behind this port; parcels leave for the dock.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Literal, Protocol, get_args

from bridge.clock import Clock
from bridge.sandbox.calls import Call
from bridge.sandbox.front import Front
from bridge.sandbox.journal import Journal
from bridge.sandbox.shoppers import Dock
from bridge.sandbox.simulators import Manners

Platform = Literal["redo", "loop", "returngo", "returnlogic"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)


@dataclass(frozen=True, slots=True)
class ShopWiring:
    """What the bridge has to know of one platform.

    `url` is its API's base and `shop` its own name, where it has one. `key` opens the
    API; `hook_secret` proves webhooks in the platform's way, and stands at the end of
    the address where nothing is signed.
    """

    url: str
    shop: str
    key: str = field(repr=False)
    hook_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Staging:
    """What every platform of a run is given: how it behaves, and the ways out of it.

    People are `hurry` times as fast as usual.
    """

    manners: Manners
    hurry: float
    dock: Dock
    clock: Clock
    journal: Journal

    def dice(self) -> Random:
        # Not security: the run has to be the same for the same seed.
        return Random(self.manners.seed)  # noqa: S311


@dataclass(frozen=True, slots=True)
class WebhookNumbers:
    """What a platform counts of its webhooks: taken, and lost for good."""

    sent: int
    lost: int


class Simulator(Protocol):
    """One platform as a running server."""

    front: Front

    @property
    def url(self) -> str:
        """Return its API's base."""
        ...

    @property
    def idle(self) -> bool:
        """Tell whether nothing of it is on its way."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one run's account opens the API with, and what its webhooks prove."""

    key: str = field(default_factory=partial(secrets.token_urlsafe, 24), repr=False)
    hook: str = field(default_factory=partial(secrets.token_hex, 16), repr=False)


class Storefront(ABC):
    """One platform of a run; made inside the event loop. `shop` is its own name."""

    def __init__(
        self, staging: Staging, simulator: Simulator, own: Secrets, shop: str = ""
    ) -> None:
        self._staging = staging
        self._simulator = simulator
        self._own = own
        self._shop_name = shop

    @property
    def front(self) -> Front:
        """Its API's door, with the log of the calls."""
        return self._simulator.front

    @property
    def idle(self) -> bool:
        """Tell whether nothing of it is on its way."""
        return self._simulator.idle

    async def start(self) -> ShopWiring:
        """Serve, and return what the bridge has to know."""
        await self._simulator.start()
        own = self._own
        return ShopWiring(self._simulator.url, self._shop_name, own.key, own.hook)

    async def stop(self) -> None:
        await self._simulator.stop()

    def judged(self) -> Sequence[Call]:
        """Return the calls that the bridge's promises are about."""
        return self.front.log.calls

    @abstractmethod
    def subscribe(self, hook: str) -> None:
        """Send webhooks to the bridge's address of this account."""

    @abstractmethod
    async def traffic(self, returns: int, between: timedelta) -> None:
        """Let so many shoppers in, one after another; end when the last is done."""

    @abstractmethod
    def stands(self) -> Mapping[str, str]:
        """Return the state of each return by its id, in the platform's own word."""

    @abstractmethod
    def webhooks(self) -> WebhookNumbers:
        """Return what became of its webhooks."""
