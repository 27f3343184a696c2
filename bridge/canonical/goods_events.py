"""What a warehouse found, as events: one per kind and observation, with its lines.

Meaning and codes are those of wms.md, section 4.
"""

from pydantic import AwareDatetime, NonNegativeInt

from bridge.canonical.base import Model
from bridge.canonical.event_data import EventData
from bridge.canonical.goods import (
    Condition,
    DiscrepancyCode,
    DispositionCode,
    GoodsStatus,
)


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


class GoodsEventData(EventData):
    """What a warehouse found; `fact` stands here when no line is concerned."""

    warehouse: Warehouse
    reference: str | None = None
    parcel: int | None = None
    lines: tuple[LineFact, ...] = ()
    fact: str | None = None
    reason: str | None = None


class GoodsAnnounced(GoodsEventData):
    name = "goods.announced"


class GoodsArrived(GoodsEventData):
    name = "goods.arrived"


class GoodsReceived(GoodsEventData):
    name = "goods.received"


class GoodsInspected(GoodsEventData):
    name = "goods.inspected"


class GoodsRestocked(GoodsEventData):
    name = "goods.restocked"


class GoodsWithheld(GoodsEventData):
    name = "goods.withheld"


class GoodsDisposed(GoodsEventData):
    name = "goods.disposed"


class GoodsRejected(GoodsEventData):
    name = "goods.rejected"


class GoodsDiscrepancy(GoodsEventData):
    name = "goods.discrepancy"


class GoodsCorrected(GoodsEventData):
    name = "goods.corrected"


class GoodsCompleted(GoodsEventData):
    name = "goods.completed"


class GoodsCancelled(GoodsEventData):
    name = "goods.cancelled"
