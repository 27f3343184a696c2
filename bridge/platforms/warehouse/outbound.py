"""What a warehouse must hear of an event: one `wms.inbound-return/1` per parcel.

The document is desired state, not a command: the whole parcel as it is expected now,
with the event's sequence as its rising revision. Which events send it stands in
`_RULES`; all others are Skipped. What warehouses themselves found (`goods.*`, and
returns first heard of from a warehouse) never goes back to one.

A vendor's own API (profile *mapped*, wms.md section 6.3) starts from the same
`plan`: a mapping turns each document into the vendor's request.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from bridge.canonical.envelope import Event
from bridge.canonical.event_data import EventData
from bridge.canonical.events import (
    ReturnApproved,
    ReturnCancelled,
    ReturnCreated,
    ReturnDeleted,
    ReturnDelivered,
    ReturnExpired,
    ReturnInTransit,
    ReturnRejected,
    ReturnUpdated,
    ShipmentCreated,
    ShipmentUpdated,
)
from bridge.canonical.model import ShipmentState
from bridge.canonical.reference import reference_of
from bridge.canonical.states import State
from bridge.errors import UnreadableError
from bridge.platforms.contract import Refused, Skipped
from bridge.platforms.warehouse.document import Numbered, Terms, expected
from bridge.platforms.warehouse.parcels import Parcel, goods, parcels
from bridge.platforms.warehouse.payloads import InboundCancel, InboundReturn

Document = InboundReturn | InboundCancel
NOT_OURS = Skipped("not_for_warehouses")


class Purpose(Enum):
    """Why the warehouse hears of an event."""

    ANNOUNCE = "announce"
    CHANGE = "change"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to tell, in the order of the parcels; never empty."""

    purpose: Purpose
    documents: tuple[Document, ...]


#: The return is on its way or through: the warehouse may know of it.
_ANNOUNCED = frozenset(
    {
        State.APPROVED,
        State.IN_TRANSIT,
        State.DELIVERED,
        State.RECEIVED,
        State.INSPECTED,
        State.CLOSED,
    }
)
#: Its goods were seen to: what changes now is for nobody at the dock.
_THROUGH = frozenset({State.INSPECTED, State.CLOSED})
_UNDECIDED = frozenset({State.REQUESTED, State.UNDER_REVIEW})

_CANCELS: Mapping[type[EventData], str] = {
    ReturnCancelled: "The return was cancelled",
    ReturnRejected: "The return was rejected",
    ReturnExpired: "The return has expired",
    ReturnDeleted: "The return was deleted",
}

#: Fields of the snapshot's lists that show in the document.
_SHOWN: Mapping[str, frozenset[str]] = {
    "items": frozenset(
        {"id", "sku", "quantity", "keeps_goods", "reasons", "shipment_groups"}
    ),
    "shipments": frozenset(
        {
            "key",
            "carrier",
            "tracking_number",
            "has_label",
            "group",
            "item_ids",
            "estimated_delivery",
        }
    ),
}
_WHOLE_ELEMENT = 2
"""Steps of a pointer to a whole element of a list: `/items/3`."""

_SHOWN_PERSONAL = frozenset({"customer", "addresses"})


def plan(event: Event, terms: Terms) -> Plan | Skipped | Refused:
    """Return what to tell the warehouse about `event`, or why nothing is told.

    Refused `no_reference`: the subject makes no reference a warehouse can hold.
    Refused `unreadable_event`: the body is not what its type promises.
    """
    rule = _RULES.get(event.type)
    if rule is None or event.subject.startswith("warehouse/"):
        return NOT_OURS
    try:
        if not rule.worth_reading(event, terms):
            return NOT_OURS
        data = event.read()
    except UnreadableError as broken:
        return Refused("unreadable_event", broken.path)
    return _plan(event, data, rule, terms) if rule.applies(data, terms) else NOT_OURS


def _plan(
    event: Event, data: EventData, rule: "_Rule", terms: Terms
) -> Plan | Skipped | Refused:
    purpose = rule.purpose
    if not goods(data.return_):
        if not _takes_back(data, purpose):
            return Skipped("no_goods")
        purpose = Purpose.CANCEL
    documents = tuple(_documents(event, data, purpose, terms))
    if None in documents:
        return Refused("no_reference", "the subject makes no reference of 50 signs")
    return Plan(purpose, tuple(filter(None, documents)))


# ---------------------------------------------------------------- which events, why


def _any(_: Event, __: Terms) -> bool:
    return True


def _if_early(_: Event, terms: Terms) -> bool:
    return terms.on_created


def _if_changed(event: Event, _: Terms) -> bool:
    """Tell whether the event is more than a part of a first sight."""
    return bool(event.read_before())


def _always(_: EventData, __: Terms) -> bool:
    return True


def _is_early(data: EventData, terms: Terms) -> bool:
    """Tell whether the settings want a return announced that is not decided yet."""
    return terms.on_created and data.return_.state in _UNDECIDED


def _is_new(data: EventData, _: Terms) -> bool:
    """Tell whether the return was not approved before it was on its way."""
    return data.before.get("/state") not in _ANNOUNCED


def _was_told(data: EventData, terms: Terms) -> bool:
    """Tell whether the warehouse may have heard of a return that ends."""
    return terms.on_created or data.before.get("/state") != State.REQUESTED


def _shows(data: EventData, terms: Terms) -> bool:
    """Tell whether a change is to be seen in the document of an announced return.

    At first sight of a return its state is announced with all that is known then: the
    parts of that moment (`before` is empty) say nothing more.
    """
    told = data.return_.state in _ANNOUNCED - _THROUGH or _is_early(data, terms)
    return told and any(_is_shown(pointer, data, terms) for pointer in data.before)


def _is_shown(pointer: str, data: EventData, terms: Terms) -> bool:
    steps = pointer.split("/")[1:]
    if steps[0] in _SHOWN_PERSONAL:
        return terms.sender
    fields = _SHOWN.get(steps[0])
    if fields is None or len(steps) <= _WHOLE_ELEMENT:
        return fields is not None
    voided = (
        isinstance(data, ShipmentUpdated)
        and data.shipment.state is ShipmentState.LABEL_VOIDED
    )
    return steps[2] in fields or (steps[2] == "state" and voided)


def _takes_back(data: EventData, purpose: Purpose) -> bool:
    """Tell whether a return without goods may have been announced with some."""
    if purpose is Purpose.CANCEL:
        return not data.return_.items
    return purpose is Purpose.CHANGE and any(
        pointer.endswith("/keeps_goods") for pointer in data.before
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """Why an event of one type is told, and when.

    `worth_reading` spares the reading of most events that do not apply: it costs ten
    times as much as all the rest.
    """

    purpose: Purpose
    applies: Callable[[EventData, Terms], bool]
    worth_reading: Callable[[Event, Terms], bool] = _any


#: Every event type that may concern a warehouse.
_RULES: Mapping[str, _Rule] = {
    ReturnApproved.name: _Rule(Purpose.ANNOUNCE, _always),
    ReturnCreated.name: _Rule(Purpose.ANNOUNCE, _is_early, _if_early),
    ReturnInTransit.name: _Rule(Purpose.ANNOUNCE, _is_new),
    ReturnDelivered.name: _Rule(Purpose.ANNOUNCE, _is_new),
    ReturnUpdated.name: _Rule(Purpose.CHANGE, _shows, _if_changed),
    ShipmentCreated.name: _Rule(Purpose.CHANGE, _shows, _if_changed),
    ShipmentUpdated.name: _Rule(Purpose.CHANGE, _shows, _if_changed),
    **{model.name: _Rule(Purpose.CANCEL, _was_told) for model in _CANCELS},
}


# --------------------------------------------------------------------- the documents


def _documents(
    event: Event, data: EventData, purpose: Purpose, terms: Terms
) -> Iterator[Document | None]:
    """Yield one document per parcel, None for one that has no reference.

    A parcel whose label is void, and one that is no longer there, will not come.
    """
    cancelled = _CANCELS.get(type(data), "Nothing is sent back")
    boxes = parcels(data.return_)
    gone = (Parcel(i, None, ()) for i in range(len(boxes) + 1, _former(data) + 1))
    alive = purpose is not Purpose.CANCEL
    for parcel in (*boxes, *gone):
        reference = reference_of(event.subject, parcel.index)
        if reference is None:
            yield None
        elif alive and parcel.is_coming and parcel.index <= len(boxes):
            number = Numbered(reference, event.sequence, count=len(boxes))
            yield expected(data.return_, parcel, number, terms)
        else:
            yield InboundCancel(
                reference=reference,
                revision=event.sequence,
                reason="The parcel is not coming" if alive else cancelled,
            )


def _former(data: EventData) -> int:
    """Return how many shipments there were if some are gone, else 0."""
    former = data.before.get("/shipments")
    return len(former) if isinstance(former, list) else 0
