"""The simulated ReturnGO: RMAs of one shop, what happens to them, and who is told.

It shares nothing with the bridge and behaves as returngo.md says, also where that
hurts: parcels, receipt and refunds leave `lastUpdated` where it was, a transaction
that succeeds tells nobody, and what an API user writes comes back as a comment.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Literal

import orjson

from bridge.clock import Clock
from bridge.sandbox.catalogue import PRODUCTS
from bridge.sandbox.front import Json
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.messenger import Ladder, Message, Messenger
from bridge.sandbox.returngo_bodies import Movement, Parcel, Remark, Rma, Unit, moment

#: From each shipment status the ones it may be set to (section 6).
MOVES: dict[str, tuple[str, ...]] = {
    "Pending": ("LabelCreated", "Shipped", "Received", "Canceled", "Validated"),
    "LabelCreated": ("Shipped", "Received", "Canceled", "Validated"),
    "Shipped": ("Received", "Canceled", "Validated"),
    "Canceled": ("Received", "Validated"),
    "Received": ("Validated",),
    "Validated": (),
}

#: Where retries are switched on: how many there are is not documented.
RETRIES = Ladder(
    tuple(timedelta(seconds=gap) for gap in (10, 30, 60)), life=timedelta(minutes=5)
)


@dataclass(frozen=True, slots=True)
class ReturnGoHabits:
    """Which of the unknown behaviours the simulator shows.

    `frozen`: parcels, receipt and refunds do not move `lastUpdated`. `notify_only`:
    refunds are only wished for. `webhooks`: `full` bodies, with `ids` only, or with
    nothing but the event's `name`. `empty_cursor`: a list ends with an empty cursor
    instead of none. `comment_field` is the one that a comment's body must have.
    `retries`: a webhook that was not taken is sent again.
    """

    frozen: bool = True
    notify_only: bool = False
    webhooks: Literal["full", "ids", "name"] = "full"
    empty_cursor: bool = False
    comment_field: Literal["htmlText", "comment", "text"] = "htmlText"
    retries: bool = False


@dataclass(slots=True)
class Webhook:
    """One registration; nothing keeps two from being the same."""

    id: str
    url: str
    event: str


class ReturnGoShop:
    """All RMAs of one shop."""

    def __init__(
        self,
        name: str,
        *,
        messenger: Messenger,
        clock: Clock,
        journal: Journal,
        habits: ReturnGoHabits | None = None,
    ) -> None:
        self.name = name
        self.habits = habits or ReturnGoHabits()
        self.rmas: dict[str, Rma] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.told: Counter[str] = Counter()
        self._messenger = messenger
        self._clock = clock
        self._journal = journal
        self._numbers = count(1)

    # ------------------------------------------------------------ what people do

    def create(
        self,
        units: int = 1,
        *,
        resolution: str = "RefundToPaymentMethod",
        shipped: bool = True,
    ) -> Rma:
        """Take in a new RMA of one order line with so many units."""
        number, now = next(self._numbers), self._clock.now()
        product = PRODUCTS[number % len(PRODUCTS)]
        parcel = Parcel(f"{40_040_000 + number}") if shipped else None
        rma = Rma(
            id=f"{30_090_000 + number}",
            status="Pending",
            order_id=f"{990_000_000_000 + number}",
            order_name=f"FH-{2000 + number}",
            customer_id=f"{77_000 + number}",
            created_at=now,
            touched_at=now,
            parcels=[parcel] if parcel else [],
            events=[("RMA_CREATED", now)],
        )
        for unit in range(units):
            rma.units.append(
                Unit(
                    id=f"{61_610_000 + number * 100 + unit}",
                    line_id=f"{15_150_000 + number}",
                    sku=product.sku,
                    name=product.name,
                    price=product.cents / 100,
                    resolution=resolution,
                    parcel_id=parcel.id if parcel else None,
                )
            )
        self.rmas[rma.id] = rma
        self._journal.note(Kind.CREATED, f"{rma.order_name} RMA{rma.id}")
        self._tell("RMA_CREATED", rma, {"status": rma.status})
        for made in rma.parcels:
            self._tell("SHIPMENT_CREATED", rma, {"shipmentId": made.id})
        return rma

    def set_status(self, rma: Rma, status: str, *, by_api: bool = False) -> None:
        """Decide about an RMA; also the reopening of a cancelled one."""
        before, now = rma.status, self._clock.now()
        rma.status = status
        if status == "Approved":
            rma.events.append(("RMA_APPROVED", now))
        rma.touched_at = now
        self._remark(rma, f"Request {status.upper()}", by_api=by_api)
        self._journal.note(Kind.MOVED, f"{rma.order_name} {before} -> {status}")
        self._tell("RMA_STATUS_UPDATED", rma, {"status": status})

    def move(
        self, rma: Rma, parcel: Parcel, status: str, *, by_api: bool = False
    ) -> bool:
        """Move a parcel; False if the table forbids it. The same again is no move."""
        if status not in {parcel.status, *MOVES[parcel.status]}:
            return False
        parcel.status = status
        if status == "LabelCreated" and parcel.tracking is None:
            parcel.carrier, parcel.tracking = "DemoPost", f"TEST-TRK-{parcel.id}"
            parcel.label_url = f"https://labels.example/{parcel.id}.pdf"
        self._remark(rma, f"Shipment with ID: {parcel.id} was updated", by_api=by_api)
        self._shifted(rma)
        ids: Json = {"shipmentId": parcel.id, "status": status}
        self._tell("SHIPMENT_STATUS_UPDATED", rma, ids)
        self._follow(rma)
        return True

    def _follow(self, rma: Rma) -> None:
        """Let the RMA follow its parcels: 180 of 180 did (section 6)."""
        statuses = {parcel.status for parcel in rma.parcels}
        if rma.status == "Approved" and statuses == {"Received"}:
            rma.status = "Received"
            self._tell("RMA_STATUS_UPDATED", rma, {"status": rma.status})

    def validate(self, rma: Rma, found: str = "restockable") -> None:
        """Say of every unit what was found."""
        for unit in rma.units:
            unit.found, unit.found_at = found, self._clock.now()
        for parcel in rma.parcels:
            parcel.status = "Validated"
        rma.status = "Validated"
        self._shifted(rma)

    def pay(self, rma: Rma, *, fee: float = 0.0) -> Movement:
        """Begin to pay back what the units are worth; a fee is paid at once."""
        now = self._clock.now()
        if fee:
            number = 52_520_000 + next(self._numbers)
            paid = Movement(number, "InvoicePayment", "Success", fee, now, now)
            rma.movements.append(paid)
        credit = rma.units[0].resolution == "RefundToStoreCredit"
        movement = Movement(
            id=52_520_000 + next(self._numbers),
            type="RefundToStoreCredit" if credit else "RefundToPaymentMethod",
            status="Requested",
            amount=round(sum(unit.price for unit in rma.units), 2),
            created_at=now,
            updated_at=now,
            unit_ids=[unit.id for unit in rma.units],
        )
        rma.movements.append(movement)
        self._shifted(rma)
        self._tell("TRANSACTION_CREATED", rma, {"transactionId": movement.id})
        if not self.habits.notify_only:  # else it is a wish, and nothing is issued
            self._tell("REFUND_CREATED", rma, {"transactionId": movement.id})
        return movement

    def settle(self, rma: Rma, movement: Movement, status: str = "Success") -> None:
        """Let a transaction succeed or fail: nobody is told."""
        movement.status, movement.updated_at = status, self._clock.now()
        if status == "Success":
            code = "Credit" in movement.type
            movement.reference = f"{'DEMO-CODE' if code else 'rf-demo'}-{movement.id}"
        else:
            self._remark(rma, "Refund could not be made", type_="error")
        self._shifted(rma)

    def track(self, rma: Rma, parcel: Parcel, status: str) -> None:
        """Let the carrier say where a parcel is: its shipment stays as it was."""
        ids: Json = {"shipmentTrackerId": f"9{parcel.id}", "status": status}
        ids["trackingNumber"] = parcel.tracking
        self._tell("SHIPMENT_TRACKER_STATUS_UPDATED", rma, ids)

    def order_exchange(self, rma: Rma, order_id: str) -> None:
        """Make an order of the draft: nobody is told."""
        rma.exchange_order = order_id
        self._shifted(rma)

    def comment(self, rma: Rma, html: str) -> None:
        """Take an API user's comment."""
        self._remark(rma, html, by_api=True)

    def delete_shipment(self, rma: Rma, parcel: Parcel) -> None:
        """Take a parcel away for an API user."""
        rma.parcels.remove(parcel)
        self._remark(rma, f"Shipment with ID: {parcel.id} was deleted", by_api=True)
        self._shifted(rma)
        ids: Json = {"shipmentId": parcel.id, "status": "Deleted"}
        self._tell("SHIPMENT_STATUS_UPDATED", rma, ids)

    # ------------------------------------------------------------ what follows

    def newest_first(self) -> Iterator[Rma]:
        return iter(
            sorted(self.rmas.values(), key=lambda rma: int(rma.id), reverse=True)
        )

    def rma_of(self, parcel_id: str) -> Rma | None:
        """Return the RMA that a parcel belongs to."""
        return next(
            (
                rma
                for rma in self.rmas.values()
                if any(parcel.id == parcel_id for parcel in rma.parcels)
            ),
            None,
        )

    def register(self, url: str, event: str) -> Webhook:
        """Register a webhook, also for the second time."""
        webhook = Webhook(str(8800 + next(self._numbers)), url, event)
        self.webhooks[webhook.id] = webhook
        return webhook

    def _shifted(self, rma: Rma) -> None:
        if not self.habits.frozen:
            rma.touched_at = self._clock.now()

    def _remark(
        self, rma: Rma, html: str, *, by_api: bool = False, type_: str = "system"
    ) -> None:
        by = "ReturnGO API" if by_api else "system"
        rma.remarks.append(Remark(type_, by, html, self._clock.now()))

    def _tell(self, event: str, rma: Rma, ids: Json) -> None:
        body: Json = {"eventName": event}
        if self.habits.webhooks != "name":
            body |= {"rmaId": rma.id}
        if self.habits.webhooks == "full":
            now = moment(self._clock.now())
            body |= {"eventDate": now, "shopName": self.name} | ids
        for webhook in self.webhooks.values():
            if webhook.event == event:
                self.told[event] += 1
                name = f"{rma.order_name} {event}"
                self._messenger.send(
                    Message(webhook.id, webhook.url, name, orjson.dumps(body))
                )
