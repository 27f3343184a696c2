"""The JSON of the generic warehouse contract, in and out; no translation.

Inbound models are tolerant: unknown fields are ignored, null stands for "nothing
said", numbers are taken where text is due, a time without zone is UTC, and words
nobody has listed stay plain text (the source maps them). Outbound models are strict.
The contract is wms.md sections 5 to 7.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
)

from bridge.canonical.base import Model
from bridge.canonical.goods import DispositionCode

SNAPSHOT = "wms.return-snapshot/1"
FACTS = "wms.warehouse-facts/1"
MOST_UNITS = 1_000_000_000
"""A count above this is a broken sender, and would not fit a 64-bit reader."""

# ------------------------------------------------------------------ inbound


def _utc(time: datetime) -> datetime:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC)
    except OverflowError as beyond:
        raise ValueError("the time is outside the calendar") from beyond


def _zero_for_null(value: object) -> object:
    return 0 if value is None else value


def _empty_for_null(value: object) -> object:
    return () if value is None else value


UtcTime = Annotated[datetime, AfterValidator(_utc)]
Units = Annotated[int, Field(ge=0, le=MOST_UNITS), BeforeValidator(_zero_for_null)]
SignedUnits = Annotated[
    int, Field(ge=-MOST_UNITS, le=MOST_UNITS), BeforeValidator(_zero_for_null)
]
NullIsEmpty = BeforeValidator(_empty_for_null)


class _Tolerant(BaseModel):
    """What the sender may add is ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class ConditionPayload(_Tolerant):
    """What units look like."""

    code: str | None = None
    grade: str | None = None
    raw: str | None = None


class OutcomePayload(_Tolerant):
    """Units of one line that share a disposition."""

    key: str | None = None
    quantity: Units = 0
    disposition: str | None = None
    raw: str | None = None
    reason_raw: str | None = None
    condition: ConditionPayload | None = None
    evidence: Annotated[tuple[str, ...], NullIsEmpty] = ()


class LinePayload(_Tolerant):
    """One line of the warehouse's document."""

    line_key: str | None = None
    sku: str | None = None
    expected: Units = 0
    received: Units = 0
    outcomes: Annotated[tuple[OutcomePayload, ...], NullIsEmpty] = ()


class DiscrepancyPayload(_Tolerant):
    """Something the warehouse says is wrong, beside what its counts show."""

    code: str
    quantity: Units = 0
    line_key: str | None = None
    raw: str | None = None


class SnapshotPayload(_Tolerant):
    """`wms.return-snapshot/1`: a return as it stands, with running totals.

    `rejected_reason` and `discrepancies` are optional additions of this project:
    they carry what counts cannot say (`empty_parcel`, a refused parcel).
    """

    wms_return_id: str
    reference: str | None = None
    status: str | None = None
    status_raw: str | None = None
    occurred_at: UtcTime | None = None
    updated_at: UtcTime | None = None
    version: Annotated[int, Field(ge=0, lt=10**20)] | None = None
    tracking_number: str | None = None
    rejected_reason: str | None = None
    lines: Annotated[tuple[LinePayload, ...], NullIsEmpty] = ()
    discrepancies: Annotated[tuple[DiscrepancyPayload, ...], NullIsEmpty] = ()


class FactPayload(_Tolerant):
    """One delta. `id` is the sender's own and permanent.

    `disposition` tells what kind of `withheld` or `disposed`, `discrepancy` what is
    wrong; `reason` is free text otherwise.
    """

    id: Annotated[str, StringConstraints(min_length=1)]
    kind: str
    quantity: SignedUnits = 0
    occurred_at: UtcTime | None = None
    line_key: str | None = None
    sku: str | None = None
    condition: ConditionPayload | None = None
    disposition: str | None = None
    discrepancy: str | None = None
    reason: str | None = None


class FactsPayload(_Tolerant):
    """`wms.warehouse-facts/1`: deltas of one warehouse document."""

    wms_return_id: str
    reference: str | None = None
    facts: Annotated[tuple[FactPayload, ...], NullIsEmpty] = ()


# ----------------------------------------------------------------- outbound

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$")]


class PlatformReturn(Model):
    """Whose return it is."""

    name: str
    store: str
    return_id: str


class OrderReference(Model):
    """The order as people, the shop and the warehouse know it."""

    name: str | None = None
    external_id: str | None = None
    wms_order_id: str | None = None
    wms_shipment_id: str | None = None


class WarehouseCode(Model):
    """Which building the goods go to, in the warehouse's own word."""

    code: str | None = None


class ExpectedParcel(Model):
    """One box: number `index` of `count`."""

    index: PositiveInt
    count: PositiveInt
    carrier: str | None = None
    tracking_number: str | None = None
    expected_at: AwareDatetime | None = None


class ExpectedReason(Model):
    """Why the shopper returns the line."""

    code: str | None = None
    text: str | None = None


class ExpectedLine(Model):
    """One line of the parcel; `line_key` is the platform's item id."""

    line_key: str
    sku: str | None = None
    quantity: PositiveInt
    reason: ExpectedReason
    requested_disposition: DispositionCode


class Sender(Model):
    """The shopper; every personal field of the document is here."""

    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""


class InboundReturn(Model):
    """`wms.inbound-return/1`: the desired state of one parcel, whole."""

    spec: Literal["wms.inbound-return/1"] = "wms.inbound-return/1"
    reference: Reference
    revision: PositiveInt
    state: Literal["expected"] = "expected"
    platform: PlatformReturn
    order: OrderReference
    warehouse: WarehouseCode
    parcel: ExpectedParcel
    lines: tuple[ExpectedLine, ...]
    sender: Sender | None
    note: str
    created_at: AwareDatetime | None
    updated_at: AwareDatetime | None


class InboundCancel(Model):
    """`wms.inbound-return/1` of a parcel that will not come."""

    spec: Literal["wms.inbound-return/1"] = "wms.inbound-return/1"
    reference: Reference
    revision: PositiveInt
    state: Literal["cancelled"] = "cancelled"
    reason: str
