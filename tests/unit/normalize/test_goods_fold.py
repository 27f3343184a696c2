"""Running totals of one warehouse document: counters, epochs, what they say."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bridge.canonical.draft import Draft
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
from bridge.canonical.model import Item
from bridge.canonical.states import State
from bridge.normalize.goods import fold_report, goods_state

TIME = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)


def _document(
    status: str = "processing",
    *lines: GoodsLine,
    rejected: str | None = None,
    wrong: Sequence[Discrepancy] = (),
) -> GoodsDocument:
    return GoodsDocument(
        system="generic",
        account="east",
        return_id="W-1",
        status=GoodsStatus(status),
        status_raw=f"raw {status}",
        occurred_at=TIME,
        lines=lines,
        rejected_reason=rejected,
        discrepancies=tuple(wrong),
    )


def _line(
    received: int,
    *outcomes: Outcome,
    key: str = "a",
    sku: str = "TEE",
    expected: int = 2,
) -> GoodsLine:
    return GoodsLine(
        line_key=key,
        sku=sku,
        expected=expected,
        received=received,
        outcomes=outcomes,
    )


def _outcome(
    quantity: int,
    disposition: str = "restock",
    *,
    key: str = "k",
    condition: str | None = None,
    grade: str | None = None,
) -> Outcome:
    code = None if condition is None else ConditionCode(condition)
    return Outcome(
        key=key,
        quantity=quantity,
        disposition=DispositionCode(disposition),
        condition=None if code is None else Condition(code=code, grade=grade),
    )


def _item(id_: str, quantity: int, sku: str | None = "TEE") -> Item:
    return Item(id=id_, sku=sku, quantity=quantity)


def _names(drafts: Sequence[Draft]) -> list[str]:
    return [draft.type.name.removeprefix("goods.") for draft in drafts]


def _lines(drafts: Sequence[Draft], name: str) -> list[LineFact]:
    (draft,) = [one for one in drafts if one.type.name == f"goods.{name}"]
    lines = draft.part["lines"]
    assert isinstance(lines, tuple)
    return [LineFact.model_validate(line) for line in lines]


def _history(*reports: GoodsDocument) -> tuple[GoodsDocument, list[Draft]]:
    document: GoodsDocument | None = None
    told: list[Draft] = []
    for report in reports:
        document, drafts = fold_report(document, report)
        told.extend(drafts)
    assert document is not None
    return document, told


def test_an_awaited_return_is_announced_once() -> None:
    _, told = _history(_document("awaiting", _line(0)), _document("in_transit"))

    assert _names(told) == ["announced"]


def test_an_arrived_return_was_not_announced_by_this_report() -> None:
    _, told = _history(_document("arrived", _line(0)))

    assert _names(told) == ["arrived"]


def test_a_first_count_means_arrival_where_the_status_never_says_so() -> None:
    _, told = _history(_document("awaiting", _line(0)), _document("awaiting", _line(1)))

    assert _names(told) == ["announced", "arrived", "received"]


def test_a_count_that_falls_is_corrected_and_its_next_rise_is_a_new_fact() -> None:
    document, told = _history(
        _document("processing", _line(1)),
        _document("processing", _line(0)),
        _document("processing", _line(1)),
    )

    facts = [
        fact
        for draft in told
        if draft.type.name != "goods.arrived"
        for fact in _lines([draft], draft.type.name.removeprefix("goods."))
    ]
    assert [(fact.delta, fact.total) for fact in facts] == [(1, 1), (-1, 0), (1, 1)]
    assert len({fact.fact for fact in facts}) == 3
    assert document.lines[0].epoch == 1


def test_an_outcome_that_vanished_counts_as_none() -> None:
    document, told = _history(
        _document("processing", _line(1, _outcome(1))),
        _document("processing", _line(1)),
        _document("processing", _line(1, _outcome(1))),
        _document("processing", _line(1, _outcome(1))),
    )

    assert _names(told) == [
        "arrived",
        "received",
        "restocked",
        "corrected",
        "restocked",
    ]
    first, again = (
        _lines([draft], "restocked")[0]
        for draft in told
        if draft.type.name == "goods.restocked"
    )
    assert first.fact != again.fact
    assert document.lines[0].outcomes[0].epoch == 1


def test_a_line_that_vanished_counts_as_none_and_is_no_longer_expected() -> None:
    document, told = _history(
        _document("processing", _line(1, _outcome(1))), _document("completed")
    )

    assert _names(told)[3:] == ["corrected", "completed"]
    assert [(fact.delta, fact.total) for fact in _lines(told, "corrected")] == [
        (-1, 0),
        (-1, 0),
    ]
    assert (document.lines[0].received, document.lines[0].expected) == (0, 0)


def test_a_line_that_vanished_without_a_count_is_forgotten() -> None:
    document, told = _history(
        _document("awaiting", _line(0, _outcome(0))), _document("awaiting")
    )

    assert _names(told) == ["announced"]
    assert document.lines == ()


def test_outcomes_with_one_key_are_added_up() -> None:
    line = _line(
        2, _outcome(1, condition="new"), _outcome(1, condition="damaged"), key="a"
    )

    document, told = _history(_document("processing", line))

    (fact,) = _lines(told, "restocked")
    assert fact.total == 2
    assert fact.condition == Condition(code=ConditionCode.UNKNOWN)
    assert len(document.lines[0].outcomes) == 1


def test_units_of_one_key_that_look_alike_keep_their_condition() -> None:
    line = _line(2, _outcome(1, condition="new"), _outcome(1, condition="new"))

    _, told = _history(_document("processing", line))

    (fact,) = _lines(told, "restocked")
    assert fact.condition == Condition(code=ConditionCode.NEW)


def test_lines_with_one_key_are_added_up() -> None:
    document, told = _history(
        _document("processing", _line(1, _outcome(1)), _line(1, _outcome(1)))
    )

    (fact,) = _lines(told, "received")
    assert (fact.total, fact.expected) == (2, 4)
    assert document.lines[0].outcomes[0].quantity == 2


def test_each_disposition_has_its_event() -> None:
    line = _line(
        9, *(_outcome(1, code.value, key=code.value) for code in DispositionCode)
    )

    _, told = _history(_document("completed", line.model_copy(update={"expected": 9})))

    said = {
        name: [
            fact.disposition.code.value
            for fact in _lines(told, name)
            if fact.disposition
        ]
        for name in ("restocked", "withheld", "disposed")
    }
    assert said == {
        "restocked": ["restock"],
        "withheld": ["quarantine", "refurbish", "not_restocked", "pending", "other"],
        "disposed": ["return_to_merchant", "donate", "dispose"],
    }


def test_what_was_not_restocked_is_said_only_when_the_warehouse_is_done() -> None:
    line = _line(2, _outcome(2, "not_restocked"))

    _, early = _history(_document("processing", line))
    _, told = _history(
        _document("processing", line),
        _document("completed", line),
        _document("processing", line),
    )

    assert "withheld" not in _names(early)
    assert _names(told)[2:] == ["withheld", "completed", "corrected"]
    assert _lines(told, "corrected")[0].delta == -2


def test_a_condition_told_later_is_an_inspection() -> None:
    plain, told_new = _outcome(1), _outcome(1, condition="new", grade="A")
    worse = _outcome(1, condition="damaged")

    _, told = _history(
        _document("processing", _line(1, plain)),
        _document("processing", _line(1, told_new)),
        _document("processing", _line(1, worse)),
        _document("processing", _line(1, told_new)),
    )

    inspections = [
        _lines([draft], "inspected")[0]
        for draft in told
        if draft.type.name == "goods.inspected"
    ]
    assert [one.condition and one.condition.code.value for one in inspections] == [
        "new",
        "damaged",
        "new",
    ]
    assert len({one.fact for one in inspections}) == 3
    assert {one.delta for one in inspections} == {None}


def test_a_condition_of_no_units_says_nothing() -> None:
    _, told = _history(_document("awaiting", _line(0, _outcome(0, condition="new"))))

    assert _names(told) == ["announced"]


def test_graded_units_with_nothing_done_yet_are_inspected_not_withheld() -> None:
    _, told = _history(
        _document("processing", _line(1, _outcome(1, "pending", condition="opened")))
    )

    assert _names(told) == ["arrived", "received", "inspected"]


def test_too_few_is_just_a_count_until_the_warehouse_is_done() -> None:
    _, told = _history(
        _document("processing", _line(1)), _document("completed", _line(1))
    )

    assert _names(told) == ["arrived", "received", "discrepancy", "completed"]
    (fact,) = _lines(told, "discrepancy")
    assert fact.discrepancy is not None
    assert (fact.discrepancy.code, fact.discrepancy.quantity) == ("missing", 1)


def test_too_many_and_foreign_goods_are_told_apart() -> None:
    _, told = _history(
        _document(
            "completed",
            _line(3),
            _line(1, key="b", sku="CAP", expected=0),
            _line(2, key="c"),
        )
    )

    facts = _lines(told, "discrepancy")
    assert [
        (fact.line_key, fact.discrepancy and fact.discrepancy.code.value)
        for fact in facts
    ] == [("a", "excess"), ("b", "unexpected_item")]


def test_goods_that_turn_up_after_all_take_the_discrepancy_back() -> None:
    _, told = _history(
        _document("completed", _line(0)),
        _document("completed", _line(1)),
        _document("completed", _line(2)),
    )

    kinds = [name for name in _names(told) if name in {"discrepancy", "corrected"}]
    assert kinds == ["discrepancy", "corrected", "corrected"]
    remaining = [
        fact.discrepancy.quantity
        for draft in told
        if draft.type.name == "goods.corrected"
        for fact in _lines([draft], "corrected")
        if fact.discrepancy
    ]
    assert remaining == [1, 0]


def test_a_stated_discrepancy_is_told_at_once_and_outweighs_the_counts() -> None:
    empty = Discrepancy(code=DiscrepancyCode.EMPTY_PARCEL, quantity=1)
    gone = Discrepancy(code=DiscrepancyCode.MISSING, quantity=1, line_key="a")

    _, early = _history(_document("arrived", wrong=[empty]))
    _, told = _history(_document("completed", _line(0), wrong=[gone, gone]))

    assert _names(early) == ["arrived", "discrepancy"]
    (fact,) = _lines(told, "discrepancy")
    assert fact.discrepancy is not None
    assert fact.discrepancy.quantity == 2


def test_a_stated_discrepancy_that_comes_and_goes_makes_new_facts() -> None:
    def wrong(quantity: int) -> GoodsDocument:
        code = DiscrepancyCode.WRONG_ITEM
        return _document("arrived", wrong=[Discrepancy(code=code, quantity=quantity)])

    _, told = _history(wrong(2), wrong(1), wrong(2), _document("arrived"))

    facts = [
        _lines([draft], draft.type.name.removeprefix("goods."))[0]
        for draft in told
        if draft.type.name != "goods.arrived"
    ]
    assert [fact.delta for fact in facts] == [None, -1, None, -2]
    assert len({fact.fact for fact in facts}) == 4


def test_a_parcel_that_never_came_is_a_discrepancy_of_the_whole() -> None:
    _, told = _history(
        _document("not_arrived", _line(0)),
        _document("not_arrived", _line(0)),
        _document("arrived", _line(0)),
    )

    assert _names(told) == ["discrepancy", "arrived", "corrected"]
    (fact,) = _lines(told, "discrepancy")
    assert fact.line_key is None
    assert fact.discrepancy is not None
    assert fact.discrepancy.quantity == 2


def test_a_reopened_return_is_corrected_and_finishes_anew() -> None:
    document, told = _history(
        _document("completed", _line(2)),
        _document("processing", _line(2)),
        _document("completed", _line(2)),
    )

    assert _names(told) == [
        "arrived",
        "received",
        "completed",
        "corrected",
        "completed",
    ]
    first, again = (d.part["fact"] for d in told if d.type.name == "goods.completed")
    assert first != again
    assert document.epoch == 1


def test_a_rejection_gives_its_reason_and_can_be_withdrawn() -> None:
    _, told = _history(
        _document("arrived", rejected="wrong address"),
        _document("arrived", rejected="wrong street"),
        _document("arrived"),
    )

    assert _names(told) == ["arrived", "rejected", "corrected"]
    assert told[1].part["reason"] == "wrong address"


def test_a_cancelled_document_says_so_once() -> None:
    _, told = _history(_document("cancelled"), _document("cancelled"))

    assert _names(told) == ["cancelled"]


def test_an_unknown_status_changes_nothing_but_the_raw_word() -> None:
    unknown = _document("unknown", _line(2))

    document, told = _history(
        _document("completed", _line(2)), unknown, _document("completed", _line(2))
    )
    first, _ = _history(unknown)

    assert _names(told) == ["arrived", "received", "completed"]
    assert document.status_raw == "raw completed"
    assert first.status is GoodsStatus.UNKNOWN


def test_a_corrected_spelling_is_no_new_fact() -> None:
    spelled = _outcome(1, condition="new").model_copy(update={"raw": "put away"})
    respelled = spelled.model_copy(update={"raw": "Put-away", "reason_raw": "ok"})

    _, told = _history(
        _document("processing", _line(1, spelled)),
        _document("processing", _line(1, respelled)),
    )

    assert _names(told) == ["arrived", "received", "restocked"]


def test_a_count_per_sku_is_split_over_its_announced_lines_in_order() -> None:
    announced = (_item("i1", 1), _item("i2", 2), _item("i3", 1, sku="MUG"))
    counted = _line(
        2, _outcome(1, key="A"), _outcome(1, "dispose", key="D"), key="9557", expected=3
    )
    mug = _line(1, key="9558", sku="MUG", expected=1)
    nameless = GoodsLine(line_key="9559", received=1)

    document, drafts = fold_report(
        None, _document("completed", counted, mug, nameless), announced
    )

    assert [
        (line.line_key, line.expected, line.received, line.allocated)
        for line in document.lines
    ] == [
        ("i1", 1, 1, True),
        ("i2", 2, 1, True),
        ("9558", 1, 1, False),
        ("9559", 0, 1, False),
    ]
    (missing, _) = _lines(drafts, "discrepancy")
    assert (missing.line_key, missing.allocated) == ("i2", True)
    (disposed,) = _lines(drafts, "disposed")
    assert disposed.line_key == "i2"
    assert fold_report(
        document, _document("completed", counted, mug, nameless), announced
    ) == (
        document,
        (),
    )


def test_nothing_is_split_when_the_warehouse_tells_the_lines_apart() -> None:
    announced = (_item("i1", 1), _item("i2", 1))
    lines = (_line(1, key="w1"), _line(1, key="w2"))
    ours = (_line(1, key="i1"),)

    apart, _ = fold_report(None, _document("processing", *lines), announced)
    known, _ = fold_report(None, _document("processing", *ours), announced)

    assert [line.line_key for line in apart.lines] == ["w1", "w2"]
    assert [line.line_key for line in known.lines] == ["i1"]


def test_epochs_of_a_report_mean_nothing() -> None:
    report = _document("processing", _line(1).model_copy(update={"epoch": 7}))

    document, _ = fold_report(None, report.model_copy(update={"epoch": 3}))

    assert (document.epoch, document.lines[0].epoch) == (0, 0)


def test_the_state_of_a_return_follows_its_documents() -> None:
    waiting, working = _document("awaiting", _line(0)), _document("processing")
    counted, done = _document("arrived", _line(1)), _document("completed")
    cancelled = _document("cancelled")

    assert goods_state(()) is None
    assert goods_state((cancelled,)) is None
    assert goods_state((waiting,)) is None
    assert goods_state((waiting, counted)) is State.RECEIVED
    assert goods_state((working,)) is State.RECEIVED
    assert goods_state((done, waiting)) is None
    assert goods_state((done, cancelled)) is State.INSPECTED
