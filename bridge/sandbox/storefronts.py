"""A simulated platform as a run of the sandbox sees it: a shop with shoppers in it.

What the platforms differ in stays behind this port; parcels leave for the dock.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
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
class ShopNumbers:
    """What a platform counts: returns by state, webhooks taken and given up."""

    returns: Counter[str]
    webhooks: int
    discarded: int


class Storefront(Protocol):
    """One platform of a run; made inside the event loop."""

    @property
    def front(self) -> Front:
        """Its API's door, with the log of the calls."""
        ...

    @property
    def idle(self) -> bool:
        """Tell whether nothing of it is on its way."""
        ...

    async def start(self) -> ShopWiring:
        """Serve, and return what the bridge has to know."""
        ...

    def subscribe(self, hook: str) -> None:
        """Send webhooks to the bridge's address of this account."""
        ...

    async def traffic(self, returns: int, between: timedelta) -> None:
        """Let so many shoppers in, one after another; end when the last is done."""
        ...

    def judged(self) -> Sequence[Call]:
        """Return the calls that the bridge's promises are about."""
        ...

    def numbers(self) -> ShopNumbers: ...

    async def stop(self) -> None: ...
