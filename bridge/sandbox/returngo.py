"""ReturnGO as a running server, and shoppers who keep returning things."""

import asyncio
from collections.abc import Mapping
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
from bridge.sandbox.quota import DAY, SECOND, Limit, Quota
from bridge.sandbox.returngo_api import Keys, ReturnGoApi
from bridge.sandbox.returngo_bodies import Rma
from bridge.sandbox.returngo_shop import ReturnGoHabits, ReturnGoShop
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.shoppers import Dock
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.warehouse_documents import Parcel, Unit

EVENTS = (
    "RMA_CREATED",
    "RMA_STATUS_UPDATED",
    "SHIPMENT_CREATED",
    "SHIPMENT_STATUS_UPDATED",
    "SHIPMENT_TRACKER_STATUS_UPDATED",
    "TRANSACTION_CREATED",
    "REFUND_CREATED",
)


@dataclass(frozen=True, slots=True)
class ReturnGoOptions:
    """One ReturnGO with its shops; each API key names the shops that it opens.

    Without a `ladder` a webhook is tried once: retries are not documented.
    """

    keys: Mapping[str, frozenset[str]] = field(repr=False)
    per_day: int = 2_000
    per_second: int = 100
    habits: ReturnGoHabits = field(default_factory=ReturnGoHabits)
    webhooks: Unreliable = field(default_factory=Unreliable)
    ladder: Ladder = field(default_factory=Ladder)
    gateway: bool = False
    place: Place = field(default_factory=Place)
    manners: Manners = field(default_factory=Manners)


class ReturnGoSimulator:
    """A running ReturnGO; `shops` take changes, `quota` has counted the calls."""

    def __init__(
        self,
        options: ReturnGoOptions,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        clock = clock or SystemClock()
        journal = journal or Journal(clock)
        limits = (Limit(DAY, options.per_day), Limit(SECOND, options.per_second))
        self.quota = Quota(limits, clock)
        self.messenger = Messenger(
            clock=clock,
            journal=journal,
            ladder=options.ladder,
            habits=options.webhooks,
            transport=transport,
        )
        self.shops = {
            name: ReturnGoShop(
                name,
                messenger=self.messenger,
                clock=clock,
                journal=journal,
                habits=options.habits,
            )
            for name in sorted(set().union(*options.keys.values()))
        }
        manners, place = options.manners, options.place
        self.front = Front(
            "returngo",
            clock=clock,
            faults=FaultPlan(manners.faults, manners.seed),
            log=CallLog(manners.calls_file),
            hold=manners.hold,
        )
        api = ReturnGoApi(
            self.shops.values(),
            front=self.front,
            keys=Keys(options.keys, options.gateway),
            quota=self.quota,
        )
        self.app = api.app
        self._server = LoopbackServer(
            api.app, host=place.host, port=place.port, clock=clock
        )

    @property
    def url(self) -> str:
        """The API's base."""
        return self._server.url

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.front.close()
        await self.messenger.close()
        await self._server.stop()


@dataclass(frozen=True, slots=True)
class Shoppers:
    """People who return things to one shop; each RMA lives its life at their pace.

    With a `dock` the parcel also goes there, as a merchant's own warehouse.
    """

    shop: ReturnGoShop
    clock: Clock
    step: timedelta = timedelta(seconds=2)
    seed: int = 1
    dock: Dock | None = None

    async def shop_on(self, every: timedelta, returns: int | None = None) -> None:
        """Create an RMA every so often; without end unless `returns` says how many."""
        dice = Random(self.seed)  # noqa: S311  not security
        async with asyncio.TaskGroup() as lives:
            for _ in count() if returns is None else range(returns):
                lives.create_task(self.live(dice.random()))
                await self.clock.sleep(every)

    async def live(self, luck: float) -> Rma:
        """Let one RMA go its way: most to a refund, some to their end before."""
        resolution = "RefundToStoreCredit" if luck > 0.8 else "RefundToPaymentMethod"  # noqa: PLR2004 odds
        rma = self.shop.create(1 + int(luck * 3), resolution=resolution)
        await self.clock.sleep(self.step)
        if luck < 0.1:  # noqa: PLR2004 odds
            self.shop.set_status(rma, "Rejected")
            return rma
        self.shop.set_status(rma, "Approved")
        for status in ("LabelCreated", "Shipped", "Received"):
            await self.clock.sleep(self.step)
            self.shop.move(rma, rma.parcels[0], status)
        await self._hand_over(rma)
        await self.clock.sleep(self.step)
        self.shop.validate(rma)
        movement = self.shop.pay(rma, fee=4.5 if luck > 0.5 else 0.0)  # noqa: PLR2004 odds
        await self.clock.sleep(self.step)
        if not self.shop.habits.notify_only:
            self.shop.settle(rma, movement)
        self.shop.set_status(rma, "Done")
        return rma

    async def _hand_over(self, rma: Rma) -> None:
        tracking = rma.parcels[0].tracking
        if self.dock is not None and tracking is not None:
            units = tuple(Unit(unit.sku) for unit in rma.units)
            await self.dock(Parcel(tracking, units))
