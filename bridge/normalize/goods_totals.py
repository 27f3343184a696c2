"""The running totals of one warehouse document, and the epochs of its counters.

`settle` takes a report as it came and returns the document to keep: entries with one
key added up, counts of one SKU split over its announced lines, a status nobody knows
left as it was, and every epoch carried on. A counter that falls gets a new epoch. What
vanished from the report counts as 0 and is kept with its epoch, or 1 -> gone -> 1
would look like nothing. Rules: wms.md section 5.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import sha256

from bridge.canonical.goods import (
    Condition,
    ConditionCode,
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
    Outcome,
)
from bridge.canonical.model import Item

Counted = tuple[str, DispositionCode]
"""What identifies the counter of an outcome within its line."""

_ENDED = frozenset({GoodsStatus.COMPLETED, GoodsStatus.CANCELLED})


def settle(
    before: GoodsDocument | None, report: GoodsDocument, announced: tuple[Item, ...]
) -> GoodsDocument:
    """Return the document after `report`; the report's own epochs mean nothing."""
    status = report.status
    if before is not None and status is GoodsStatus.UNKNOWN:
        status = before.status
    now = report.model_copy(update={"status": status})
    known = {line.line_key: line for line in before.lines} if before else {}
    moved = (before.status if before else status, status)
    reported = allocate(_merged(report.lines), announced)
    lines = [_carry(known.pop(line.line_key, None), line, moved) for line in reported]
    lines += [
        _carry(line, _emptied(line), moved)
        for line in known.values()
        if has_counted(line, moved[0])
    ]
    epoch = before.epoch + _is_less_true(before, now) if before else 0
    return now.model_copy(update={"lines": tuple(lines), "epoch": epoch})


def is_taken_back(before: GoodsDocument, after: GoodsDocument) -> bool:
    """Tell whether an end that was stated (done, cancelled, refused) no longer is."""
    reopened = before.status in _ENDED and after.status is not before.status
    accepted = before.rejected_reason is not None and after.rejected_reason is None
    return reopened or accepted


def _is_less_true(before: GoodsDocument, after: GoodsDocument) -> bool:
    """Tell whether an end or a stated discrepancy was taken back."""
    was, now = _stated_units(before), _stated_units(after)
    return is_taken_back(before, after) or any(now[place] < was[place] for place in was)


def _stated_units(document: GoodsDocument) -> Counter[tuple[str, str | None]]:
    units: Counter[tuple[str, str | None]] = Counter()
    for entry in document.discrepancies:
        units[entry.code, entry.line_key] += entry.quantity
    return units


def counted(outcome: Outcome, status: GoodsStatus) -> int:
    """Return how many units `outcome` says in a document of `status`.

    `not_restocked` is a remainder: it says nothing until the warehouse is done.
    """
    early = status is not GoodsStatus.COMPLETED
    if outcome.disposition is DispositionCode.NOT_RESTOCKED and early:
        return 0
    return outcome.quantity


def stated(condition: Condition | None) -> tuple[ConditionCode, str | None] | None:
    """Return what a condition says apart from its raw words, None if nothing."""
    if condition is None or (condition.code, condition.grade) == (
        ConditionCode.UNKNOWN,
        None,
    ):
        return None
    return condition.code, condition.grade


def identity(outcome: Outcome) -> Counted:
    """Return which counter of its line the outcome is."""
    return outcome.key, outcome.disposition


def allocate(
    lines: tuple[GoodsLine, ...], announced: tuple[Item, ...]
) -> tuple[GoodsLine, ...]:
    """Split a line that stands for several announced lines of its SKU.

    Done only if the warehouse's key is none of ours, no other reported line has the
    SKU, and two or more announced items do: then the counts fill the items in their
    order, the last takes the rest, and each is marked `allocated`. Without `announced`
    every line stays as reported.
    """
    ours = {item.id for item in announced}
    items_of: defaultdict[str | None, list[Item]] = defaultdict(list)
    for item in announced:
        items_of[item.sku].append(item)
    reports = Counter(line.sku for line in lines)
    split: list[GoodsLine] = []
    for line in lines:
        items = items_of[line.sku] if line.sku else []
        alone = line.line_key not in ours and reports[line.sku] == 1
        split += _split(line, items) if alone and len(items) > 1 else [line]
    return tuple(split)


def _split(line: GoodsLine, items: list[Item]) -> list[GoodsLine]:
    room = [item.quantity for item in items]
    expected = fill(line.expected, room)
    received = fill(line.received, room)
    outcomes: list[list[Outcome]] = [[] for _ in items]
    free = list(received)
    for outcome in line.outcomes:
        shares = fill(outcome.quantity, free)
        free = [max(0, left - share) for left, share in zip(free, shares, strict=True)]
        for place, share in zip(outcomes, shares, strict=True):
            if share:
                place.append(outcome.model_copy(update={"quantity": share}))
    return [
        GoodsLine(
            line_key=item.id,
            sku=line.sku,
            expected=expected[i],
            received=received[i],
            outcomes=tuple(outcomes[i]),
            allocated=True,
        )
        for i, item in enumerate(items)
    ]


def fill(quantity: int, room: list[int]) -> list[int]:
    """Fill `room` from the front; the last place takes what is left over."""
    shares = []
    for space in room[:-1]:
        shares.append(min(quantity, space))
        quantity -= shares[-1]
    return [*shares, quantity]


def _merged(lines: Iterable[GoodsLine]) -> tuple[GoodsLine, ...]:
    """Add up lines of one key, and within each line outcomes of one counter."""
    merged: dict[str, GoodsLine] = {}
    for line in lines:
        first = merged.get(line.line_key)
        merged[line.line_key] = line if first is None else _joined(first, line)
    return tuple(
        line.model_copy(update={"outcomes": _added_up(line.outcomes)})
        for line in merged.values()
    )


def _joined(first: GoodsLine, other: GoodsLine) -> GoodsLine:
    return first.model_copy(
        update={
            "expected": first.expected + other.expected,
            "received": first.received + other.received,
            "outcomes": first.outcomes + other.outcomes,
        }
    )


def _added_up(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    added: dict[Counted, Outcome] = {}
    for outcome in outcomes:
        first = added.get(identity(outcome))
        added[identity(outcome)] = outcome if first is None else _sum(first, outcome)
    return tuple(added.values())


def _sum(first: Outcome, other: Outcome) -> Outcome:
    agreed = stated(first.condition) == stated(other.condition)
    return first.model_copy(
        update={
            "quantity": first.quantity + other.quantity,
            "condition": first.condition
            if agreed
            else Condition(code=ConditionCode.UNKNOWN),
            "evidence": tuple(dict.fromkeys(first.evidence + other.evidence)),
        }
    )


def has_counted(line: GoodsLine, status: GoodsStatus) -> bool:
    """Tell whether any unit of the line was ever counted."""
    return bool(
        line.received
        or line.epoch
        or any(_has_said(outcome, status) for outcome in line.outcomes)
    )


def _has_said(outcome: Outcome, status: GoodsStatus) -> bool:
    return bool(counted(outcome, status) or outcome.epoch)


def _emptied(line: GoodsLine) -> GoodsLine:
    return line.model_copy(update={"expected": 0, "received": 0, "outcomes": ()})


_Move = tuple[GoodsStatus, GoodsStatus]
"""The document's status before and now."""


def _carry(known: GoodsLine | None, line: GoodsLine, moved: _Move) -> GoodsLine:
    """Return `line` with the epochs of `known` carried on, and what vanished at 0."""
    former = {identity(outcome): outcome for outcome in known.outcomes} if known else {}
    outcomes = [
        _carry_outcome(former.pop(identity(outcome), None), outcome, moved)
        for outcome in line.outcomes
    ]
    outcomes += [
        _carry_outcome(gone, _none_left(gone), moved)
        for gone in former.values()
        if _has_said(gone, moved[0])
    ]
    fell = known is not None and line.received < known.received
    epoch = (known.epoch if known else 0) + fell
    return line.model_copy(update={"outcomes": tuple(outcomes), "epoch": epoch})


def _none_left(outcome: Outcome) -> Outcome:
    return outcome.model_copy(update={"quantity": 0, "evidence": ()})


def _carry_outcome(known: Outcome | None, outcome: Outcome, moved: _Move) -> Outcome:
    if known is None:
        return outcome.model_copy(update={"epoch": 0})
    fell = counted(outcome, moved[1]) < counted(known, moved[0])
    was, is_ = stated(known.condition), stated(outcome.condition)
    restated = was is not None and was != is_
    return outcome.model_copy(update={"epoch": known.epoch + (fell or restated)})


def fact_key(document: GoodsDocument, *parts: str | int | None) -> str:
    """Return `wf_` and 24 hex digits of SHA-256 over account, document and `parts`.

    `parts` are kind, line key, counter, total and epoch; never a raw text of the
    warehouse, or a corrected spelling would make a new fact.
    """
    whole = (document.account, document.return_id, *parts)
    text = "\x1f".join("" if part is None else str(part) for part in whole)
    return f"wf_{sha256(text.encode()).hexdigest()[:24]}"
