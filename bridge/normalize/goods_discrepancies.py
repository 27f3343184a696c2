"""What is wrong with one warehouse document at a moment; no history, no events."""

from collections.abc import Iterator

from bridge.canonical.goods import (
    Discrepancy,
    DiscrepancyCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
)

Place = tuple[DiscrepancyCode, str | None]
"""A discrepancy is known by its code and its line, None for the whole parcel."""


def standing(
    document: GoodsDocument, unjudged: frozenset[str]
) -> dict[Place, Discrepancy]:
    """Return what is wrong at present: what was stated, and what the counts show."""
    standing: dict[Place, Discrepancy] = {}
    for entry in document.discrepancies:
        place = (entry.code, entry.line_key)
        sum_ = entry.quantity + (standing[place].quantity if place in standing else 0)
        standing[place] = entry.model_copy(update={"quantity": sum_})
    for entry in _shown_by_counts(document, unjudged):
        standing.setdefault((entry.code, entry.line_key), entry)
    return standing


def _shown_by_counts(
    document: GoodsDocument, unjudged: frozenset[str]
) -> Iterator[Discrepancy]:
    if document.status is GoodsStatus.NOT_ARRIVED:
        expected = sum(line.expected for line in document.lines)
        yield Discrepancy(code=DiscrepancyCode.NOT_ARRIVED, quantity=expected)
    if document.status is not GoodsStatus.COMPLETED:
        return
    for line in document.lines:
        over = line.received - line.expected
        if over and line.line_key not in unjudged:
            yield Discrepancy(
                code=_count_code(line), quantity=abs(over), line_key=line.line_key
            )


def _count_code(line: GoodsLine) -> DiscrepancyCode:
    if line.received < line.expected:
        return DiscrepancyCode.MISSING
    return DiscrepancyCode.EXCESS if line.expected else DiscrepancyCode.UNEXPECTED_ITEM
