"""Deltas with permanent ids become the same totals and events as reports."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.draft import Draft
from bridge.canonical.goods import (
    ConditionCode,
    DiscrepancyCode,
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
)
from bridge.canonical.goods_events import LineFact
from bridge.canonical.model import Item
from bridge.normalize.goods import fold_facts
from bridge.platforms.contract import GoodsFact, GoodsFacts

TIME = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
NOTHING: frozenset[str] = frozenset()


def _fact(  # noqa: PLR0913 - it stands in for a whole JSON object
    id_: str,
    kind: str,
    quantity: int = 1,
    *,
    line_key: str | None = "a",
    sku: str | None = "TEE",
    reason: str | None = None,
    condition: dict[str, str | None] | None = None,
) -> GoodsFact:
    return GoodsFact(
        id=id_,
        kind=kind,
        quantity=quantity,
        occurred_at=TIME + timedelta(minutes=len(id_)),
        line_key=line_key,
        sku=sku,
        reason=reason,
        condition=condition,
    )


def _facts(*facts: GoodsFact, reference: str | None = None) -> GoodsFacts:
    return GoodsFacts("generic", "east", "W-1", reference, facts)


def _names(drafts: Sequence[Draft]) -> list[str]:
    return [draft.type.name.removeprefix("goods.") for draft in drafts]


def _lines(drafts: Sequence[Draft], name: str) -> list[LineFact]:
    (draft,) = [one for one in drafts if one.type.name == f"goods.{name}"]
    lines = draft.part["lines"]
    assert isinstance(lines, tuple)
    return [LineFact.model_validate(line) for line in lines]


def _announced(*quantities: tuple[str, int]) -> tuple[Item, ...]:
    return tuple(Item(id=id_, sku="TEE", quantity=units) for id_, units in quantities)


def test_facts_open_a_document_and_add_up() -> None:
    facts = _facts(
        _fact("1", "received"),
        _fact("2", "received", 2),
        _fact("3", "restocked", condition={"code": "new", "grade": "A", "raw": "A"}),
        reference="redo.acme.1-2",
    )

    document, seen, drafts = fold_facts(None, facts, NOTHING)

    assert _names(drafts) == ["arrived", "received", "restocked"]
    assert (document.parcel, document.status) == (2, GoodsStatus.PROCESSING)
    assert document.lines[0].received == 3
    assert document.lines[0].outcomes[0].condition is not None
    assert seen == {"1", "2", "3"}


def test_a_fact_counts_once_for_ever() -> None:
    document, seen, _ = fold_facts(None, _facts(_fact("1", "received")), NOTHING)

    again, seen_again, drafts = fold_facts(
        document, _facts(_fact("1", "received"), _fact("1", "received")), seen
    )

    assert (again, seen_again, drafts) == (document, seen, ())


def test_an_empty_list_of_facts_says_nothing() -> None:
    document, seen, drafts = fold_facts(None, _facts(), NOTHING)

    assert (document.lines, seen, drafts) == ((), NOTHING, ())


def test_an_unlisted_kind_is_remembered_and_changes_nothing() -> None:
    document, seen, drafts = fold_facts(None, _facts(_fact("1", "weighed")), NOTHING)

    assert document.status is GoodsStatus.UNKNOWN
    assert seen == {"1"}
    assert drafts == ()


def test_a_count_taken_back_is_a_correction_with_a_key_of_its_own() -> None:
    document, seen, told = fold_facts(None, _facts(_fact("1", "received")), NOTHING)
    document, seen, down = fold_facts(document, _facts(_fact("2", "corrected")), seen)
    document, seen, up = fold_facts(document, _facts(_fact("3", "received")), seen)

    keys = [
        _lines(told, "received")[0].fact,
        _lines(down, "corrected")[0].fact,
        _lines(up, "received")[0].fact,
    ]
    assert len(set(keys)) == 3
    assert document.lines[0].received == 1


def test_a_counter_stops_at_zero() -> None:
    document, _, drafts = fold_facts(
        None,
        _facts(_fact("1", "received", -2), _fact("2", "restocked", -1)),
        NOTHING,
    )

    assert document.lines[0].received == 0
    assert document.lines[0].outcomes[0].quantity == 0
    assert _names(drafts) == ["arrived"]


def test_a_status_goes_forward_only() -> None:
    document, seen, _ = fold_facts(None, _facts(_fact("1", "completed")), NOTHING)
    late, seen, drafts = fold_facts(
        document, _facts(_fact("2", "arrived"), _fact("3", "announced")), seen
    )
    open_again, _, reopened = fold_facts(late, _facts(_fact("4", "corrected", 0)), seen)

    assert (late.status, drafts) == (GoodsStatus.COMPLETED, ())
    assert open_again.status is GoodsStatus.PROCESSING
    assert "corrected" in _names(reopened)


def test_announced_and_cancelled_are_told() -> None:
    document, seen, first = fold_facts(None, _facts(_fact("1", "announced")), NOTHING)
    _, _, last = fold_facts(document, _facts(_fact("2", "cancelled")), seen)

    assert (_names(first), _names(last)) == (["announced"], ["cancelled"])


@pytest.mark.parametrize(
    ("kind", "reason", "disposition"),
    [
        ("restocked", None, DispositionCode.RESTOCK),
        ("restocked", "dispose", DispositionCode.RESTOCK),
        ("withheld", "quarantine", DispositionCode.QUARANTINE),
        ("withheld", "donate", DispositionCode.OTHER),
        ("withheld", "a torn box", DispositionCode.OTHER),
        ("disposed", None, DispositionCode.DISPOSE),
        ("disposed", "donate", DispositionCode.DONATE),
    ],
)
def test_a_treated_unit_has_the_disposition_it_was_given(
    kind: str, reason: str | None, disposition: DispositionCode
) -> None:
    _, _, drafts = fold_facts(None, _facts(_fact("1", kind, reason=reason)), NOTHING)

    (fact,) = _lines(drafts, kind)
    assert fact.disposition is not None
    assert fact.disposition.code is disposition


def test_an_inspection_moves_no_counter() -> None:
    graded = {"code": "shiny", "grade": None, "raw": "shiny"}

    document, _, drafts = fold_facts(
        None,
        _facts(_fact("1", "inspected", condition=graded), _fact("2", "inspected")),
        NOTHING,
    )

    assert _names(drafts) == ["arrived", "inspected"]
    first, second = _lines(drafts, "inspected")
    assert first.condition is not None
    assert (first.condition.code, first.condition.raw) == (
        ConditionCode.UNKNOWN,
        "shiny",
    )
    assert first.fact != second.fact
    assert document.lines == ()


def test_a_rejection_gives_its_reason_or_its_kind() -> None:
    _, _, told = fold_facts(None, _facts(_fact("1", "rejected", reason="wet")), NOTHING)
    _, _, bare = fold_facts(None, _facts(_fact("1", "rejected")), NOTHING)

    assert (told[0].part["reason"], bare[0].part["reason"]) == ("wet", "rejected")


def test_stated_discrepancies_add_up_and_can_be_taken_back() -> None:
    document, seen, drafts = fold_facts(
        None,
        _facts(
            _fact("1", "discrepancy", reason="wrong_item"),
            _fact("2", "discrepancy", reason="wrong_item"),
            _fact("3", "discrepancy", 0, reason="a riddle", line_key=None),
        ),
        NOTHING,
    )
    after, _, back = fold_facts(
        document,
        _facts(_fact("4", "discrepancy", -2, reason="wrong_item")),
        seen,
    )

    wrong, riddle = document.discrepancies
    assert (wrong.code, wrong.quantity) == (DiscrepancyCode.WRONG_ITEM, 2)
    assert (riddle.code, riddle.raw) == (DiscrepancyCode.UNIDENTIFIED, "a riddle")
    assert _names(drafts) == ["discrepancy"]
    assert after.discrepancies == (riddle,)
    assert _names(back) == ["corrected"]


def test_where_nobody_told_what_to_expect_counts_are_held_against_nothing() -> None:
    facts = _facts(_fact("1", "received"), _fact("2", "completed"))

    _, _, drafts = fold_facts(None, facts, NOTHING)

    assert _names(drafts) == ["arrived", "received", "completed"]


def test_announced_items_make_missing_and_foreign_goods_visible() -> None:
    facts = _facts(
        _fact("1", "received", line_key="i1"),
        _fact("2", "received", line_key="x", sku="CAP"),
        _fact("3", "completed"),
    )

    _, _, drafts = fold_facts(None, facts, NOTHING, _announced(("i1", 2)))

    said = {
        fact.line_key: fact.discrepancy and fact.discrepancy.code.value
        for fact in _lines(drafts, "discrepancy")
    }
    assert said == {"i1": "missing", "x": "unexpected_item"}


def test_units_known_by_sku_fill_the_announced_lines_in_order() -> None:
    announced = _announced(("i1", 1), ("i2", 2))

    document, seen, drafts = fold_facts(
        None,
        _facts(
            _fact("1", "received", 2, line_key=None),
            _fact("2", "restocked", 2, line_key="9557"),
        ),
        NOTHING,
        announced,
    )
    fewer, _, _ = fold_facts(
        document, _facts(_fact("3", "corrected", 1, line_key=None)), seen, announced
    )

    assert [(ln.line_key, ln.received) for ln in document.lines] == [
        ("i1", 1),
        ("i2", 1),
    ]
    assert all(fact.allocated for fact in _lines(drafts, "restocked"))
    assert [ln.received for ln in fewer.lines] == [1, 0]


def test_a_warehouse_may_keep_two_lines_of_one_sku_apart() -> None:
    facts = _facts(
        _fact("1", "received", line_key="w1"),
        _fact("2", "received", line_key="w2"),
        _fact("3", "received", line_key=None, sku=None),
        _fact("4", "received", line_key=None, sku=None),
        _fact("5", "received", line_key=None, sku="CAP"),
    )

    document, _, _ = fold_facts(None, facts, NOTHING)

    assert [(ln.line_key, ln.received) for ln in document.lines] == [
        ("w1", 1),
        ("w2", 1),
        ("unidentified", 2),
        ("CAP", 1),
    ]


def test_facts_go_on_from_a_report() -> None:
    report = GoodsDocument(
        system="generic",
        account="east",
        return_id="W-1",
        status=GoodsStatus.ARRIVED,
        status_raw="dock",
        occurred_at=TIME,
        lines=(GoodsLine(line_key="a", sku="TEE", expected=2, received=1),),
    )

    document, _, drafts = fold_facts(report, _facts(_fact("1", "received")), NOTHING)

    assert _names(drafts) == ["received"]
    assert (document.lines[0].received, document.status_raw) == (2, None)
    assert document.occurred_at > report.occurred_at


def test_five_thousand_facts_on_five_thousand_lines_take_no_time() -> None:
    facts = _facts(
        *(_fact(str(i), "received", line_key=f"l{i}", sku=f"s{i}") for i in range(5000))
    )
    started = time.perf_counter()

    document, _, _ = fold_facts(None, facts, NOTHING)

    assert len(document.lines) == 5000
    assert time.perf_counter() - started < 5
