"""ReturnLogic as a running server, and shoppers who keep returning things."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random

import httpx

from bridge.clock import Clock, SystemClock
from bridge.sandbox.calls import CallLog
from bridge.sandbox.faults import FaultPlan
from bridge.sandbox.front import Front
from bridge.sandbox.journal import Journal
from bridge.sandbox.messenger import Ladder, Messenger, Unreliable
from bridge.sandbox.quota import MINUTE, SECOND, Limit, Quota
from bridge.sandbox.returnlogic_api import Grants, ReturnLogicApi
from bridge.sandbox.returnlogic_team import (
    LADDER,
    ReturnLogicTeam,
    TeamHabits,
    TeamRma,
)
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.simulators import Manners, Place


@dataclass(frozen=True, slots=True)
class ReturnLogicOptions:
    """One team; `api_key` is a bearer that never ends, `code` buys a pair once."""

    team_id: str = "00000000-0d30-4000-8000-000000007ea0"
    api_key: str = field(default="demo-key", repr=False)
    code: str = field(default="demo-code-1", repr=False)
    lifetime: timedelta | None = None
    rotation: bool = True
    habits: TeamHabits = field(default_factory=TeamHabits)
    webhooks: Unreliable = field(default_factory=Unreliable)
    ladder: Ladder = LADDER
    place: Place = field(default_factory=Place)
    manners: Manners = field(default_factory=Manners)


class ReturnLogicSimulator:
    """A running ReturnLogic; `team` takes changes, `quota` has counted the calls."""

    def __init__(
        self,
        options: ReturnLogicOptions,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        clock = clock or SystemClock()
        journal = journal or Journal(clock)
        self.quota = Quota((Limit(SECOND, 2), Limit(MINUTE, 120)), clock)
        self.messenger = Messenger(
            clock=clock,
            journal=journal,
            ladder=options.ladder,
            habits=options.webhooks,
            transport=transport,
        )
        self.team = ReturnLogicTeam(
            options.team_id,
            messenger=self.messenger,
            clock=clock,
            journal=journal,
            habits=options.habits,
        )
        manners, place = options.manners, options.place
        self.front = Front(
            "returnlogic",
            clock=clock,
            faults=FaultPlan(manners.faults, manners.seed),
            log=CallLog(manners.calls_file),
            hold=manners.hold,
        )
        self.grants = Grants(
            clock,
            codes={options.code},
            keys={options.api_key},
            lifetime=options.lifetime,
            rotation=options.rotation,
        )
        self.api = ReturnLogicApi(
            self.team, front=self.front, grants=self.grants, quota=self.quota
        )
        self._server = LoopbackServer(
            self.api.app, host=place.host, port=place.port, clock=clock
        )

    @property
    def url(self) -> str:
        """The API's base, with the version."""
        return f"{self._server.url}/v1"

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.front.close()
        await self.messenger.close()
        await self._server.stop()


@dataclass(frozen=True, slots=True)
class TeamShoppers:
    """People who return things to one team; each RMA lives its life at their pace."""

    team: ReturnLogicTeam
    clock: Clock
    step: timedelta = timedelta(seconds=2)
    seed: int = 1

    async def shop_on(self, every: timedelta, returns: int | None = None) -> None:
        """Create an RMA every so often; without end unless `returns` says how many."""
        dice = Random(self.seed)  # noqa: S311  not security
        async with asyncio.TaskGroup() as lives:
            for _ in count() if returns is None else range(returns):
                lives.create_task(self.live(dice.random()))
                await self.clock.sleep(every)

    async def live(self, luck: float) -> TeamRma:
        """Let one RMA go its way: most are processed, which we are asked to do."""
        gift = luck > 0.7  # noqa: PLR2004 odds
        rma = self.team.create(outcome="giftCard" if gift else "refund")
        await self.clock.sleep(self.step)
        if luck < 0.1:  # noqa: PLR2004 odds
            self.team.happen(rma, "canceled")
            return rma
        for action in ("inTransit", "delivered", "received", "approved"):
            self.team.happen(rma, action)
            await self.clock.sleep(self.step)
        self.team.command(rma, "ProcessGiftCard" if gift else "ProcessRefund")
        for action in ("processed", "completed"):
            await self.clock.sleep(self.step)
            self.team.happen(rma, action)
        return rma
