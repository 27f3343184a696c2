"""ReturnLogic's RMA into the canonical return: flat, field by field.

Closed and paid are two facts: what was paid stands in the totals, and counts once the
RMA is processed (returnlogic.md, section 7). A completed RMA may never have been.
"""

import re
from datetime import datetime
from decimal import Decimal

from bridge.canonical.base import Money
from bridge.canonical.model import (
    Credit,
    Customer,
    Exchange,
    Item,
    ItemComment,
    Kind,
    Person,
    Reason,
    Refund,
    Return,
    Shipment,
    ShipmentState,
    Totals,
)
from bridge.canonical.order import Order
from bridge.canonical.reference import subject_of
from bridge.canonical.states import State
from bridge.platforms.contract import Privacy
from bridge.platforms.returnlogic import payloads

PLATFORM = "returnlogic"
NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": totals name none."""

#: Workflow status without case, blanks, `_` and `-`: state and flag, section 7.
STATES: dict[str, tuple[State, str | None]] = {
    "requested": (State.REQUESTED, None),
    "authorized": (State.APPROVED, None),
    "rejected": (State.REJECTED, None),
    "intransit": (State.IN_TRANSIT, None),
    "delivered": (State.DELIVERED, None),
    "partiallyreceived": (State.RECEIVED, "partial"),
    "received": (State.RECEIVED, None),
    "partiallyprocessed": (State.INSPECTED, "partial"),
    "processed": (State.INSPECTED, None),
    "complete": (State.CLOSED, None),
    "completed": (State.CLOSED, None),
    "canceled": (State.CANCELLED, None),
    "abandoned": (State.EXPIRED, None),
    "deleted": (State.DELETED, None),
}

#: Statuses at which the totals are what was done, not what is planned.
PROCESSED = frozenset({"partiallyprocessed", "processed"})

_APART = re.compile(r"[\s_-]+")
_CODE = re.compile(r"[A-Z]{3}")


def folded(status: str | None) -> str:
    """Return a status as it is compared: `In Transit` and `in_transit` are one."""
    return _APART.sub("", status or "").lower()


def to_return(
    rma: payloads.Rma, account: str, privacy: Privacy, observed_at: datetime
) -> Return:
    """Translate a whole RMA; `goods` stays empty, that is the warehouse's to say."""
    status = folded(rma.workflow_status)
    state, flag = STATES.get(status, (State.UNKNOWN, None))
    totals, paid = rma.totals or payloads.Totals(), status in PROCESSED
    refund, credit = to_money(totals.refund), to_money(totals.gift_card)
    return Return(
        subject=subject_of(PLATFORM, account, rma.rl_rma_id),
        platform=PLATFORM,
        account=account,
        native_id=rma.rl_rma_id,
        number=rma.rl_rma_id,
        kind=Kind.RETURN,
        state=state,
        state_raw=rma.workflow_status,
        flags=(flag,) if flag else (),
        order=Order(id=rma.order_name, name=rma.order_name) if rma.order_name else None,
        offered=tuple(dict.fromkeys(filter(None, map(_type, rma.rma_items)))),
        items=tuple(to_item(*each) for each in enumerate(rma.rma_items)),
        shipments=_shipments(rma.shipping_label, state),
        refunds=_refunds(refund, paid=paid),
        credits=(Credit(id="giftCard", amount=credit),) if credit and paid else (),
        exchange=_exchange(to_money(totals.exchange), paid=paid),
        totals=_totals(rma.totals),
        customer=None if privacy.drop_personal else _customer(rma),
        created_at=rma.timeline.create_date if rma.timeline else None,
        observed_at=observed_at,
    )


def to_item(position: int, item: payloads.RmaItem) -> Item:
    """Translate one line; the shopper's own words stay behind."""
    return Item(
        id=item.rma_item_id or f"#{position}",
        sku=item.sku or None,
        quantity=item.quantity,
        reasons=(Reason(text=item.return_reason_description),)
        if item.return_reason_description
        else (),
        adjustment=item.return_type or None,
    )


def to_money(total: payloads.Total | None) -> Money | None:
    """Return a sum above zero; None for nothing."""
    if total is None or not total.total or Decimal(total.total) <= 0:
        return None
    amount = total.total
    if "." in amount:
        amount = amount.rstrip("0").rstrip(".")
    currency = (total.currency or "").strip().upper()
    known = _CODE.fullmatch(currency)
    return Money(amount=amount, currency=currency if known else NO_CURRENCY)


def _type(item: payloads.RmaItem) -> str | None:
    return item.return_type or None


def _refunds(refund: Money | None, *, paid: bool) -> tuple[Refund, ...]:
    """Return the one refund of the RMA; before processing it is only planned."""
    if refund is None:
        return ()
    return (Refund(key="refund", amount=refund, state="issued" if paid else "pending"),)


def _exchange(total: Money | None, *, paid: bool) -> Exchange | None:
    """Return that goods are exchanged: neither goods nor order are told."""
    if total is None:
        return None
    return Exchange(provision_raw="processed" if paid else None)


def _totals(totals: payloads.Totals | None) -> Totals | None:
    if totals is None:
        return None
    return Totals(
        refund=to_money(totals.refund),
        exchange=to_money(totals.exchange),
        store_credit=to_money(totals.gift_card),
    )


#: Where the one label's parcel is, by the state of the return; else a label exists.
_PARCEL: dict[State, ShipmentState] = {
    State.IN_TRANSIT: ShipmentState.IN_TRANSIT,
    State.DELIVERED: ShipmentState.DELIVERED,
    State.RECEIVED: ShipmentState.DELIVERED,
    State.INSPECTED: ShipmentState.DELIVERED,
    State.REQUESTED: ShipmentState.LABEL_CREATED,
    State.APPROVED: ShipmentState.LABEL_CREATED,
}


def _shipments(label: payloads.Label | None, state: State) -> tuple[Shipment, ...]:
    """Return the parcel of the label; at the end of a return nothing new is known."""
    if label is None or not label.tracking_number or state not in _PARCEL:
        return ()
    parcel = Shipment(
        key=label.tracking_number,
        carrier=label.carrier,
        state=_PARCEL[state],
        tracking_number=label.tracking_number,
        tracking_url=label.tracking_url,
        has_label=True,
    )
    return (parcel,)


def _customer(rma: payloads.Rma) -> Customer | None:
    """Return the shopper; the name comes whole and is not guessed apart."""
    comments = tuple(
        ItemComment(item_id=item.rma_item_id or f"#{position}", text=text)
        for position, item in enumerate(rma.rma_items)
        if (text := item.return_reason_comment)
    )
    person = Person(given_name=rma.customer_name, email=rma.customer_email)
    customer = Customer(person=person, comments=comments)
    return None if customer == Customer(person=Person()) else customer
