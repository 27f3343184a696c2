"""Folding warehouse news into the document it is about, and what it means.

Pure. Whether a report is old news is decided by the caller, by its Version. Three
parts do the work: `goods_totals` keeps the counters, `goods_discrepancies` compares
with what was announced, `goods_news` says what changed.
"""

from bridge.canonical.draft import Draft
from bridge.canonical.goods import GoodsDocument, GoodsStatus
from bridge.canonical.model import Item
from bridge.canonical.states import State
from bridge.normalize.goods_facts import add_up, inspections, open_document
from bridge.normalize.goods_news import news
from bridge.normalize.goods_totals import settle
from bridge.platforms.contract import GoodsFacts


def fold_report(
    before: GoodsDocument | None,
    report: GoodsDocument,
    announced: tuple[Item, ...] = (),
) -> tuple[GoodsDocument, tuple[Draft, ...]]:
    """Return the document after a running total, and its events in their order.

    `announced` are the items the platform expects in this parcel, if known: with them
    a count per SKU is split over its lines (`goods_totals.allocate`). A report seen
    twice makes no event. `Draft.before` stays empty: a former total is total - delta.
    """
    after = settle(before, report, announced)
    return after, news(before, after)


def fold_facts(
    before: GoodsDocument | None,
    facts: GoodsFacts,
    seen: frozenset[str],
    announced: tuple[Item, ...] = (),
) -> tuple[GoodsDocument, frozenset[str], tuple[Draft, ...]]:
    """Return the document after deltas, every fact id ever seen, and the events.

    Deltas become the same running totals, and so the same events, as reports. Facts
    do not tell what was expected: the first ones open a document that expects
    `announced`. Where nothing at all is expected, counts are held against nothing.
    """
    fresh = {fact.id: fact for fact in facts.facts if fact.id not in seen}
    report = add_up(before or open_document(facts, announced), fresh.values())
    after = settle(before, report, ())
    keys = frozenset(line.line_key for line in after.lines)
    unjudged = frozenset() if any(line.expected for line in after.lines) else keys
    drafts = news(before, after, unjudged, inspections(after, fresh.values()))
    return after, seen | fresh.keys(), drafts


def goods_state(documents: tuple[GoodsDocument, ...]) -> State | None:
    """Return the state that the warehouses' news speaks for, None if for none.

    `inspected` when every document that is not cancelled is completed, `received`
    when units were counted in or the work has begun.
    """
    living = [doc for doc in documents if doc.status is not GoodsStatus.CANCELLED]
    if living and all(doc.status is GoodsStatus.COMPLETED for doc in living):
        return State.INSPECTED
    if any(_is_received(doc) for doc in documents):
        return State.RECEIVED
    return None


def _is_received(document: GoodsDocument) -> bool:
    counted = any(line.received for line in document.lines)
    return counted or document.status is GoodsStatus.PROCESSING
