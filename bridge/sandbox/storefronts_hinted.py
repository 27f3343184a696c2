"""ReturnGO and ReturnLogic as storefronts: they sign nothing, so returns are fetched.

Their webhooks are lost, doubled, late and out of order. Where faults are wanted the
network is cut besides, in the middle of the traffic: ReturnGO tries once, so all that
it sends meanwhile is gone; ReturnLogic tries again until a message's life is over,
then switches the registration off. Only polling and the watch make up for it.
"""

from abc import abstractmethod
from asyncio import TaskGroup
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bridge.sandbox.calls import Call
from bridge.sandbox.messenger import Ladder, Unreliable
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
from bridge.sandbox.returnlogic_team import COMMANDS, FACTS, TeamHabits
from bridge.sandbox.storefronts import (
    Secrets,
    Staging,
    Storefront,
    WebhookNumbers,
)
from bridge.sandbox.unsigned import DEMO_SHOP, TRAVEL
from bridge.sandbox.unsigned_server import UnsignedServer

_STEP = timedelta(seconds=1)
#: ReturnLogic asks for a refund and goes on: asking and answering take their time.
_TEAM_STEP = timedelta(seconds=2)
#: How long people wait for the warehouse's word before they go on without it.
_PATIENCE = timedelta(seconds=30)
_LATE = timedelta(seconds=1.5)
_PER_DAY = 100_000

#: When the network is cut, as a part of the traffic's time, and how long.
_CUT_AT = 0.3
_CUT_FOR = timedelta(seconds=5)
#: ReturnLogic's gaps a hundred times as fast, its day as two seconds; one discarded
#: message is as good as a hundred.
_GAPS = tuple(timedelta(seconds=gap) for gap in (0.1, 0.2, 0.3, 0.6, 1.2))
_LIFE = timedelta(seconds=2)
_OFF_AFTER = 1


class _HintedFront(Storefront):
    """What both platforms have in common."""

    def __init__(
        self, staging: Staging, server: UnsignedServer, own: Secrets, shop: str = ""
    ) -> None:
        super().__init__(staging, server, own, shop)
        self._messenger = server.messenger

    def subscribe(self, hook: str) -> None:
        self._register(f"{hook}/{self._own.hook}")

    async def traffic(self, returns: int, between: timedelta) -> None:
        async with TaskGroup() as run:
            run.create_task(self._shopping(returns, between))
            if self._staging.manners.faults != "none":
                run.create_task(self._cut(between * returns * _CUT_AT))

    async def _cut(self, after: timedelta) -> None:
        """Let no webhook through for a while."""
        clock = self._staging.clock
        await clock.sleep(after)
        self._messenger.cut_off = True
        await clock.sleep(_CUT_FOR / self._staging.hurry)
        self._messenger.cut_off = False

    def judged(self) -> Sequence[Call]:
        """Leave reads out: fetches and polls may well read one RMA at the same time."""
        return [call for call in super().judged() if call.method != "GET"]

    def webhooks(self) -> WebhookNumbers:
        messenger = self._messenger
        given_up = messenger.lost.total() + messenger.discarded.total()
        return WebhookNumbers(messenger.sent.total(), given_up)

    @abstractmethod
    def _register(self, url: str) -> None:
        """Subscribe to everything."""

    @abstractmethod
    def _shopping(
        self, returns: int, between: timedelta
    ) -> Coroutine[None, None, None]:
        """Let so many shoppers in."""


class ReturnGoFront(_HintedFront):
    """A shop on ReturnGO."""

    def __init__(self, staging: Staging) -> None:
        own = Secrets()
        simulator = ReturnGoSimulator(
            ReturnGoOptions(
                {own.key: frozenset({DEMO_SHOP})},
                per_day=_PER_DAY,
                webhooks=_travel(staging),
                manners=staging.manners,
            ),
            clock=staging.clock,
            journal=staging.journal,
        )
        super().__init__(staging, simulator, own, DEMO_SHOP)
        self._shop = simulator.shops[DEMO_SHOP]

    def stands(self) -> Mapping[str, str]:
        return {rma.id: rma.status for rma in self._shop.rmas.values()}

    def _register(self, url: str) -> None:
        for event in EVENTS:
            self._shop.register(url, event)

    async def _shopping(self, returns: int, between: timedelta) -> None:
        staging = self._staging
        people = Shoppers(
            self._shop,
            staging.clock,
            step=_STEP / staging.hurry,
            seed=staging.manners.seed,
            dock=staging.dock,
            patience=_PATIENCE / staging.hurry,
        )
        await people.shop_on(between, returns)


class ReturnLogicFront(_HintedFront):
    """A team on ReturnLogic, which asks for what is processed to be restocked."""

    def __init__(self, staging: Staging) -> None:
        own = Secrets()
        simulator = ReturnLogicSimulator(
            ReturnLogicOptions(
                api_key=own.key,
                habits=TeamHabits(off_after=_OFF_AFTER),
                webhooks=_travel(staging),
                ladder=_ladder(staging.hurry),
                manners=staging.manners,
            ),
            clock=staging.clock,
            journal=staging.journal,
        )
        super().__init__(staging, simulator, own)
        self._team = simulator.team

    @property
    def idle(self) -> bool:
        """Nothing is on its way, and every webhook is on."""
        on = all(each.active for each in self._team.registrations.values())
        return super().idle and on

    def stands(self) -> Mapping[str, str]:
        return {str(rma.id): rma.status for rma in self._team.rmas.values()}

    def _register(self, url: str) -> None:
        for action in (*FACTS, *COMMANDS):
            self._team.register(action, url)

    async def _shopping(self, returns: int, between: timedelta) -> None:
        staging = self._staging
        people = TeamShoppers(
            self._team,
            staging.clock,
            step=_TEAM_STEP / staging.hurry,
            seed=staging.manners.seed,
            dock=staging.dock,
            patience=_PATIENCE / staging.hurry,
        )
        await people.shop_on(between, returns)


def _ladder(hurry: float) -> Ladder:
    *gaps, last = (gap / hurry for gap in _GAPS)
    return Ladder(tuple(gaps), last=last, life=_LIFE / hurry)


def _travel(staging: Staging) -> Unreliable:
    travel = replace(TRAVEL[staging.manners.faults], seed=staging.manners.seed)
    return replace(travel, late=_LATE / staging.hurry)
