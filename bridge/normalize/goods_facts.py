"""Warehouse facts (deltas with permanent ids) as changes of a running total.

A fact moves one counter; facts of one line commute, so their order of arrival does
not matter, but for a correction that comes before what it corrects: a counter stops
at 0. A status only ever goes forward, save by a `corrected` fact of quantity 0, which
opens a finished return again. A kind nobody has listed changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
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
from bridge.canonical.goods_events import GoodsInspected, LineFact
from bridge.canonical.model import Item
from bridge.normalize.goods_tally import Tally
from bridge.normalize.goods_totals import fact_key
from bridge.platforms.contract import GoodsFact, GoodsFacts

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_Code = TypeVar("_Code", bound=StrEnum)

_STATUS = {
    "announced": GoodsStatus.AWAITING,
    "arrived": GoodsStatus.ARRIVED,
    "completed": GoodsStatus.COMPLETED,
    "cancelled": GoodsStatus.CANCELLED,
}

#: By kind: what was done with the units if nothing is told, and what may be told.
_DISPOSITIONS: Mapping[str, tuple[DispositionCode, frozenset[DispositionCode]]] = {
    "restocked": (DispositionCode.RESTOCK, frozenset()),
    "withheld": (
        DispositionCode.OTHER,
        frozenset(
            {
                DispositionCode.QUARANTINE,
                DispositionCode.REFURBISH,
                DispositionCode.NOT_RESTOCKED,
                DispositionCode.PENDING,
            }
        ),
    ),
    "disposed": (
        DispositionCode.DISPOSE,
        frozenset({DispositionCode.DONATE, DispositionCode.RETURN_TO_MERCHANT}),
    ),
}


def open_document(facts: GoodsFacts, announced: tuple[Item, ...]) -> GoodsDocument:
    """Return the document that first facts are added to: all expected, nothing here."""
    parsed = references.parse(facts.reference or "")
    return GoodsDocument(
        system=facts.system,
        account=facts.account,
        return_id=facts.return_id,
        reference=facts.reference,
        parcel=parsed[1] if parsed else None,
        status=GoodsStatus.UNKNOWN,
        occurred_at=min((fact.occurred_at for fact in facts.facts), default=_NEVER),
        lines=tuple(
            GoodsLine(line_key=item.id, sku=item.sku, expected=item.quantity)
            for item in announced
        ),
    )


def add_up(document: GoodsDocument, facts: Iterable[GoodsFact]) -> GoodsDocument:
    """Return `document` with `facts` in its totals."""
    tally = Tally.of(document)
    for fact in facts:
        change = _CHANGES.get(fact.kind)
        if change is not None:
            change(tally, fact)
            tally.occurred_at = max(tally.occurred_at, fact.occurred_at)
    return tally.close()


def inspections(
    document: GoodsDocument, facts: Iterable[GoodsFact]
) -> tuple[LineFact, ...]:
    """Return what `inspected` facts say: they move no counter, so they stand alone."""
    return tuple(
        LineFact(
            line_key=fact.line_key,
            sku=fact.sku,
            delta=fact.quantity,
            fact=fact_key(document, GoodsInspected.name, fact.id),
            condition=_condition(fact) or Condition(code=ConditionCode.UNKNOWN),
        )
        for fact in facts
        if fact.kind == "inspected"
    )


def _stage(tally: Tally, fact: GoodsFact) -> None:
    tally.reach(_STATUS[fact.kind])


def _received(tally: Tally, fact: GoodsFact) -> None:
    tally.receive(tally.lines_of(fact.line_key, fact.sku), fact.quantity)
    tally.reach(GoodsStatus.PROCESSING)


def _corrected(tally: Tally, fact: GoodsFact) -> None:
    if fact.quantity:
        units = -abs(fact.quantity)
        tally.receive(tally.lines_of(fact.line_key, fact.sku), units)
    else:
        tally.status = GoodsStatus.PROCESSING


def _inspected(tally: Tally, _: GoodsFact) -> None:
    tally.reach(GoodsStatus.PROCESSING)


def _treated(tally: Tally, fact: GoodsFact) -> None:
    lines = tally.lines_of(fact.line_key, fact.sku)
    tally.treat(lines, _outcome(fact), fact.quantity)
    tally.reach(GoodsStatus.PROCESSING)


def _rejected(tally: Tally, fact: GoodsFact) -> None:
    tally.rejected_reason = fact.reason or fact.kind


def _discrepant(tally: Tally, fact: GoodsFact) -> None:
    code = _coded(DiscrepancyCode, fact.reason, DiscrepancyCode.UNIDENTIFIED)
    known = tally.discrepancies.pop((code, fact.line_key), None)
    total = fact.quantity + (known.quantity if known else 0)
    if fact.quantity >= 0 or total > 0:
        tally.discrepancies[code, fact.line_key] = Discrepancy(
            code=code, quantity=total, line_key=fact.line_key, raw=fact.reason
        )


#: What each kind of fact changes; the names are those of the goods events.
_CHANGES: Mapping[str, Callable[[Tally, GoodsFact], None]] = {
    "announced": _stage,
    "arrived": _stage,
    "received": _received,
    "inspected": _inspected,
    "restocked": _treated,
    "withheld": _treated,
    "disposed": _treated,
    "rejected": _rejected,
    "discrepancy": _discrepant,
    "corrected": _corrected,
    "completed": _stage,
    "cancelled": _stage,
}


def _outcome(fact: GoodsFact) -> Outcome:
    """Return the counter a fact moves, at 0: by disposition and stated condition."""
    default, allowed = _DISPOSITIONS[fact.kind]
    code = _coded(DispositionCode, fact.reason, default)
    code = code if code in allowed else default
    condition = _condition(fact)
    return Outcome(
        key=f"{code}:{condition.code}" if condition else code.value,
        quantity=0,
        disposition=code,
        raw=fact.kind,
        reason_raw=fact.reason,
        condition=condition,
    )


def _condition(fact: GoodsFact) -> Condition | None:
    if fact.condition is None:
        return None
    return Condition(
        code=_coded(ConditionCode, fact.condition.get("code"), ConditionCode.UNKNOWN),
        grade=fact.condition.get("grade"),
        raw=fact.condition.get("raw"),
    )


def _coded(codes: type[_Code], text: str | None, otherwise: _Code) -> _Code:
    try:
        return codes(text or "")
    except ValueError:
        return otherwise
