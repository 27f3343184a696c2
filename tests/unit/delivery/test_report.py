"""What is written about deliveries: receipts on a sheet, dead letters, one log line."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bridge.deadletters.letter import from_headers
from bridge.delivery.lanes import Letter
from bridge.delivery.policy import Bury, tried
from bridge.delivery.report import Report, attempt_of, name_of, reason_of
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Failed,
    HttpAnswer,
    NotYet,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)
from bridge.streams.receipts import SHEET_LIMIT, Answer, decode_sheet
from bridge.streams.records import Record
from bridge.telemetry import events
from tests.support.clock import START
from tests.support.events import make_letter
from tests.unit.delivery.bench import TOPICS


def attempted(report: Report, letter: Letter, outcome: Outcome) -> None:
    """Report a conversation of a quarter of a second."""
    ended_at = START + timedelta(milliseconds=250)
    report.attempted(letter, attempt_of(outcome, START, ended_at), outcome)


@pytest.fixture
def report() -> Report:
    return Report(target="wms", worker="w1", topics=TOPICS)


@pytest.mark.parametrize(
    ("outcome", "name", "reason"),
    [
        (Delivered("201"), "delivered", ""),
        (AlreadyApplied("read back"), "already_applied", ""),
        (Throttled(), "throttled", ""),
        (Skipped("no_rule"), "skipped", "no_rule"),
        (Failed("http_500"), "failed", "http_500"),
        (NotYet("no_id"), "not_yet", "no_id"),
        (Refused("invalid", "sku"), "refused", "invalid"),
        (Unauthorized("http_401"), "unauthorized", "http_401"),
    ],
)
def test_each_outcome_has_a_word_and_a_stable_reason(
    outcome: Outcome, name: str, reason: str
) -> None:
    assert (name_of(outcome), reason_of(outcome)) == (name, reason)


def test_an_attempt_is_one_log_line_without_the_body(report: Report) -> None:
    letter = make_letter()

    with capture_logs() as lines:
        attempted(report, letter, Failed("http_500"))

    assert lines == [
        {
            "event": events.DELIVERY_ATTEMPTED,
            "log_level": "info",
            "module": "bridge.delivery",
            "event_id": letter.event.id,
            "type": "return.approved",
            "subject": "redo/shop/1",
            "target": "wms",
            "attempt": 1,
            "outcome": "failed",
            "reason": "http_500",
            "ms": 250.0,
        }
    ]


def test_what_a_target_does_not_act_on_is_no_line_for_people(report: Report) -> None:
    with capture_logs() as lines:
        attempted(report, make_letter(), Skipped("no_rule"))

    (line,) = lines
    assert (line["log_level"], line["outcome"]) == ("debug", "skipped")


def test_receipts_of_a_tick_travel_on_one_sheet(report: Report) -> None:
    for number in (1, 2, 3):
        letter = make_letter(sequence=number)
        attempted(report, letter, Delivered())
        report.finished(letter, START, "delivered")

    (outgoing,) = report.collect()

    sheet = decode_sheet(outgoing.value or b"")
    assert (outgoing.topic, outgoing.partition, outgoing.key) == (
        TOPICS.receipts,
        0,
        None,
    )
    assert (sheet.worker, sheet.target, sheet.partition) == ("w1", "wms", 0)
    assert [receipt.sequence for receipt in sheet.receipts] == [1, 2, 3]


def test_a_tick_without_news_writes_nothing(report: Report) -> None:
    assert report.collect() == []


def test_very_many_receipts_are_split_below_the_message_limit(report: Report) -> None:
    for number in range(5_000):
        report.finished(make_letter(sequence=number + 1), START, "delivered")

    sheets = [outgoing.value or b"" for outgoing in report.collect()]

    assert len(sheets) > 1
    assert max(map(len, sheets)) <= SHEET_LIMIT
    assert sum(len(decode_sheet(sheet).receipts) for sheet in sheets) == 5_000


def test_a_burial_writes_the_letter_and_a_receipt_that_says_dead(
    report: Report,
) -> None:
    letter = make_letter(offset=41)
    refused = Refused("invalid", "sku", HttpAnswer(422, "no such SKU"))
    for outcome in (Failed("http_500"), refused):
        attempted(report, letter, outcome)
        letter.trouble = tried(letter.trouble, letter.attempts[-1], outcome)

    report.buried(letter, Bury("invalid", "sku"), refused)
    dead, sheet = report.collect()

    written = from_headers(dict(dead.headers), dead.key, dead.value)
    assert (dead.topic, dead.key, dead.partition) == (TOPICS.dead, b"redo/shop/1", 0)
    assert (written.tries.count, written.tries.first_at) == (2, START)
    assert written.origin.offset == 41
    assert (written.cause, written.answer) == ("refused", refused.answer)
    (receipt,) = decode_sheet(sheet.value or b"").receipts
    assert (receipt.outcome, len(receipt.attempts)) == ("dead", 2)
    assert (receipt.tried, receipt.edited) == (2, False)


def test_what_became_of_an_instruction_stands_on_a_sheet(report: Report) -> None:
    applied = Answer("1", "retry", "redo/shop/1", 3, True, "", START, "ada")  # noqa: FBT003
    refused = replace(applied, instruction="2", applied=False, why="not_dead: no")

    with capture_logs() as lines:
        report.answered(applied)
        report.answered(refused)
    (sheet,) = report.collect()

    assert decode_sheet(sheet.value or b"").answers == (applied, refused)
    assert [(line["instruction"], line["applied"]) for line in lines] == [
        ("1", True),
        ("2", False),
    ]


def test_an_unreadable_record_is_kept_as_it_came(report: Report) -> None:
    record = Record("returns.events", 0, 7, 99, None, None, {"a": b"\xff"})

    report.unreadable(record, UnreadableError("shape", "$.x", "why"), START)
    (dead,) = report.collect()

    written = from_headers(dict(dead.headers), dead.key, dead.value)
    assert (dead.key, dead.value, written.headers["a"]) == (None, None, b"\xff")
    assert (written.reason, written.path, written.detail) == ("shape", "$.x", "why")
    assert written.about is None
