"""Snapshots to events: which, in which order, and what each says of the time before."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.canonical.base import Money
from bridge.canonical.diff import diff as snapshot_diff
from bridge.canonical.diff import paid
from bridge.canonical.draft import Draft
from bridge.canonical.model import (
    Credit,
    Exchange,
    Note,
    Refund,
    Return,
    Shipment,
    ShipmentState,
    Totals,
)
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import State

FULL = Return.model_validate_json(
    (Path(__file__).parent / "full_return.json").read_bytes()
)


def diff(
    before: Return | None, after: Return, *, announced: AbstractSet[str] | None = None
) -> tuple[Draft, ...]:
    earlier = None if before is None else Snapshot(before)
    return snapshot_diff(earlier, Snapshot(after), announced=announced)


def names(drafts: Sequence[Draft]) -> list[str]:
    return [draft.type.name for draft in drafts]


def step(**update: object) -> tuple[Draft, ...]:
    return diff(FULL, FULL.model_copy(update=update))


def money(amount: str) -> Money:
    return Money(amount=amount, currency="USD")


def refund(state: str, amount: str = "19.08", key: str = "r-1") -> Refund:
    return Refund.model_validate({"key": key, "amount": money(amount), "state": state})


# ----------------------------------------------------------------- first sight


def test_first_sight_tells_creation_state_and_parts_and_nothing_before() -> None:
    drafts = diff(None, FULL)

    assert names(drafts) == [
        "return.created",
        "return.approved",
        "shipment.created",
        "shipment.created",
        "note.added",
    ]
    assert all(not draft.before for draft in drafts)


@pytest.mark.parametrize("state", State)
def test_first_sight_tells_any_state(state: State) -> None:
    bare = FULL.model_copy(update={"state": state, "shipments": (), "notes": ()})
    free = bare.model_copy(update={"totals": None})

    assert names(diff(None, free)) == ["return.created", f"return.{state.value}"]


def test_first_sight_of_a_finished_return_tells_inspection_and_money() -> None:
    item = FULL.items[0].model_copy(update={"grade": "A", "outcome": None})
    finished = FULL.model_copy(
        update={
            "state": State.CLOSED,
            "items": (item,),
            "shipments": (),
            "refunds": (refund("issued"), refund("failed", key="r-2")),
            "credits": (Credit(id="c-1"),),
            "exchange": Exchange(order_id="x-1"),
        }
    )

    assert names(diff(None, finished)) == [
        "return.created",
        "return.closed",
        "item.inspected",
        "refund.failed",
        "refund.issued",
        "credit.issued",
        "exchange.ordered",
        "fee.collected",
        "fee.collected",
        "note.added",
    ]


def test_what_was_announced_before_is_silent_at_a_second_first_sight() -> None:
    paid_out = FULL.model_copy(update={"credits": (Credit(id="c-1"),)})

    assert "credit.issued" in names(diff(None, paid_out))
    assert "credit.issued" not in names(
        diff(None, paid_out, announced=frozenset(paid(paid_out)))
    )


# ----------------------------------------------------------------------- state


def test_nothing_changed_makes_nothing() -> None:
    assert diff(FULL, FULL.model_copy(deep=True)) == ()


def test_times_alone_make_nothing() -> None:
    later = FULL.observed_at + timedelta(hours=1)

    assert step(observed_at=later, updated_at=later) == ()


def test_a_new_state_is_told_with_the_one_before() -> None:
    (reached,) = step(state=State.IN_TRANSIT, state_raw="in_transit")

    assert reached.type.name == "return.in_transit"
    assert reached.before == {"/state": "approved", "/state_raw": "open"}


def test_a_finished_return_alive_again_is_reopened_first() -> None:
    closed = FULL.model_copy(update={"state": State.CLOSED, "totals": None})
    alive = closed.model_copy(update={"state": State.APPROVED})

    assert names(diff(closed, alive)) == ["return.reopened", "return.approved"]


def test_the_platforms_word_alone_is_an_update() -> None:
    (updated,) = step(state_raw="open_again")

    assert updated.type.name == "return.updated"
    assert updated.part == {"changed": ("/state_raw",)}
    assert updated.before == {"/state_raw": "open"}


# ----------------------------------------------------------------------- parts


def test_a_new_parcel_and_a_moved_one_are_told_apart() -> None:
    moved = FULL.shipments[0].model_copy(update={"state": ShipmentState.DELIVERED})
    new = Shipment(key="new", state=ShipmentState.UNKNOWN)

    first, second = step(shipments=(new, moved, FULL.shipments[1]))

    assert (first.type.name, first.part) == ("shipment.created", {"shipment": new})
    assert (second.type.name, second.part) == ("shipment.updated", {"shipment": moved})
    assert second.before == {"/shipments/1/state": "label_created"}


def test_a_vanished_parcel_is_an_update() -> None:
    (updated,) = step(shipments=FULL.shipments[:1])

    assert updated.part == {"changed": ("/shipments",)}


def test_grade_and_outcome_of_a_line_make_one_inspection() -> None:
    item = FULL.items[0].model_copy(update={"grade": "A", "outcome": "restock"})

    (inspected,) = step(items=(item, *FULL.items[1:]))

    assert inspected.type.name == "item.inspected"
    assert inspected.part == {"item": item}
    assert inspected.before == {"/items/0/grade": None, "/items/0/outcome": None}


def test_a_withdrawn_grade_is_an_update_and_no_inspection() -> None:
    graded = FULL.items[0].model_copy(update={"grade": "A", "outcome": "restock"})
    before = FULL.model_copy(update={"items": (graded,)})
    withdrawn = graded.model_copy(update={"grade": None})

    (updated,) = diff(before, FULL.model_copy(update={"items": (withdrawn,)}))

    assert updated.part == {"changed": ("/items/0/grade",)}


def test_a_line_that_comes_graded_is_inspected_and_an_update() -> None:
    new = FULL.items[0].model_copy(update={"id": "new", "outcome": "restock"})

    drafts = step(items=(*FULL.items, new))

    assert names(drafts) == ["item.inspected", "return.updated"]
    assert [draft.before for draft in drafts] == [{"/items/3": None}] * 2


def test_another_field_of_a_line_is_an_update() -> None:
    item = FULL.items[1].model_copy(update={"quantity": 5, "grade": "B"})

    drafts = step(items=(FULL.items[0], item, FULL.items[2]))

    assert names(drafts) == ["item.inspected", "return.updated"]
    assert drafts[1].before == {"/items/1/quantity": 2}


def test_only_notes_not_seen_before_are_told() -> None:
    new = Note(text="late", image_url="https://example.com/1.png")

    drafts = step(notes=(new, *FULL.notes, FULL.notes[0]))

    assert names(drafts) == ["note.added", "note.added"]
    assert [draft.part["note"] for draft in drafts] == [new, FULL.notes[0]]


# ----------------------------------------------------------------------- money


def test_a_pending_refund_is_an_update_and_no_refund_event() -> None:
    assert names(step(refunds=(*FULL.refunds, refund("pending")))) == ["return.updated"]


@pytest.mark.parametrize("state", ["issued", "failed"])
def test_a_refund_is_told_when_it_becomes_so(state: str) -> None:
    pending = FULL.model_copy(update={"refunds": (refund("pending"),)})
    after = FULL.model_copy(update={"refunds": (refund(state),)})

    (told,) = diff(pending, after)

    assert told.type.name == f"refund.{state}"
    assert told.before == {"/refunds/0/state": "pending"}
    assert diff(after, after) == ()


def test_a_refund_is_not_told_twice_after_a_reopening() -> None:
    issued = FULL.model_copy(update={"refunds": (refund("issued"),)})
    pending = FULL.model_copy(update={"refunds": (refund("pending"),)})
    announced = frozenset(paid(issued))

    assert names(diff(issued, pending, announced=announced)) == ["return.updated"]
    (again,) = diff(pending, issued, announced=announced)
    assert again.part == {"changed": ("/refunds/0/state",)}


def test_a_changed_amount_of_an_issued_refund_is_an_update() -> None:
    before = FULL.model_copy(update={"refunds": (refund("issued"),)})
    after = FULL.model_copy(update={"refunds": (refund("issued", "25.00"),)})

    (updated,) = diff(before, after)

    assert updated.before == {"/refunds/0/amount/amount": "19.08"}


def test_a_changed_amount_of_a_failed_refund_is_an_update() -> None:
    before = FULL.model_copy(update={"refunds": (refund("failed"),)})
    after = FULL.model_copy(update={"refunds": (refund("failed", "25.00"),)})

    assert names(diff(before, after)) == ["return.updated"]


def test_a_second_failure_of_a_refund_is_told() -> None:
    pending = FULL.model_copy(update={"refunds": (refund("pending"),)})
    failed = FULL.model_copy(update={"refunds": (refund("failed"),)})

    assert names(diff(pending, failed, announced=frozenset())) == ["refund.failed"]


def test_only_new_credits_are_told() -> None:
    one = FULL.model_copy(update={"credits": (Credit(id="c-1"),)})
    two = FULL.model_copy(update={"credits": (Credit(id="c-1"), Credit(id="c-2"))})

    (told,) = diff(one, two)

    assert told.part == {"credit": Credit(id="c-2")}


def test_an_exchange_is_told_once_its_order_is_known() -> None:
    assert FULL.exchange is not None
    ordered = FULL.exchange.model_copy(update={"order_id": "x-1", "item_count": 2})

    drafts = step(exchange=ordered)

    assert names(drafts) == ["exchange.ordered", "return.updated"]
    assert drafts[0].before == {"/exchange/order_id": None}
    assert drafts[1].before == {"/exchange/item_count": 1}


def test_an_exchange_that_comes_ordered_is_told_whole() -> None:
    without = FULL.model_copy(update={"exchange": None})
    ordered = FULL.model_copy(update={"exchange": Exchange(order_id="x-1")})

    (told,) = diff(without, ordered)

    assert (told.type.name, told.before) == ("exchange.ordered", {"/exchange": None})


def test_fees_are_collected_when_the_return_closes() -> None:
    drafts = step(state=State.CLOSED)

    assert names(drafts) == ["return.closed", "fee.collected", "fee.collected"]
    assert [draft.part["fee"] for draft in drafts[1:]] == [money("2.20"), money("4.95")]


@pytest.mark.parametrize("state", sorted(set(State) - {State.CLOSED}))
def test_no_fee_is_collected_in_another_state(state: State) -> None:
    assert not paid(FULL.model_copy(update={"state": state}))


@pytest.mark.parametrize(
    "totals",
    [None, Totals(), Totals(charge=money("0.00"), shipping_fee=money("-1.00"))],
    ids=["none", "unsaid", "nothing"],
)
def test_no_fee_is_collected_where_none_is_due(totals: Totals | None) -> None:
    assert not paid(FULL.model_copy(update={"state": State.CLOSED, "totals": totals}))


def test_everything_at_once_comes_in_the_documented_order() -> None:
    closed = FULL.model_copy(update={"state": State.REJECTED, "totals": None})
    graded = FULL.items[0].model_copy(update={"grade": "A"})
    shipped = Shipment(key="new", state=ShipmentState.IN_TRANSIT)
    after = FULL.model_copy(
        update={
            "items": (graded, *FULL.items[1:]),
            "shipments": (*FULL.shipments, shipped),
            "refunds": (refund("issued"), refund("failed", key="r-2")),
            "credits": (Credit(id="c-1"),),
            "notes": (*FULL.notes, Note(text="late")),
            "number": "#other",
        }
    )

    assert names(diff(closed, after)) == [
        "return.reopened",
        "return.approved",
        "shipment.created",
        "item.inspected",
        "refund.failed",
        "refund.issued",
        "credit.issued",
        "note.added",
        "return.updated",
    ]
