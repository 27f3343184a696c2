"""Every canonical event type: what happened, with the return as it stands after.

`data` of each is `{"return": …, "before": …, <the part it is about>}`: a consumer
needs no look-up. Names on the wire are `returns.<noun>.<past verb>.v1`.
"""

from pydantic import AwareDatetime, Field, JsonValue

from bridge.canonical.base import Money
from bridge.canonical.event_data import EventData
from bridge.canonical.goods_events import GoodsEventData
from bridge.canonical.model import (
    Credit,
    Exchange,
    Item,
    Note,
    Refund,
    Shipment,
)
from bridge.canonical.states import State


class ReturnCreated(EventData):
    """First sight of a return, whatever state it is in."""

    name = "return.created"


class ReturnReopened(EventData):
    """A finished return is alive again; `return.<state>` follows."""

    name = "return.reopened"


class ReturnUpdated(EventData):
    """Anything that no other event of the same observation says."""

    name = "return.updated"
    changed: tuple[str, ...]


class _StateReached(EventData):
    """The return reached the state it is named after."""


class ReturnRequested(_StateReached):
    name = "return.requested"


class ReturnUnderReview(_StateReached):
    name = "return.under_review"


class ReturnApproved(_StateReached):
    name = "return.approved"


class ReturnInTransit(_StateReached):
    name = "return.in_transit"


class ReturnDelivered(_StateReached):
    name = "return.delivered"


class ReturnReceived(_StateReached):
    name = "return.received"


class ReturnInspected(_StateReached):
    name = "return.inspected"


class ReturnClosed(_StateReached):
    name = "return.closed"


class ReturnRejected(_StateReached):
    name = "return.rejected"


class ReturnCancelled(_StateReached):
    name = "return.cancelled"


class ReturnExpired(_StateReached):
    name = "return.expired"


class ReturnDeleted(_StateReached):
    name = "return.deleted"


class ReturnUnknown(_StateReached):
    name = "return.unknown"


class ShipmentCreated(EventData):
    """A parcel (or its label) is known."""

    name = "shipment.created"
    shipment: Shipment


class ShipmentUpdated(EventData):
    """A parcel moved or its facts changed."""

    name = "shipment.updated"
    shipment: Shipment


class ItemInspected(EventData):
    """The platform states grade or outcome of a line."""

    name = "item.inspected"
    item: Item


class RefundIssued(EventData):
    """Money went back for one item or refund id."""

    name = "refund.issued"
    refund: Refund


class RefundFailed(EventData):
    """Money should have gone back and did not."""

    name = "refund.failed"
    refund: Refund


class CreditIssued(EventData):
    """Store credit was given."""

    name = "credit.issued"
    credit: Credit


class ExchangeOrdered(EventData):
    """The exchange order exists in the shop."""

    name = "exchange.ordered"
    exchange: Exchange


class FeeCollected(EventData):
    """The shopper paid, or was deducted, a fee."""

    name = "fee.collected"
    fee: Money


class NoteAdded(EventData):
    """Somebody wrote a note."""

    name = "note.added"
    note: Note


class _Requested(EventData):
    """A platform asks us to act; `correlation_id` deduplicates it for ever.

    `detail` is plain JSON; its words are the platform's request in canonical form.
    """

    correlation_id: str
    requested_at: AwareDatetime | None = None
    item_ids: tuple[str, ...] = ()
    amount: Money | None = None
    note: str | None = None
    detail: dict[str, JsonValue] = Field(default_factory=dict)


class RefundRequested(_Requested):
    name = "refund.requested"


class CreditRequested(_Requested):
    name = "credit.requested"


class ExchangeRequested(_Requested):
    name = "exchange.requested"


class WarrantyRequested(_Requested):
    name = "warranty.requested"


class RestockRequested(_Requested):
    name = "restock.requested"


class LabelRequested(_Requested):
    name = "label.requested"


class LabelCancelled(_Requested):
    name = "label.cancelled"


def _leaves(model: type[EventData]) -> list[type[EventData]]:
    below = [leaf for child in model.__subclasses__() for leaf in _leaves(child)]
    return below or [model]


#: Every event type by its short name (`return.approved`), those of warehouses last.
TYPES: dict[str, type[EventData]] = {
    model.name: model for root in (EventData, GoodsEventData) for model in _leaves(root)
}

#: The event that says a state was reached.
REACHED: dict[State, type[EventData]] = {
    state: TYPES[f"return.{state.value}"] for state in State
}
