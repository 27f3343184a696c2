"""Every canonical event type: what happened, with the return as it stands after.

`data` of each is `{"return": …, "before": …, <the part it is about>}`: a consumer
needs no look-up. Names on the wire are `returns.<noun>.<past verb>.v1`.
"""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, NonNegativeInt

from bridge.canonical.base import Model, Money
from bridge.canonical.goods import (
    Condition,
    DiscrepancyCode,
    DispositionCode,
    GoodsStatus,
)
from bridge.canonical.model import (
    Credit,
    Exchange,
    Item,
    Note,
    Refund,
    Return,
    Shipment,
)
from bridge.canonical.states import State


class EventData(Model):
    """What every event carries. `before` holds only changed values, by JSON pointer."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: ClassVar[str]
    return_: Annotated[Return, Field(alias="return")]
    before: dict[str, JsonValue] = Field(default_factory=dict)


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
    """A platform asks us to act; `correlation_id` deduplicates it for ever."""

    correlation_id: str
    item_ids: tuple[str, ...] = ()
    amount: Money | None = None
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


class Warehouse(Model):
    """Whose document speaks."""

    system: str
    account: str
    return_id: str
    status: GoodsStatus
    status_raw: str | None = None
    occurred_at: AwareDatetime


class Disposition(Model):
    """What was done with units, with the warehouse's own words."""

    code: DispositionCode
    raw: str | None = None
    reason_raw: str | None = None


class LineDiscrepancy(Model):
    """What is wrong and how many units it concerns."""

    code: DiscrepancyCode
    quantity: NonNegativeInt
    raw: str | None = None


class LineFact(Model):
    """One line's part in a goods event: delta and total both.

    A reader that missed one event is right again after the next. `fact` is the fact
    key: the same for webhook, poll and replay of one state.
    """

    line_key: str | None = None
    sku: str | None = None
    delta: int | None = None
    total: NonNegativeInt | None = None
    expected: NonNegativeInt | None = None
    fact: str
    disposition: Disposition | None = None
    condition: Condition | None = None
    discrepancy: LineDiscrepancy | None = None
    evidence: tuple[str, ...] = ()
    allocated: bool = False


class _Goods(EventData):
    """What a warehouse found; `fact` stands here when no line is concerned."""

    warehouse: Warehouse
    reference: str | None = None
    parcel: int | None = None
    lines: tuple[LineFact, ...] = ()
    fact: str | None = None
    reason: str | None = None


class GoodsAnnounced(_Goods):
    name = "goods.announced"


class GoodsArrived(_Goods):
    name = "goods.arrived"


class GoodsReceived(_Goods):
    name = "goods.received"


class GoodsInspected(_Goods):
    name = "goods.inspected"


class GoodsRestocked(_Goods):
    name = "goods.restocked"


class GoodsWithheld(_Goods):
    name = "goods.withheld"


class GoodsDisposed(_Goods):
    name = "goods.disposed"


class GoodsRejected(_Goods):
    name = "goods.rejected"


class GoodsDiscrepancy(_Goods):
    name = "goods.discrepancy"


class GoodsCorrected(_Goods):
    name = "goods.corrected"


class GoodsCompleted(_Goods):
    name = "goods.completed"


class GoodsCancelled(_Goods):
    name = "goods.cancelled"


def _leaves(model: type[EventData]) -> list[type[EventData]]:
    below = [leaf for child in model.__subclasses__() for leaf in _leaves(child)]
    return below or [model]


#: Every event type by its short name (`return.approved`).
TYPES: dict[str, type[EventData]] = {model.name: model for model in _leaves(EventData)}

#: The event that says a state was reached.
REACHED: dict[State, type[EventData]] = {
    state: TYPES[f"return.{state.value}"] for state in State
}
