"""From the contract's words to the canonical ones: pure, one way, no look-up.

A word nobody has listed becomes `unknown` or `other` and stays beside it as raw text.
"""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

from bridge.canonical import reference as references
from bridge.canonical.goods import (
    Condition,
    ConditionCode,
    Discrepancy,
    DiscrepancyCode,
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
    Outcome,
)
from bridge.platforms.contract import GoodsFact, Version
from bridge.platforms.warehouse.payloads import (
    ConditionPayload,
    DiscrepancyPayload,
    FactPayload,
    LinePayload,
    OutcomePayload,
    SnapshotPayload,
)

_Code = TypeVar("_Code", bound=StrEnum)


def document(
    payload: SnapshotPayload, *, system: str, account: str, occurred_at: datetime
) -> GoodsDocument:
    """Return the canonical document, with every epoch at 0."""
    status = _coded(GoodsStatus, payload.status, GoodsStatus.UNKNOWN)
    return GoodsDocument(
        system=system,
        account=account,
        return_id=payload.wms_return_id,
        reference=payload.reference,
        parcel=parcel_of(payload.reference),
        status=status,
        status_raw=payload.status_raw or payload.status,
        occurred_at=occurred_at,
        tracking_number=payload.tracking_number,
        rejected_reason=payload.rejected_reason or None,
        lines=tuple(_line(i, line) for i, line in enumerate(payload.lines)),
        discrepancies=tuple(_discrepancy(entry) for entry in payload.discrepancies),
    )


def parcel_of(reference: str | None) -> int | None:
    """Return which parcel a reference of ours names, None for any other text."""
    parsed = references.parse(reference) if reference else None
    return parsed[1] if parsed else None


def version(payload: SnapshotPayload, document: GoodsDocument) -> Version:
    """Return how new the document is: its number, else its update time, else its time.

    A stamp is `v` and 20 digits, or `t` and a UTC time in microseconds. `v` sorts
    after `t`: a sender that begins to number its documents goes on at once; what it
    then still sends without a number about a numbered document counts as old.
    """
    time = payload.updated_at or document.occurred_at
    number = payload.version
    return Version(
        stamp=f"t{_time_text(time)}" if number is None else f"v{number:020d}",
        at=_time_text(document.occurred_at),
        content=sha256(document.model_dump_json().encode()).hexdigest()[:32],
    )


def fact(payload: FactPayload, occurred_at: datetime) -> GoodsFact:
    """Return one delta. `reason` holds the disposition or discrepancy code, if told."""
    return GoodsFact(
        id=payload.id,
        kind=payload.kind,
        quantity=payload.quantity,
        occurred_at=occurred_at,
        line_key=payload.line_key,
        sku=payload.sku,
        condition=_condition_text(payload.condition),
        reason=payload.disposition or payload.discrepancy or payload.reason,
    )


def _time_text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _coded(codes: type[_Code], text: str | None, otherwise: _Code) -> _Code:
    try:
        return codes((text or "").strip().lower())
    except ValueError:
        return otherwise


def _line(position: int, line: LinePayload) -> GoodsLine:
    return GoodsLine(
        line_key=line.line_key or line.sku or f"line:{position}",
        sku=line.sku,
        expected=line.expected,
        received=line.received,
        outcomes=tuple(_outcome(outcome) for outcome in line.outcomes),
    )


def _outcome(outcome: OutcomePayload) -> Outcome:
    code = _coded(DispositionCode, outcome.disposition, DispositionCode.OTHER)
    return Outcome(
        key=outcome.key or code.value,
        quantity=outcome.quantity,
        disposition=code,
        raw=outcome.raw or outcome.disposition,
        reason_raw=outcome.reason_raw,
        condition=_condition(outcome.condition),
        evidence=outcome.evidence,
    )


def _condition(condition: ConditionPayload | None) -> Condition | None:
    if condition is None:
        return None
    return Condition(
        code=_coded(ConditionCode, condition.code, ConditionCode.UNKNOWN),
        grade=condition.grade,
        raw=condition.raw or condition.code,
    )


def _condition_text(condition: ConditionPayload | None) -> dict[str, str | None] | None:
    known = _condition(condition)
    return None if known is None else known.model_dump(mode="json")


def _discrepancy(entry: DiscrepancyPayload) -> Discrepancy:
    return Discrepancy(
        code=_coded(DiscrepancyCode, entry.code, DiscrepancyCode.UNIDENTIFIED),
        quantity=entry.quantity,
        line_key=entry.line_key,
        raw=entry.raw or entry.code,
    )
