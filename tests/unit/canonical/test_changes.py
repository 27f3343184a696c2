"""Changed places: matched by identity, looked into only where they differ."""

from pathlib import Path

import pytest

from bridge.canonical.base import Money
from bridge.canonical.changes import Changes
from bridge.canonical.changes import changes as plain_changes
from bridge.canonical.model import (
    Note,
    Refund,
    Return,
    Tag,
)
from bridge.canonical.order import Order
from bridge.canonical.snapshot import Snapshot

FULL = Return.model_validate_json(
    (Path(__file__).parent / "full_return.json").read_bytes()
)


def changes(
    before: Return, after: Return, *, apart_from: frozenset[str] = frozenset()
) -> Changes:
    earlier, later = Snapshot(before).plain, Snapshot(after).plain
    return plain_changes(earlier, later, apart_from=apart_from)


def test_equal_values_have_no_changes() -> None:
    assert changes(FULL, FULL.model_copy(deep=True)) == {}


def test_a_nested_value_is_named_by_its_pointer_with_its_former_value() -> None:
    assert FULL.order is not None
    order = FULL.order.model_copy(
        update={"total": Money(amount="1.00", currency="USD")}
    )

    found = changes(FULL, FULL.model_copy(update={"order": order}))

    assert found == {"/order/total/amount": "196.10"}


def test_what_appears_has_null_before_and_what_goes_has_its_value() -> None:
    bare = FULL.model_copy(update={"order": None})

    assert changes(bare, FULL) == {"/order": None}
    assert FULL.order is not None
    assert changes(FULL, bare) == {"/order": FULL.order.model_dump(mode="json")}


def test_an_inserted_element_does_not_shift_those_behind_it() -> None:
    new = FULL.items[0].model_copy(update={"id": "new"})

    found = changes(FULL, FULL.model_copy(update={"items": (new, *FULL.items)}))

    assert found == {"/items/0": None}


def test_a_changed_element_is_found_by_identity_at_its_new_place() -> None:
    new = FULL.items[0].model_copy(update={"id": "new"})
    changed = FULL.items[1].model_copy(update={"quantity": 7})
    items = (new, FULL.items[0], changed, FULL.items[2])

    found = changes(FULL, FULL.model_copy(update={"items": items}))

    assert found == {"/items/0": None, "/items/2/quantity": 2}


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2), ()], ids=["moved", "lost", "all"])
def test_a_list_that_lost_or_moved_elements_is_named_whole(
    order: tuple[int, ...],
) -> None:
    items = tuple(FULL.items[index] for index in order)

    found = changes(FULL, FULL.model_copy(update={"items": items}))

    assert found == {"/items": [item.model_dump(mode="json") for item in FULL.items]}


def test_lists_without_identity_are_values() -> None:
    tags = (*FULL.tags, Tag(name="late"))

    found = changes(FULL, FULL.model_copy(update={"tags": tags}))

    assert found == {"/tags": [tag.model_dump(mode="json") for tag in FULL.tags]}


def test_a_list_of_plain_values_is_a_value_also_when_it_empties() -> None:
    assert changes(FULL, FULL.model_copy(update={"offered": ()})) == {
        "/offered": list(FULL.offered)
    }


def test_repeated_elements_are_told_apart_by_their_occurrence() -> None:
    once = FULL.model_copy(update={"notes": (Note(text="same"),)})
    twice = FULL.model_copy(update={"notes": (Note(text="same"), Note(text="same"))})

    assert changes(once, twice) == {"/notes/1": None}


def test_repeated_keys_compare_in_their_order() -> None:
    def refund(amount: str) -> Refund:
        money = Money(amount=amount, currency="USD")
        return Refund(key="same", amount=money, state="pending")

    before = FULL.model_copy(update={"refunds": (refund("1.00"), refund("2.00"))})
    after = FULL.model_copy(update={"refunds": (refund("1.00"), refund("3.00"))})

    assert changes(before, after) == {"/refunds/1/amount/amount": "2.00"}


def test_fields_set_apart_are_not_compared() -> None:
    later = FULL.model_copy(update={"number": "#2", "observed_at": FULL.created_at})

    found = changes(FULL, later, apart_from=frozenset({"observed_at"}))

    assert found == {"/number": "#FH-2001"}


def test_times_are_written_as_text() -> None:
    assert changes(FULL, FULL.model_copy(update={"created_at": None})) == {
        "/created_at": "2027-03-02T10:15:00Z"
    }


def test_a_whole_new_order_names_its_changed_lines() -> None:
    assert FULL.order is not None
    line = FULL.order.lines[0].model_copy(update={"quantity": "9"})
    order: Order = FULL.order.model_copy(
        update={"lines": (line, *FULL.order.lines[1:])}
    )

    found = changes(FULL, FULL.model_copy(update={"order": order}))

    assert found == {"/order/lines/0/quantity": "1"}
