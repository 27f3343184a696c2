"""ReturnGO's RMA into the canonical return: flat, field by field, no decisions.

Not here: units and new goods (`lines.py`), parcels (`parcels.py`), money (`money.py`),
reading (`source.py`). Comments of type `system` are left out: most of them are the
echo of what an API user wrote (returngo.md, section 11).
"""

import html
import re
from datetime import datetime

from bridge.canonical.model import (
    Address,
    Addresses,
    Customer,
    Kind,
    Note,
    Person,
    Return,
)
from bridge.canonical.order import Order
from bridge.canonical.reference import subject_of
from bridge.canonical.states import State
from bridge.platforms.contract import Privacy
from bridge.platforms.returngo import payloads
from bridge.platforms.returngo.lines import to_exchange, to_item
from bridge.platforms.returngo.money import to_credits, to_refunds, to_totals
from bridge.platforms.returngo.parcels import advanced, by_number, inbound, to_shipments

PLATFORM = "returngo"

#: RMA status, returngo.md section 9. `Done` says nothing about money, and `Canceled`
#: is not the end.
STATES: dict[str, State] = {
    "Pending": State.REQUESTED,
    "Approved": State.APPROVED,
    "Received": State.RECEIVED,
    "Validated": State.INSPECTED,
    "Done": State.CLOSED,
    "Rejected": State.REJECTED,
    "Canceled": State.CANCELLED,
}

_TAG = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"\s+")


def to_return(
    rma: payloads.Rma, account: str, privacy: Privacy, observed_at: datetime
) -> Return:
    """Translate a whole RMA; `goods` stays empty, that is the warehouse's to say."""
    summary = rma.rma_summary
    state = STATES.get(summary.status or "", State.UNKNOWN)
    return Return(
        subject=subject_of(PLATFORM, account, summary.rma_id),
        platform=PLATFORM,
        account=account,
        native_id=summary.rma_id,
        number=f"RMA{summary.rma_id}",
        kind=Kind.RETURN,
        state=advanced(state, rma),
        state_raw=summary.status,
        flags=_flags(rma),
        order=_order(rma),
        items=tuple(
            to_item(position, item)
            for position, item in enumerate(
                sorted(rma.items, key=lambda item: by_number(item.returned_item_id))
            )
        ),
        shipments=to_shipments(rma),
        refunds=tuple(to_refunds(rma)),
        credits=tuple(to_credits(rma, privacy.hash_key)),
        exchange=to_exchange(rma),
        totals=to_totals(rma),
        customer=None if privacy.drop_personal else _customer(rma),
        addresses=None if privacy.drop_personal else _addresses(rma),
        notes=_notes(rma),
        created_at=rma.created_at,
        updated_at=rma.last_updated,
        observed_at=observed_at,
    )


def _flags(rma: payloads.Rma) -> tuple[str, ...]:
    """`problem`: ReturnGO itself reports an error; it drives no state."""
    trouble = any(comment.comment_type == "error" for comment in rma.comments)
    flags = (
        "out_of_policy" if rma.is_out_of_policy else None,
        "problem" if trouble else None,
    )
    return tuple(filter(None, flags))


def _order(rma: payloads.Rma) -> Order | None:
    details = rma.order_details or payloads.OrderDetails()
    if not details.order_id:
        return None
    return Order(
        id=details.order_id,
        name=details.order_name or rma.rma_summary.order_name,
        external_ids=(details.order_id,),
    )


def _sender(rma: payloads.Rma) -> payloads.Address | None:
    """Return the only place where the shopper stands: the first parcel that has it."""
    return next(filter(None, (each.customer_address for each in inbound(rma))), None)


def _customer(rma: payloads.Rma) -> Customer | None:
    """Return the shopper; the name comes whole and is not guessed apart."""
    sender = _sender(rma)
    if sender is None:
        return None
    return Customer(
        person=Person(
            given_name=sender.name or None,
            email=sender.email or None,
            phone=sender.phone or None,
        )
    )


def _addresses(rma: payloads.Rma) -> Addresses | None:
    parcels = inbound(rma)
    destination = next(filter(None, (each.return_address for each in parcels)), None)
    addresses = Addresses(
        sender=_address(_sender(rma)),
        destination=_address(destination),
        destination_phone=(destination and destination.phone) or None,
    )
    return None if addresses == Addresses() else addresses


def _address(address: payloads.Address | None) -> Address | None:
    if address is None:
        return None
    return Address(
        line1=address.street1 or None,
        line2=address.street2 or None,
        city=address.city or None,
        state=address.state or None,
        postal_code=address.zip or None,
        country=address.country or None,
    )


def _notes(rma: payloads.Rma) -> tuple[Note, ...]:
    """Return what people wrote and what went wrong, oldest first."""
    texts = (
        plain_text(comment.html_text or "")
        for comment in reversed(rma.comments)
        if comment.comment_type != "system"
    )
    return tuple(Note(text=text) for text in texts if text)


def plain_text(markup: str) -> str:
    """Return HTML as one line of text."""
    return _BLANKS.sub(" ", html.unescape(_TAG.sub(" ", markup))).strip()
