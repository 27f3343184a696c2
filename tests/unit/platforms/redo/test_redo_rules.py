"""When everything is good enough to complete a return, and what comments say."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from bridge.canonical.events import ReturnApproved
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
from bridge.canonical.goods_events import (
    Disposition,
    GoodsDiscrepancy,
    GoodsReceived,
    LineDiscrepancy,
    LineFact,
    Warehouse,
)
from bridge.canonical.model import (
    Item,
    Kind,
    Return,
)
from bridge.canonical.states import State
from bridge.platforms.findings import all_good, render
from bridge.platforms.redo.rules import DEFAULT_RULES, Rule

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)


def units(
    quantity: int,
    disposition: DispositionCode = DispositionCode.RESTOCK,
    condition: ConditionCode | None = None,
) -> Outcome:
    stated = Condition(code=condition) if condition else None
    return Outcome(
        key=f"{disposition}-{condition}",
        quantity=quantity,
        disposition=disposition,
        condition=stated,
    )


def line(received: int, expected: int, *outcomes: Outcome) -> GoodsLine:
    return GoodsLine(
        line_key="1", sku="S", expected=expected, received=received, outcomes=outcomes
    )


def document(
    *lines: GoodsLine,
    status: GoodsStatus = GoodsStatus.COMPLETED,
    rejected_reason: str | None = None,
    discrepancies: tuple[Discrepancy, ...] = (),
) -> GoodsDocument:
    return GoodsDocument(
        system="wms",
        account="main",
        return_id=f"w{len(lines)}",
        status=status,
        occurred_at=NOW,
        lines=lines,
        rejected_reason=rejected_reason,
        discrepancies=discrepancies,
    )


def view(*goods: GoodsDocument, due: int = 2) -> Return:
    return Return(
        subject="redo/demo/r1",
        platform="redo",
        account="demo",
        native_id="r1",
        number="#FH-1",
        kind=Kind.RETURN,
        state=State.DELIVERED,
        items=(
            Item(id="i1", quantity=due),
            Item(id="i2", quantity=9, keeps_goods=True),
        ),
        goods=goods,
        observed_at=NOW,
    )


def test_all_is_good_when_every_unit_is_back_and_restocked() -> None:
    split = document(line(2, 2, units(1), units(1, condition=ConditionCode.NEW)))
    parcels = document(line(1, 1, units(1))), document(line(1, 1, units(1)))
    cancelled = document(line(1, 1), status=GoodsStatus.CANCELLED)
    undone = units(0, DispositionCode.DISPOSE)

    assert all_good(view(split))
    assert all_good(view(*parcels))
    assert all_good(view(split, cancelled))
    assert all_good(view(document(line(2, 2, units(2), undone))))


@pytest.mark.parametrize(
    "goods",
    [
        (),
        (document(),),
        (document(line(0, 0)),),
        (document(line(1, 1, units(1))),),
        (document(line(1, 2, units(1))),),
        (document(line(3, 2, units(3))),),
        (document(line(2, 0, units(2))),),
        (document(line(2, 2, units(1))),),
        (document(line(2, 2)),),
        (document(line(2, 2, units(2)), rejected_reason="wet"),),
        (document(line(2, 2, units(2)), status=GoodsStatus.CANCELLED),),
        (
            document(
                line(2, 2, units(2)),
                discrepancies=(
                    Discrepancy(code=DiscrepancyCode.WRONG_ITEM, quantity=1),
                ),
            ),
        ),
        *(
            (document(line(2, 2, units(1), units(1, disposition))),)
            for disposition in DispositionCode
            if disposition is not DispositionCode.RESTOCK
        ),
        *(
            (document(line(2, 2, units(1), units(1, condition=condition))),)
            for condition in (
                ConditionCode.DAMAGED,
                ConditionCode.DEFECTIVE,
                ConditionCode.INCOMPLETE,
            )
        ),
    ],
)
def test_one_unit_amiss_and_not_all_is_good(goods: tuple[GoodsDocument, ...]) -> None:
    assert not all_good(view(*goods))


def test_a_return_that_waits_for_no_goods_is_never_all_good() -> None:
    assert not all_good(view(document(line(0, 0)), due=0))


def test_a_rule_without_a_condition_always_holds() -> None:
    assert Rule(on="goods.received", status="open").holds(view())
    assert not Rule(on="goods.inspected", when="all_good", status="open").holds(view())


def warehouse() -> Warehouse:
    return Warehouse(
        system="wms",
        account="main",
        return_id="w1",
        status=GoodsStatus.PROCESSING,
        occurred_at=NOW,
    )


def test_a_comment_tells_counts_codes_and_articles() -> None:
    lines = (
        LineFact(sku="RUG-90", delta=1, total=1, expected=2, fact="f"),
        LineFact(
            line_key="L2",
            total=3,
            fact="f",
            disposition=Disposition(
                code=DispositionCode.RETURN_TO_MERCHANT, raw="Jane said so"
            ),
            condition=Condition(code=ConditionCode.USED_GOOD, raw="Jane's"),
        ),
    )
    received = GoodsReceived.model_validate(
        {
            "return": view(),
            "warehouse": warehouse(),
            "lines": lines,
            "reference": "redo.demo.r1-1",
        }
    )

    text = render(
        "$type $number $state by $warehouse ($reference): $lines",
        "goods.received",
        received,
    )

    assert text == (
        "goods.received #FH-1 delivered by main (redo.demo.r1-1): "
        "RUG-90: 1 of 2; L2: 3, return to merchant, used good"
    )


def test_a_discrepancy_is_said_with_its_quantity() -> None:
    missing = LineDiscrepancy(code=DiscrepancyCode.NOT_ARRIVED, quantity=2, raw="lost")
    fact = LineFact(fact="f", discrepancy=missing)
    event = GoodsDiscrepancy.model_validate(
        {"return": view(), "warehouse": warehouse(), "lines": (fact,)}
    )

    assert render("$lines", "goods.discrepancy", event) == "parcel: 2 not arrived"


def test_a_long_list_is_cut_short_and_says_so() -> None:
    facts = tuple(LineFact(sku=f"S{n}", total=1, fact="f") for n in range(25))
    event = GoodsReceived.model_validate(
        {"return": view(), "warehouse": warehouse(), "lines": facts}
    )

    text = render("$lines", "goods.received", event)

    assert text.startswith("S0: 1; S1: 1; ")
    assert text.endswith("S19: 1; and 5 more lines")


def test_a_comment_on_an_event_of_the_platform_has_no_warehouse_words() -> None:
    event = ReturnApproved.model_validate({"return": view()})

    text = render("$type: [$warehouse$reference$lines] $$", "return.approved", event)

    assert text == "return.approved: [] $"


@pytest.mark.parametrize(
    "rule",
    [
        {"on": "goods.eaten", "status": "open"},
        {"on": "goods.received"},
        {"on": "goods.received", "status": "delivered"},
        {"on": "goods.received", "comment": "$name"},
        {"on": "goods.received", "comment": "cost: 5 $ "},
        {"on": "goods.received", "status": "open", "when": "sometimes"},
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


def test_the_default_rules_name_each_event_once() -> None:
    assert [rule.on for rule in DEFAULT_RULES] == [
        "goods.received",
        "goods.inspected",
        "goods.completed",
        "goods.discrepancy",
    ]
