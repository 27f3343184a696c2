"""ReturnGO as a running server, and shoppers who keep returning things."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Unpack

from bridge.clock import Clock
from bridge.sandbox.control import Board
from bridge.sandbox.quota import DAY, SECOND, Limit
from bridge.sandbox.returngo_api import Keys, ReturnGoApi
from bridge.sandbox.returngo_bodies import Parcel, Rma
from bridge.sandbox.returngo_deeds import deeds_of
from bridge.sandbox.returngo_shop import RETRIES, ReturnGoHabits, ReturnGoShop
from bridge.sandbox.shoppers import Dock
from bridge.sandbox.unsigned_server import (
    Around,
    Arrivals,
    UnsignedOptions,
    UnsignedServer,
)
from bridge.sandbox.warehouse_documents import Parcel as Box
from bridge.sandbox.warehouse_documents import Unit

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
class ReturnGoOptions(UnsignedOptions):
    """One ReturnGO with its shops; each API key names the shops that it opens.

    Without a `ladder` a webhook is tried once: retries are not documented.
    """

    keys: Mapping[str, frozenset[str]] = field(repr=False)
    per_day: int = 2_000
    per_second: int = 100
    habits: ReturnGoHabits = field(default_factory=ReturnGoHabits)
    gateway: bool = False


class ReturnGoSimulator(UnsignedServer):
    """A running ReturnGO; `shops` take changes."""

    def __init__(self, options: ReturnGoOptions, **around: Unpack[Around]) -> None:
        limits = (Limit(DAY, options.per_day), Limit(SECOND, options.per_second))
        super().__init__("returngo", options, limits, **around)
        self.shops = {
            name: ReturnGoShop(
                name,
                messenger=self.messenger,
                clock=self.clock,
                journal=self.journal,
                habits=options.habits,
            )
            for name in sorted(set().union(*options.keys.values()))
        }
        api = ReturnGoApi(
            self.shops.values(),
            front=self.front,
            keys=Keys(options.keys, options.gateway),
            quota=self.quota,
        )
        self.app = api.app
        self._ladder = options.ladder
        boards = (
            Board(tuple(self.shops.values()), "habits"),
            Board((api,), "keys", ("gateway",)),
        )
        self.serve(api.app, boards, deeds_of(self.shops))

    def switched(self) -> None:
        """Let retries be as the habits say, beside those that were asked for."""
        shop = next(iter(self.shops.values()))
        self.messenger.ladder = RETRIES if shop.habits.retries else self._ladder


@dataclass(frozen=True, slots=True)
class Shoppers:
    """People who return things to one shop; each RMA lives its life at their pace.

    With a `dock` the parcel goes there, and whoever reports from there sets it to
    received and validated; people do so themselves once they have waited `patience`.
    """

    shop: ReturnGoShop
    clock: Clock
    step: timedelta = timedelta(seconds=2)
    seed: int = 1
    dock: Dock | None = None
    patience: timedelta = timedelta(seconds=30)

    async def shop_on(self, every: timedelta, returns: int | None = None) -> None:
        """Create an RMA every so often; without end unless `returns` says how many."""
        await Arrivals(every, returns, self.seed).each(self.live, self.clock)

    async def live(self, luck: float) -> Rma:
        """Let one RMA go its way: most to a refund, some to their end before."""
        resolution = "RefundToStoreCredit" if luck > 0.8 else "RefundToPaymentMethod"  # noqa: PLR2004 odds
        rma = self.shop.create(1 + int(luck * 3), resolution=resolution)
        await self.clock.sleep(self.step)
        if luck < 0.1:  # noqa: PLR2004 odds
            self.shop.set_status(rma, "Rejected")
            return rma
        self.shop.set_status(rma, "Approved")
        for status in ("LabelCreated", "Shipped"):
            await self.clock.sleep(self.step)
            self.shop.move(rma, rma.parcels[0], status)
        await self._seen_to(rma)
        await self.clock.sleep(self.step)
        self.shop.validate(rma)
        movement = self.shop.pay(rma, fee=4.5 if luck > 0.5 else 0.0)  # noqa: PLR2004 odds
        await self.clock.sleep(self.step)
        if not self.shop.habits.notify_only:
            self.shop.settle(rma, movement)
        self.shop.set_status(rma, "Done")
        return rma

    async def _seen_to(self, rma: Rma) -> None:
        """Have the parcel received: by the dock if there is one, in time."""
        parcel = rma.parcels[0]
        if self.dock is not None and parcel.tracking is not None:
            units = tuple(Unit(unit.sku) for unit in rma.units)
            await self.dock(Box(parcel.tracking, units))
            await self._until_validated(parcel)
        else:
            await self.clock.sleep(self.step)
        self.shop.move(rma, parcel, "Received")

    async def _until_validated(self, parcel: Parcel) -> None:
        end = self.clock.monotonic() + self.patience.total_seconds()
        while parcel.status != "Validated" and self.clock.monotonic() < end:
            await self.clock.sleep(self.step / 10)
