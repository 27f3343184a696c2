"""ReturnGO and ReturnLogic as storefronts: they sign nothing, so returns are fetched.

No webhook is lost here, and none is very late, unlike in the simulators run alone:
nothing would make up for it before the run is over.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bridge.sandbox.calls import Call
from bridge.sandbox.front import Front
from bridge.sandbox.messenger import Messenger, Unreliable
from bridge.sandbox.returngo import (
    EVENTS,
    ReturnGoOptions,
    ReturnGoSimulator,
    Shoppers,
)
from bridge.sandbox.returnlogic import (
    ReturnLogicOptions,
    ReturnLogicSimulator,
    TeamShoppers,
)
from bridge.sandbox.returnlogic_team import COMMANDS, FACTS
from bridge.sandbox.storefronts import ShopNumbers, ShopWiring, Staging
from bridge.sandbox.unsigned import DEMO_SHOP, TRAVEL

_STEP = timedelta(seconds=1)
#: ReturnLogic asks for a refund and goes on: asking and answering take their time.
_TEAM_STEP = timedelta(seconds=2)
_LATE = timedelta(seconds=0.5)
_PER_DAY = 100_000


class ReturnGoFront:
    """A shop on ReturnGO."""

    def __init__(self, staging: Staging) -> None:
        self._key, self._hook_secret = secrets.token_urlsafe(24), secrets.token_hex(16)
        self._staging = staging
        self._simulator = ReturnGoSimulator(
            ReturnGoOptions(
                {self._key: frozenset({DEMO_SHOP})},
                per_day=_PER_DAY,
                webhooks=_travel(staging),
                manners=staging.manners,
            ),
            clock=staging.clock,
            journal=staging.journal,
        )
        self._shop = self._simulator.shops[DEMO_SHOP]

    @property
    def front(self) -> Front:
        return self._simulator.front

    @property
    def idle(self) -> bool:
        return self._simulator.messenger.pending == 0

    async def start(self) -> ShopWiring:
        await self._simulator.start()
        return ShopWiring(self._simulator.url, DEMO_SHOP, self._key, self._hook_secret)

    def subscribe(self, hook: str) -> None:
        for event in EVENTS:
            self._shop.register(f"{hook}/{self._hook_secret}", event)

    async def traffic(self, returns: int, between: timedelta) -> None:
        staging = self._staging
        people = Shoppers(
            self._shop,
            staging.clock,
            step=_STEP / staging.hurry,
            seed=staging.manners.seed,
            dock=staging.dock,
        )
        await people.shop_on(between, returns)

    def judged(self) -> Sequence[Call]:
        return _writes(self.front)

    def numbers(self) -> ShopNumbers:
        states = Counter(rma.status for rma in self._shop.rmas.values())
        return _numbers(states, self._simulator.messenger)

    async def stop(self) -> None:
        await self._simulator.stop()


class ReturnLogicFront:
    """A team on ReturnLogic; the goods are its merchant's, no parcel reaches us."""

    def __init__(self, staging: Staging) -> None:
        self._key, self._hook_secret = secrets.token_urlsafe(24), secrets.token_hex(16)
        self._staging = staging
        self._simulator = ReturnLogicSimulator(
            ReturnLogicOptions(
                api_key=self._key,
                webhooks=_travel(staging),
                manners=staging.manners,
            ),
            clock=staging.clock,
            journal=staging.journal,
        )

    @property
    def front(self) -> Front:
        return self._simulator.front

    @property
    def idle(self) -> bool:
        return self._simulator.messenger.pending == 0

    async def start(self) -> ShopWiring:
        await self._simulator.start()
        return ShopWiring(self._simulator.url, "", self._key, self._hook_secret)

    def subscribe(self, hook: str) -> None:
        for action in (*FACTS, *COMMANDS):
            self._simulator.team.register(action, f"{hook}/{self._hook_secret}")

    async def traffic(self, returns: int, between: timedelta) -> None:
        staging = self._staging
        people = TeamShoppers(
            self._simulator.team,
            staging.clock,
            step=_TEAM_STEP / staging.hurry,
            seed=staging.manners.seed,
        )
        await people.shop_on(between, returns)

    def judged(self) -> Sequence[Call]:
        return _writes(self.front)

    def numbers(self) -> ShopNumbers:
        states = Counter(rma.status for rma in self._simulator.team.rmas.values())
        return _numbers(states, self._simulator.messenger)

    async def stop(self) -> None:
        await self._simulator.stop()


def _travel(staging: Staging) -> Unreliable:
    return replace(TRAVEL[staging.manners.faults], lost=0.0, late=_LATE)


def _writes(front: Front) -> list[Call]:
    """Fetches and polls may well read the same RMA at the same time."""
    return [call for call in front.log.calls if call.method != "GET"]


def _numbers(states: Counter[str], messenger: Messenger) -> ShopNumbers:
    return ShopNumbers(states, messenger.sent.total(), messenger.discarded.total())
