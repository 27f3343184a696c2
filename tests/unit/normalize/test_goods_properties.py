"""What must hold for any sequence of reports, however odd."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bridge.canonical.draft import encode
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
from bridge.canonical.goods_events import LineFact
from bridge.normalize.goods import fold_facts, fold_report
from bridge.platforms.contract import GoodsFact, GoodsFacts

TIME = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
units = st.integers(0, 3)
conditions = st.none() | st.builds(
    Condition, code=st.sampled_from(ConditionCode), grade=st.none() | st.just("A")
)
outcomes = st.builds(
    Outcome,
    key=st.sampled_from("kl"),
    quantity=units,
    disposition=st.sampled_from(DispositionCode),
    condition=conditions,
)
lines = st.builds(
    GoodsLine,
    line_key=st.sampled_from("abc"),
    sku=st.sampled_from(["TEE", None]),
    expected=units,
    received=units,
    outcomes=st.lists(outcomes, max_size=3).map(tuple),
)
wrongs = st.builds(
    Discrepancy,
    code=st.sampled_from(DiscrepancyCode),
    quantity=units,
    line_key=st.sampled_from(["a", None]),
)
reports = st.builds(
    GoodsDocument,
    system=st.just("generic"),
    account=st.just("east"),
    return_id=st.just("W-1"),
    status=st.sampled_from(GoodsStatus),
    occurred_at=st.just(TIME),
    rejected_reason=st.sampled_from([None, "wet"]),
    lines=st.lists(lines, max_size=4).map(tuple),
    discrepancies=st.lists(wrongs, max_size=2).map(tuple),
)
facts = st.builds(
    GoodsFact,
    id=st.sampled_from("123456"),
    kind=st.sampled_from(
        ["received", "restocked", "disposed", "discrepancy", "corrected", "completed"]
    ),
    quantity=st.integers(-3, 3),
    occurred_at=st.just(TIME),
    line_key=st.sampled_from(["a", "b", None]),
    sku=st.sampled_from(["TEE", None]),
)


def _fold(history: list[GoodsDocument]) -> GoodsDocument:
    document: GoodsDocument | None = None
    for report in history:
        document, _ = fold_report(document, report)
    assert document is not None
    return document


def _without_epochs(document: GoodsDocument) -> dict[str, object]:
    """Drop epochs, and what is kept at zero only for their sake."""
    kept = []
    for line in document.lines:
        present = tuple(
            outcome.model_copy(update={"epoch": 0})
            for outcome in line.outcomes
            if outcome.quantity
        )
        if line.expected or line.received or present:
            kept.append(line.model_copy(update={"outcomes": present, "epoch": 0}))
    status = {"status": None} if document.status is GoodsStatus.UNKNOWN else {}
    bare = document.model_copy(update={"lines": tuple(kept), "epoch": 0})
    return bare.model_dump() | status


@given(st.lists(reports, min_size=1, max_size=5))
def test_a_report_seen_twice_makes_no_event(history: list[GoodsDocument]) -> None:
    document = _fold(history)

    assert fold_report(document, history[-1]) == (document, ())
    assert fold_report(document, document) == (document, ())


@given(st.lists(reports, max_size=4), reports)
def test_any_history_ends_with_the_last_report(
    history: list[GoodsDocument], last: GoodsDocument
) -> None:
    after = _fold([*history, last])
    alone = _fold([last])

    if last.status is GoodsStatus.UNKNOWN:
        after = after.model_copy(update={"status": GoodsStatus.UNKNOWN})
    assert _without_epochs(after) == _without_epochs(alone)


@given(st.lists(reports, min_size=1, max_size=6))
def test_no_fact_key_is_used_twice_in_one_history(history: list[GoodsDocument]) -> None:
    document: GoodsDocument | None = None
    keys: list[str] = []
    for report in history:
        document, drafts = fold_report(document, report)
        for draft in drafts:
            told = draft.part["lines"]
            assert isinstance(told, tuple)
            counts = [LineFact.model_validate(fact) for fact in told]
            keys += [fact.fact for fact in counts if fact.discrepancy is None]

    assert len(keys) == len(set(keys))


@given(st.lists(reports, min_size=1, max_size=4))
def test_every_event_can_be_written(history: list[GoodsDocument]) -> None:
    document: GoodsDocument | None = None
    for report in history:
        document, drafts = fold_report(document, report)

        assert all(encode(draft, b"{}") for draft in drafts)


@given(st.lists(st.lists(facts, max_size=5), min_size=1, max_size=4))
def test_facts_never_break_and_count_once(batches: list[list[GoodsFact]]) -> None:
    document: GoodsDocument | None = None
    seen: frozenset[str] = frozenset()
    for batch in batches:
        news = GoodsFacts("generic", "east", "W-1", None, tuple(batch))
        document, seen, _ = fold_facts(document, news, seen)

        assert fold_facts(document, news, seen) == (document, seen, ())


@given(st.lists(reports, min_size=1, max_size=4))
def test_the_deltas_of_a_line_add_up_to_its_total(history: list[GoodsDocument]) -> None:
    document: GoodsDocument | None = None
    sums: dict[str, int] = {}
    for report in history:
        document, drafts = fold_report(document, report)
        for draft in drafts:
            told = draft.part["lines"]
            assert isinstance(told, tuple)
            for fact in map(LineFact.model_validate, told):
                if fact.disposition is None and fact.discrepancy is None:
                    key = fact.line_key or ""
                    sums[key] = sums.get(key, 0) + (fact.delta or 0)

    assert document is not None
    assert {
        line.line_key: line.received for line in document.lines if line.received
    } == {key: total for key, total in sums.items() if total}
