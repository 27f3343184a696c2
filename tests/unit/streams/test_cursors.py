"""The records of cursors, orders and hints."""

from datetime import UTC, datetime

import pytest

from bridge.canonical.envelope import from_headers
from bridge.errors import UnreadableError
from bridge.platforms.contract import Hint
from bridge.platforms.cursor import Cursor, Order
from bridge.streams.cursors import (
    cursor_record,
    is_order,
    order_record,
    place_of,
    read_cursor,
    read_order,
    taken_on,
)
from bridge.streams.hints import HINT, reason_of, to_hint
from bridge.streams.records import Outgoing, Record

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ORDER = Order(id="o1", account="shop", kind="gap", since=NOW, until=NOW, issued_at=NOW)


def as_read(out: Outgoing) -> Record:
    return Record(out.topic, out.partition or 0, 0, 0, out.key, out.value)


def test_a_cursor_reads_back_and_is_kept_under_its_account() -> None:
    cursor = Cursor(platform="redo", marks={"updated": NOW})

    record = as_read(cursor_record("shop", cursor, "returns.cursors", 3))

    assert record.key == b"shop"
    assert not is_order(record)
    assert read_cursor(record) == cursor


def test_an_order_reads_back_and_is_put_away_under_its_own_key() -> None:
    record = as_read(order_record(ORDER, "returns.cursors", 3))
    tombstone = as_read(taken_on(ORDER, "returns.cursors", 3))

    assert is_order(record)
    assert read_order(record) == ORDER
    assert (tombstone.key, tombstone.value) == (record.key, None)


def test_what_is_neither_is_refused() -> None:
    odd = Record("returns.cursors", 0, 0, 0, b"shop", b"{}")

    with pytest.raises(UnreadableError, match="not_a_cursor"):
        read_cursor(odd)
    with pytest.raises(UnreadableError, match="not_an_order"):
        read_order(odd)


def test_an_account_has_one_partition_of_those_there_are() -> None:
    places = {place_of(f"account-{number}", 12) for number in range(200)}

    assert places == set(range(12))
    assert place_of("shop", 12) == place_of("shop", 12)


def test_a_hint_travels_as_an_event_without_a_number() -> None:
    hint = Hint("loop/shop/1", "webhook", "d1", NOW)

    record = to_hint(hint, "returns.hints")
    event = from_headers(dict(record.headers), record.value or b"")

    assert record.key == b"loop/shop/1"
    assert (event.type, event.sequence, event.subject) == (HINT, 0, "loop/shop/1")
    assert event.time == NOW
    assert reason_of(event) == "webhook"


def test_the_same_hint_has_the_same_id_and_another_has_not() -> None:
    hint = Hint("loop/shop/1", "webhook", "d1", NOW)
    other = Hint("loop/shop/1", "webhook", "d2", NOW)

    ids = [dict(to_hint(each, "t").headers)["ce_id"] for each in (hint, hint, other)]

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"reason": 7}'])
def test_a_body_of_another_kind_tells_no_reason(body: bytes) -> None:
    record = to_hint(Hint("loop/shop/1", "webhook", "d1", NOW), "returns.hints")

    assert reason_of(from_headers(dict(record.headers), body)) == ""
