"""The simulated ReturnLogic: one team's RMAs, its webhooks, and what it asks of us.

It shares nothing with the bridge and behaves as returnlogic.md says: no order, no
promise of delivery, a ladder of 24 hours, and a registration that is switched off
after 100 discarded messages and loses what happens meanwhile.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import orjson
from pydantic import JsonValue

from bridge.clock import Clock
from bridge.sandbox.catalogue import PRODUCTS
from bridge.sandbox.front import Json
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.messenger import Ladder, Message, Messenger

#: Section 2.1: gaps of 10, 20, 30, 60, then always 120 s, for a day.
LADDER = Ladder(
    tuple(timedelta(seconds=gap) for gap in (10, 20, 30, 60)),
    last=timedelta(seconds=120),
    life=timedelta(hours=24),
)

#: What an action makes of an RMA's workflow status; the others leave it.
STATUSES: dict[str, str] = {
    "requested": "Requested",
    "authorized": "Authorized",
    "canceled": "Canceled",
    "rejected": "Rejected",
    "inTransit": "In Transit",
    "delivered": "Delivered",
    "received": "Received",
    "processed": "Processed",
    "completed": "Complete",
}

FACTS = (*STATUSES, "active", "approved", "archived", "deleted", "updated")
COMMANDS = (
    "ProcessRefund",
    "ProcessGiftCard",
    "ProcessExchange",
    "ProcessWarranty",
    "ProcessRestock",
)
#: Discarded messages after which a registration is switched off (section 2.1).
OFF_AFTER = 100


@dataclass(slots=True)
class TeamRma:
    """One RMA; `outcome` is which total its sum stands in."""

    id: int
    status: str
    order_name: str
    email: str
    created_at: datetime
    sku: str
    quantity: int
    total: float
    outcome: str = "refund"
    tracking: str | None = None
    changed_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.changed_at = self.created_at


@dataclass(slots=True)
class Registration:
    """One action's webhook; `discards` counts since it was last set active."""

    id: str
    action: str
    url: str
    active: bool = True
    discards: int = 0


@dataclass(frozen=True, slots=True)
class TeamHabits:
    """Which of the unknown behaviours the simulator shows.

    `bare`: envelopes hold action, id and correlation id alone, without a team.
    `double_ids`: the id comes as a double. `partial`: statuses between are met.
    `off_after`: so many discarded messages switch a registration off.
    `acknowledged_at`: how and where acknowledgements are taken, below the version.
    """

    bare: bool = False
    double_ids: bool = False
    partial: bool = False
    off_after: int = OFF_AFTER
    acknowledged_at: tuple[str, str] = ("POST", "/rmas/{id}/{kind}/{result}")


class ReturnLogicTeam:
    """All RMAs of one team. `lost_while_off` counts what no registration took.

    `asked` are the commands, by correlation id: about which RMA, and what to do.
    `answered` are those that were acknowledged.
    """

    def __init__(
        self,
        team_id: str,
        *,
        messenger: Messenger,
        clock: Clock,
        journal: Journal,
        habits: TeamHabits | None = None,
    ) -> None:
        self.team_id = team_id
        self.rmas: dict[int, TeamRma] = {}
        self.registrations: dict[str, Registration] = {}
        self.lost_while_off = 0
        self.told: Counter[str] = Counter()
        self.asked: dict[str, tuple[int, str]] = {}
        self.answered: set[str] = set()
        self.habits = habits or TeamHabits()
        self._messenger = messenger
        self._clock = clock
        self._journal = journal
        self._numbers = count(1)
        messenger.on_discard = self._discarded

    def register(self, action: str, url: str) -> Registration:
        """Subscribe to one action."""
        made = Registration(str(next(self._numbers)), action, url)
        self.registrations[made.id] = made
        return made

    def activate(self, registration: Registration, *, active: bool) -> None:
        """Switch a registration; on, its count begins anew and the past stays lost."""
        if active and not registration.active:
            self._journal.note(Kind.SWITCHED, f"{registration.action} on")
        registration.active = active
        registration.discards = 0

    # ------------------------------------------------------------ what people do

    def create(self, *, outcome: str = "refund", manual: bool = False) -> TeamRma:
        """Take in a new RMA; without manual authorisation it begins authorised."""
        number = next(self._numbers)
        product = PRODUCTS[number % len(PRODUCTS)]
        rma = TeamRma(
            id=330_000 + number,
            status="",
            order_name=f"FH-{2000 + number}",
            email=f"shopper{number}@example.com",
            created_at=self._clock.now(),
            sku=product.sku,
            quantity=1 + number % 2,
            total=product.cents / 100,
            outcome=outcome,
        )
        self.rmas[rma.id] = rma
        self._journal.note(Kind.CREATED, f"{rma.order_name} RMA {rma.id}")
        self.happen(rma, "requested" if manual else "authorized")
        return rma

    def happen(self, rma: TeamRma, action: str) -> None:
        """Let a fact happen to an RMA, and tell of it."""
        before = rma.status
        rma.status = STATUSES.get(action, rma.status)
        if self.habits.partial and action in {"received", "processed"}:
            rma.status = f"Partially {rma.status}"
        if action == "inTransit" and rma.tracking is None:
            rma.tracking = f"TEST-TRK-{rma.id}"
        if action == "deleted":
            self.rmas.pop(rma.id, None)
        rma.changed_at = self._clock.now()
        if rma.status != before:
            self._journal.note(Kind.MOVED, f"{rma.order_name} {before} -> {rma.status}")
        self._tell(rma, action, self._correlation())
        if action == "completed":
            self._tell(rma, "archived", self._correlation())

    def command(self, rma: TeamRma, action: str) -> str:
        """Ask us to act; return the correlation id."""
        correlation_id = self._correlation()
        self.asked[correlation_id] = rma.id, action
        self._tell(rma, action, correlation_id)
        return correlation_id

    def repeat(self, rma: TeamRma, action: str, correlation_id: str | None) -> None:
        """Send a command once more, or one that cannot be acknowledged."""
        self._tell(rma, action, correlation_id)

    # ------------------------------------------------------------ what follows

    def _correlation(self) -> str:
        return str(UUID(int=next(self._numbers), version=4))

    def _tell(self, rma: TeamRma, action: str, correlation_id: str | None) -> None:
        rma_id: JsonValue = float(rma.id) if self.habits.double_ids else rma.id
        body: Json = {"action": action, "rlRmaId": rma_id}
        if correlation_id is not None:
            body["correlationId"] = correlation_id
        if not self.habits.bare:
            body |= {"type": "rma", "teamId": self.team_id, "data": to_json(rma)}
        for registration in self.registrations.values():
            if registration.action != action:
                continue
            if not registration.active:
                self.lost_while_off += 1
                continue
            self.told[action] += 1
            name = f"{rma.order_name} {action}"
            self._messenger.send(
                Message(registration.id, registration.url, name, orjson.dumps(body))
            )

    def _discarded(self, message: Message) -> None:
        registration = self.registrations.get(message.registration)
        if registration is None:
            return
        registration.discards += 1
        if registration.active and registration.discards >= self.habits.off_after:
            registration.active = False
            self._journal.note(Kind.SWITCHED, f"{registration.action} off")


def to_json(rma: TeamRma) -> Json:
    """Return the RMA as an API read gives it (section 4)."""
    totals: Json = {name: {"total": 0} for name in ("refund", "exchange", "giftCard")}
    totals[rma.outcome] = {"total": rma.total}
    label: Json = {
        "carrier": "DemoPost",
        "trackingNumber": rma.tracking,
        "trackingUrl": f"https://track.demopost.example/{rma.tracking}",
    }
    item: Json = {
        "rmaItemId": 550_000 + rma.id,
        "productName": rma.sku.title(),
        "sku": rma.sku,
        "quantity": rma.quantity,
        "returnReasonDescription": "Changed mind",
        "returnReasonComment": "",
        "returnType": rma.outcome.title(),
    }
    return {
        "rlRmaId": rma.id,
        "workflowStatus": rma.status,
        "orderName": rma.order_name,
        "customerEmail": rma.email,
        "customerName": "Fictiva Testperson",
        "timeline": {"createDate": rma.created_at.isoformat()},
        "rmaItems": [item],
        "totals": totals,
        "shippingLabel": label if rma.tracking else None,
    }
