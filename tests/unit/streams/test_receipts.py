import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import UnreadableError
from bridge.streams.receipts import (
    Answer,
    Attempt,
    Pad,
    Receipt,
    Sheet,
    decode_sheet,
    encode_sheet,
)

NOW = datetime(2026, 11, 21, 3, 30, 0, 120_000, tzinfo=UTC)


def receipt(sequence: int, *, reason: str = "") -> Receipt:
    attempts = (
        Attempt(NOW, NOW + timedelta(milliseconds=5), "failed", "http_500"),
        Attempt(NOW + timedelta(seconds=1), NOW + timedelta(seconds=2), "delivered"),
        Attempt(NOW, NOW, "failed", reason),
    )
    return Receipt(
        id=f"id-{sequence}",
        subject="redo/shop/Zoë",
        sequence=sequence,
        chain="c" * 32,
        type="return.created",
        outcome="delivered",
        attempts=attempts,
        finished_at=NOW,
    )


def sheet(*receipts: Receipt) -> Sheet:
    return Sheet("worker-1", "wms", 7, receipts)


def test_a_sheet_comes_back_as_it_went() -> None:
    written = sheet(receipt(1), receipt(2))

    values = encode_sheet(written)

    assert [decode_sheet(value) for value in values] == [written]


def test_no_receipts_make_no_record() -> None:
    assert encode_sheet(sheet()) == []


def test_a_long_sheet_is_split_below_the_limit_and_keeps_its_order() -> None:
    written = sheet(*(receipt(number) for number in range(1, 101)))

    values = encode_sheet(written, limit=2_000)

    parts = [decode_sheet(value) for value in values]
    assert all(len(value) <= 2_000 for value in values)
    assert len(parts) < 40
    assert {(part.worker, part.target, part.partition) for part in parts} == {
        ("worker-1", "wms", 7)
    }
    assert sum((part.receipts for part in parts), ()) == written.receipts


def test_sheets_are_filled_up_to_the_very_limit() -> None:
    whole = encode_sheet(sheet(receipt(1), receipt(2)))[0]

    assert len(encode_sheet(sheet(receipt(1), receipt(2)), limit=len(whole))) == 1
    assert len(encode_sheet(sheet(receipt(1), receipt(2)), limit=len(whole) - 1)) == 2


def test_receipts_that_wait_take_little_more_than_their_bytes() -> None:
    pad = Pad(worker="worker-1", target="wms", partition=7)
    tracemalloc.start()
    try:
        for number in range(200):
            pad.receipt(receipt(number))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < 1.3 * sum(map(len, pad.tear_off()))


def test_a_receipt_above_the_limit_stands_alone() -> None:
    written = sheet(receipt(1), receipt(2, reason="x" * 3_000), receipt(3))

    parts = [decode_sheet(value) for value in encode_sheet(written, limit=2_000)]

    assert [[entry.sequence for entry in part.receipts] for part in parts] == [
        [1],
        [2],
        [3],
    ]


@pytest.mark.parametrize(
    "value", [b"\xff", b"[]", b"{}", b'{"worker":1,"target":"t","partition":"x"}']
)
def test_other_records_are_no_sheets(value: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode_sheet(value)

    assert caught.value.reason == "not_a_sheet"


def test_answers_to_instructions_come_back_as_they_went() -> None:
    applied = Answer("1", "retry", "redo/shop/1", 3, True, "", NOW, "ada")  # noqa: FBT003
    refused = replace(applied, action="pause", sequence=None, applied=False, why="no")
    written = replace(sheet(receipt(1)), answers=(applied, refused))

    answers, receipts = (decode_sheet(value) for value in encode_sheet(written))

    assert answers.answers == (applied, refused)
    assert receipts.receipts == written.receipts


def test_a_receipt_of_an_older_writer_counts_its_attempts() -> None:
    (value,) = encode_sheet(sheet(replace(receipt(1), tried=7, edited=True)))
    older = value.replace(b',"tried":7,"edited":true', b"")

    (read,) = decode_sheet(older).receipts

    assert decode_sheet(value).receipts[0].edited
    assert (read.tried, read.edited) == (3, False)
