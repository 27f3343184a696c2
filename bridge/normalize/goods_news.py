"""What changed between two states of one warehouse document, as goods events.

One event per kind and observation, in the order of `ORDER`, with `lines[]`. Each
fact has a key: the same for webhook, poll and replay of one state, another one after
a counter fell and rose again. Rules: wms.md sections 4 and 5.

The kinds as read here, where the text leaves room:

- Counts are held against what was announced only once the warehouse is done: until
  then too few or too many is just a count. What it states itself counts at once.
- The condition travels with the units it belongs to. `goods.inspected` is for a
  condition told without a count that rose, and for units nothing was done with yet.
- What was said and is no longer true is `goods.corrected`: a count or a discrepancy
  that fell, a finished, cancelled or refused return that is alive again.
"""

from collections.abc import Iterator
from itertools import chain

from bridge.canonical.draft import Draft, Part
from bridge.canonical.event_data import EventData
from bridge.canonical.goods import (
    Condition,
    ConditionCode,
    Discrepancy,
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
    Outcome,
)
from bridge.canonical.goods_events import (
    Disposition,
    GoodsAnnounced,
    GoodsArrived,
    GoodsCancelled,
    GoodsCompleted,
    GoodsCorrected,
    GoodsDiscrepancy,
    GoodsDisposed,
    GoodsInspected,
    GoodsReceived,
    GoodsRejected,
    GoodsRestocked,
    GoodsWithheld,
    LineDiscrepancy,
    LineFact,
    Warehouse,
)
from bridge.normalize.goods_discrepancies import standing
from bridge.normalize.goods_totals import (
    counted,
    fact_key,
    has_counted,
    identity,
    is_taken_back,
    stated,
)

ORDER: tuple[type[EventData], ...] = (
    GoodsAnnounced,
    GoodsArrived,
    GoodsReceived,
    GoodsInspected,
    GoodsRestocked,
    GoodsWithheld,
    GoodsDisposed,
    GoodsRejected,
    GoodsDiscrepancy,
    GoodsCorrected,
    GoodsCompleted,
    GoodsCancelled,
)

#: What a rising count of units says, by what was done with them.
_DONE: dict[DispositionCode, type[EventData]] = {
    DispositionCode.RESTOCK: GoodsRestocked,
    DispositionCode.QUARANTINE: GoodsWithheld,
    DispositionCode.REFURBISH: GoodsWithheld,
    DispositionCode.NOT_RESTOCKED: GoodsWithheld,
    DispositionCode.PENDING: GoodsWithheld,
    DispositionCode.OTHER: GoodsWithheld,
    DispositionCode.DISPOSE: GoodsDisposed,
    DispositionCode.DONATE: GoodsDisposed,
    DispositionCode.RETURN_TO_MERCHANT: GoodsDisposed,
}

_COMING = frozenset({GoodsStatus.AWAITING, GoodsStatus.IN_TRANSIT})
_HERE = frozenset({GoodsStatus.ARRIVED, GoodsStatus.PROCESSING})

LineNews = Iterator[tuple[type[EventData], LineFact]]


def news(
    before: GoodsDocument | None,
    after: GoodsDocument,
    unjudged: frozenset[str] = frozenset(),
    inspections: tuple[LineFact, ...] = (),
) -> tuple[Draft, ...]:
    """Return the events of `before` -> `after`, both settled; none if equal.

    Of the lines with keys `unjudged` nobody told what was expected; `inspections`
    are told beside the totals.
    """
    lines: dict[type[EventData], list[LineFact]] = {}
    told: LineNews = ((GoodsInspected, fact) for fact in inspections)
    for type_, fact in chain(told, _line_news(before, after, unjudged)):
        lines.setdefault(type_, []).append(fact)
    whole = set(_whole_news(before, after))
    return tuple(
        _draft(after, type_, tuple(lines.get(type_, ())), told=type_ in whole)
        for type_ in ORDER
        if type_ in lines or type_ in whole
    )


def _draft(
    document: GoodsDocument,
    type_: type[EventData],
    lines: tuple[LineFact, ...],
    *,
    told: bool,
) -> Draft:
    part: dict[str, Part] = {
        "warehouse": Warehouse(
            system=document.system,
            account=document.account,
            return_id=document.return_id,
            status=document.status,
            status_raw=document.status_raw,
            occurred_at=document.occurred_at,
        ),
        "reference": document.reference,
        "parcel": document.parcel,
        "lines": lines,
    }
    if told:
        part["fact"] = fact_key(document, type_.name, document.epoch)
    if type_ is GoodsRejected:
        part["reason"] = document.rejected_reason
    return Draft(type_, part)


# --------------------------------------------------------------- the whole document


def _whole_news(
    before: GoodsDocument | None, after: GoodsDocument
) -> Iterator[type[EventData]]:
    status = before.status if before else GoodsStatus.UNKNOWN
    if after.status in _COMING and status is GoodsStatus.UNKNOWN:
        yield GoodsAnnounced
    if _has_arrived(after) and not (before and _has_arrived(before)):
        yield GoodsArrived
    if after.rejected_reason is not None and not (before and before.rejected_reason):
        yield GoodsRejected
    if before and is_taken_back(before, after):
        yield GoodsCorrected
    if after.status is not status and after.status is GoodsStatus.COMPLETED:
        yield GoodsCompleted
    if after.status is not status and after.status is GoodsStatus.CANCELLED:
        yield GoodsCancelled


def _has_arrived(document: GoodsDocument) -> bool:
    """Tell by status or, for systems without such a status, by a first count."""
    return document.status in _HERE or any(
        has_counted(line, document.status) for line in document.lines
    )


# ------------------------------------------------------------------------ the lines


def _line_news(
    before: GoodsDocument | None, after: GoodsDocument, unjudged: frozenset[str]
) -> LineNews:
    known = {line.line_key: line for line in before.lines} if before else {}
    for line in after.lines:
        former = known.get(line.line_key)
        yield from _received(after, former.received if former else 0, line)
        outcomes = former.outcomes if former else ()
        counters = {identity(outcome): outcome for outcome in outcomes}
        for outcome in line.outcomes:
            was = counters.get(identity(outcome))
            yield from _outcome(before, after, line, was, outcome)
    yield from _discrepancies(before, after, unjudged)


def _received(document: GoodsDocument, was: int, line: GoodsLine) -> LineNews:
    if line.received != was:
        type_ = GoodsReceived if line.received > was else GoodsCorrected
        yield (
            type_,
            LineFact(
                line_key=line.line_key,
                sku=line.sku,
                delta=line.received - was,
                total=line.received,
                expected=line.expected,
                fact=fact_key(
                    document, type_.name, line.line_key, "", line.received, line.epoch
                ),
                allocated=line.allocated,
            ),
        )


def _outcome(
    before: GoodsDocument | None,
    after: GoodsDocument,
    line: GoodsLine,
    former: Outcome | None,
    outcome: Outcome,
) -> LineNews:
    was = counted(former, before.status) if before and former else 0
    total = counted(outcome, after.status)
    type_ = _outcome_type(total - was, former, outcome)
    if type_ is None or not (was or total):
        return
    counter = f"{outcome.key}\x1e{outcome.disposition.value}"
    yield (
        type_,
        LineFact(
            line_key=line.line_key,
            sku=line.sku,
            delta=total - was or None,
            total=total,
            fact=fact_key(
                after, type_.name, line.line_key, counter, total, outcome.epoch
            ),
            disposition=Disposition(
                code=outcome.disposition,
                raw=outcome.raw,
                reason_raw=outcome.reason_raw,
            ),
            condition=outcome.condition or Condition(code=ConditionCode.UNKNOWN),
            evidence=outcome.evidence,
            allocated=line.allocated,
        ),
    )


def _outcome_type(
    delta: int, former: Outcome | None, outcome: Outcome
) -> type[EventData] | None:
    says = stated(outcome.condition)
    if delta < 0:
        return GoodsCorrected
    if delta == 0:
        said = stated(former.condition) if former else None
        return GoodsInspected if says is not None and says != said else None
    if outcome.disposition is DispositionCode.PENDING and says is not None:
        return GoodsInspected
    return _DONE[outcome.disposition]


def _discrepancies(
    before: GoodsDocument | None, after: GoodsDocument, unjudged: frozenset[str]
) -> LineNews:
    lines = {line.line_key: line for line in after.lines}
    was = standing(before, unjudged) if before else {}
    now = standing(after, unjudged)
    for place in [*now, *(gone for gone in was if gone not in now)]:
        former, entry = was.get(place), now.get(place)
        delta = (entry.quantity if entry else 0) - (former.quantity if former else 0)
        if delta == 0 and former and entry:
            continue
        rose = entry is not None and delta >= 0
        shown = entry or was[place].model_copy(update={"quantity": 0})
        line = lines.get(place[1] or "")
        yield _discrepancy(after, line, shown, None if rose else delta)


def _discrepancy(
    document: GoodsDocument,
    line: GoodsLine | None,
    entry: Discrepancy,
    fall: int | None,
) -> tuple[type[EventData], LineFact]:
    """Return the news of one discrepancy; `fall` (negative or 0) takes it back."""
    type_ = GoodsDiscrepancy if fall is None else GoodsCorrected
    epochs = f"{document.epoch}.{line.epoch if line else 0}"
    return type_, LineFact(
        line_key=entry.line_key,
        sku=line.sku if line else None,
        delta=fall,
        fact=fact_key(
            document, type_.name, entry.line_key, entry.code, entry.quantity, epochs
        ),
        discrepancy=LineDiscrepancy(
            code=entry.code, quantity=entry.quantity, raw=entry.raw
        ),
        allocated=line.allocated if line else False,
    )
