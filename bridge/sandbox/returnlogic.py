"""ReturnLogic as a running server, and shoppers who keep returning things."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Unpack

from bridge.clock import Clock
from bridge.sandbox.control import Board
from bridge.sandbox.messenger import Ladder
from bridge.sandbox.quota import MINUTE, SECOND, Limit
from bridge.sandbox.returnlogic_api import Grants, Pairs, ReturnLogicApi
from bridge.sandbox.returnlogic_deeds import Deeds
from bridge.sandbox.returnlogic_team import (
    LADDER,
    ReturnLogicTeam,
    TeamHabits,
    TeamRma,
)
from bridge.sandbox.shoppers import Dock
from bridge.sandbox.unsigned_server import (
    Around,
    Arrivals,
    UnsignedOptions,
    UnsignedServer,
)
from bridge.sandbox.warehouse_documents import Parcel, Unit


@dataclass(frozen=True, slots=True)
class ReturnLogicOptions(UnsignedOptions):
    """One team; `api_key` is a bearer that never ends, `code` buys a pair once."""

    team_id: str = "00000000-0d30-4000-8000-000000007ea0"
    api_key: str = field(default="demo-key", repr=False)
    code: str = field(default="demo-code-1", repr=False)
    lifetime: timedelta | None = None
    rotation: bool = True
    habits: TeamHabits = field(default_factory=TeamHabits)
    ladder: Ladder = field(default=LADDER, kw_only=True)


class ReturnLogicSimulator(UnsignedServer):
    """A running ReturnLogic; `team` takes changes.

    A 503 means maintenance here and asks for minutes (section 1): no passing fault.
    """

    errors: ClassVar[Sequence[int]] = (500, 500, 502, 502)

    def __init__(self, options: ReturnLogicOptions, **around: Unpack[Around]) -> None:
        limits = (Limit(SECOND, 2), Limit(MINUTE, 120))
        super().__init__("returnlogic", options, limits, **around)
        self.team = ReturnLogicTeam(
            options.team_id,
            messenger=self.messenger,
            clock=self.clock,
            journal=self.journal,
            habits=options.habits,
        )
        self.grants = Grants(
            self.clock,
            codes={options.code},
            keys={options.api_key},
            pairs=Pairs(options.lifetime, options.rotation),
        )
        self.api = ReturnLogicApi(
            self.team, front=self.front, grants=self.grants, quota=self.quota
        )
        boards = (
            Board((self.api,), "temper"),
            Board((self.grants,), "pairs"),
            Board(
                (self.team,), "habits", ("bare", "double_ids", "partial", "off_after")
            ),
        )
        self.serve(self.api.app, boards, Deeds(self.team, self.api, self.grants).all())

    @property
    def url(self) -> str:
        """The API's base, with the version."""
        return f"{super().url}/v1"


@dataclass(frozen=True, slots=True)
class TeamShoppers:
    """People who return things to one team; each RMA lives its life at their pace.

    With a `dock` the parcel also goes there, and once its RMA is processed we are asked
    to put the goods back on their shelf; people wait `patience` for the answer.
    """

    team: ReturnLogicTeam
    clock: Clock
    step: timedelta = timedelta(seconds=2)
    seed: int = 1
    dock: Dock | None = None
    patience: timedelta = timedelta(seconds=30)

    async def shop_on(self, every: timedelta, returns: int | None = None) -> None:
        """Create an RMA every so often; without end unless `returns` says how many."""
        await Arrivals(every, returns, self.seed).each(self.live, self.clock)

    async def live(self, luck: float) -> TeamRma:
        """Let one RMA go its way: most are processed, which we are asked to do."""
        gift = luck > 0.7  # noqa: PLR2004 odds
        rma = self.team.create(outcome="giftCard" if gift else "refund")
        await self.clock.sleep(self.step)
        if luck < 0.1:  # noqa: PLR2004 odds
            self.team.happen(rma, "canceled")
            return rma
        for action in ("inTransit", "delivered"):
            self.team.happen(rma, action)
            await self.clock.sleep(self.step)
        await self._hand_over(rma)
        for action in ("received", "approved"):
            self.team.happen(rma, action)
            await self.clock.sleep(self.step)
        self.team.command(rma, "ProcessGiftCard" if gift else "ProcessRefund")
        await self.clock.sleep(self.step)
        self.team.happen(rma, "processed")
        await self._put_back(rma)
        await self.clock.sleep(self.step)
        self.team.happen(rma, "completed")
        return rma

    async def _hand_over(self, rma: TeamRma) -> None:
        if self.dock is not None and rma.tracking is not None:
            units = (Unit(rma.sku),) * rma.quantity
            await self.dock(Parcel(rma.tracking, units))

    async def _put_back(self, rma: TeamRma) -> None:
        """Ask for a restock, and wait for the answer: a complete RMA takes none."""
        if self.dock is None:
            return
        await self.clock.sleep(2 * self.step)
        correlation_id = self.team.command(rma, "ProcessRestock")
        end = self.clock.monotonic() + self.patience.total_seconds()
        while correlation_id not in self.team.answered and self.clock.monotonic() < end:
            await self.clock.sleep(self.step / 10)
