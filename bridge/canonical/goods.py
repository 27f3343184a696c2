"""What a warehouse has found: one document per warehouse return, with epochs.

The words are those of `wms.md` section 4. A document is a running total, never a
delta; an epoch rises each time its counter falls, so that 1 -> 0 -> 1 makes three
different facts while the same total seen twice makes one.
"""

from enum import StrEnum

from pydantic import AwareDatetime, NonNegativeInt

from bridge.canonical.base import Model


class GoodsStatus(StrEnum):
    """Where the warehouse stands with one return document."""

    AWAITING = "awaiting"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NOT_ARRIVED = "not_arrived"
    UNKNOWN = "unknown"


class ConditionCode(StrEnum):
    """What a unit looks like."""

    NEW = "new"
    OPENED = "opened"
    USED_GOOD = "used_good"
    USED_FAIR = "used_fair"
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    INCOMPLETE = "incomplete"
    UNKNOWN = "unknown"


class DispositionCode(StrEnum):
    """What was done with a unit."""

    RESTOCK = "restock"
    QUARANTINE = "quarantine"
    REFURBISH = "refurbish"
    RETURN_TO_MERCHANT = "return_to_merchant"
    DONATE = "donate"
    DISPOSE = "dispose"
    NOT_RESTOCKED = "not_restocked"
    PENDING = "pending"
    OTHER = "other"


class DiscrepancyCode(StrEnum):
    """In what way the parcel was not what was announced."""

    MISSING = "missing"
    EXCESS = "excess"
    WRONG_ITEM = "wrong_item"
    UNEXPECTED_ITEM = "unexpected_item"
    EMPTY_PARCEL = "empty_parcel"
    DAMAGED_IN_TRANSIT = "damaged_in_transit"
    UNIDENTIFIED = "unidentified"
    NOT_ARRIVED = "not_arrived"


class Condition(Model):
    """A code with the warehouse's own words beside it."""

    code: ConditionCode
    grade: str | None = None
    raw: str | None = None


class Outcome(Model):
    """Units of one line that share a disposition; `key` is stable at the source."""

    key: str
    quantity: NonNegativeInt
    disposition: DispositionCode
    raw: str | None = None
    reason_raw: str | None = None
    condition: Condition | None = None
    evidence: tuple[str, ...] = ()
    epoch: NonNegativeInt = 0


class GoodsLine(Model):
    """One line of the warehouse's document, with running totals.

    `expected` is what was announced, `received` what was counted in so far.
    `allocated` marks a count that was split over lines of one SKU by the bridge.
    """

    line_key: str
    sku: str | None = None
    expected: NonNegativeInt = 0
    received: NonNegativeInt = 0
    epoch: NonNegativeInt = 0
    outcomes: tuple[Outcome, ...] = ()
    allocated: bool = False


class Discrepancy(Model):
    """Something the warehouse said is wrong, beside what the counts show."""

    code: DiscrepancyCode
    quantity: NonNegativeInt
    line_key: str | None = None
    raw: str | None = None


class GoodsDocument(Model):
    """One return at one warehouse, as it stands. Key: (`account`, `return_id`).

    `version` orders two states of one document: texts compare as the tuple
    (`version` number, update time); see the warehouse source. `epoch` counts how
    often a finished document was opened again.
    """

    system: str
    account: str
    return_id: str
    reference: str | None = None
    parcel: int | None = None
    status: GoodsStatus
    status_raw: str | None = None
    occurred_at: AwareDatetime
    tracking_number: str | None = None
    rejected_reason: str | None = None
    lines: tuple[GoodsLine, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    epoch: NonNegativeInt = 0
