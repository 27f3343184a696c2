"""Hints at a fetch target: each is finished once, and what is wrong is told."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.envelope import Event, from_headers
from bridge.deadletters.parked import Death, Kind, ParkedEvent, State, Trouble
from bridge.deadletters.standing import WaitReason
from bridge.inspection import findings
from bridge.inspection.findings import TargetReport
from bridge.inspection.verify import Checker
from bridge.platforms.contract import Hint
from bridge.streams.hints import to_hint
from bridge.streams.receipts import DEAD, DISCARDED, Attempt, Receipt, Sheet

START = datetime(2026, 11, 21, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SUBJECT = "returngo/shop/1"
DEATH = Death("no_such_return", "", "never_came", START)


def hint(number: int, subject: str = SUBJECT) -> Event:
    record = to_hint(Hint(subject, "webhook", f"d-{number}", START), "returns.hints")
    return from_headers(dict(record.headers), record.value or b"")


def receipt(
    event: Event, outcome: str = "delivered", at: int = 1, *, took: float = 0.5
) -> Receipt:
    began = START + at * SECOND
    attempt = Attempt(began, began + took * SECOND, outcome)
    return Receipt(
        event.id,
        event.subject,
        0,
        "",
        event.type,
        outcome,
        (attempt,),
        attempt.ended_at,
    )


def parked(
    event: Event, offset: int, death: Death | None = None, kind: Kind = "parked"
) -> ParkedEvent:
    trouble = Trouble(tried=1, last_outcome="failed")
    state = State(kind, event.subject, 0, offset, 0, START, trouble, death)
    return ParkedEvent(event.id, state)


class Reading:
    """Feeds one fetch target: offsets are the places in `hints`."""

    def __init__(self, finished: int = 0, *kept: ParkedEvent) -> None:
        self.checker = Checker((), fetching=("fetch",))
        read_at = START + timedelta(minutes=1)
        self.checker.progress("fetch", lambda offset: offset < finished, read_at)
        for each in kept:
            self.checker.parked("fetch", each)

    def report(
        self, hints: list[Event], *receipts: Receipt, worker: str = "worker-1"
    ) -> TargetReport:
        for number, each in enumerate(receipts):
            name = worker if number else "worker-1"
            self.checker.sheet("fetch", Sheet(name, "fetch", 0, (each,)))
        for offset, event in enumerate(hints):
            self.checker.hint("fetch", event, START, offset)
        return self.checker.report().targets[0]


def told(report: TargetReport) -> dict[findings.Kind, int]:
    return report.findings.counts


def test_each_hint_is_exactly_one_of_what_it_may_come_to() -> None:
    hints = [hint(number) for number in range(5)]

    report = Reading(4).report(
        hints,
        receipt(hints[0], at=1),
        receipt(hints[1], "already_applied", at=2),
        receipt(hints[2], "skipped", at=3),
        receipt(hints[3], DEAD, at=4),
    )

    assert (report.events, report.subjects) == (5, 1)
    assert (report.delivered, report.collapsed, report.skipped) == (1, 1, 1)
    assert (report.given_up, report.waiting) == (1, 1)
    assert report.waits == {"due": 1}
    assert not told(report)


def test_what_is_finished_without_a_receipt_and_not_parked_is_lost() -> None:
    report = Reading(1).report([hint(1), hint(2)])

    assert told(report) == {findings.Kind.LOST: 1}
    (sentence,) = report.findings.examples[findings.Kind.LOST]
    assert f"hint {hint(1).id} of {SUBJECT}, offset 0" in sentence
    assert report.waiting == 1


def test_a_note_keeps_nothing() -> None:
    noted = parked(hint(1), 0, kind="note")

    assert told(Reading(1, noted).report([hint(1)])) == {findings.Kind.LOST: 1}
    assert Reading(0, noted).report([hint(1)]).waits == {WaitReason.RETRY: 1}


def test_a_parked_lane_waits_for_what_its_first_hint_waits_for() -> None:
    first, second = hint(1), hint(2)

    report = Reading(2, parked(second, 1), parked(first, 0)).report([first, second])

    assert (report.waiting, report.parked, report.held) == (2, 2, 0)
    assert report.waits == {WaitReason.RETRY: 1, WaitReason.BEHIND: 1}


def test_hints_behind_a_dead_one_are_held() -> None:
    first, second = hint(1), hint(2)
    kept = (parked(first, 0, DEATH), parked(second, 1))

    report = Reading(2, *kept).report([first, second], receipt(first, DEAD))

    assert (report.held, report.waiting, report.given_up) == (2, 0, 0)


def test_a_paused_lane_waits_for_that() -> None:
    reading = Reading()
    reading.checker.paused("fetch", SUBJECT)

    assert reading.report([hint(1)]).waits == {WaitReason.PAUSED: 1}


def test_what_is_parked_is_told_though_the_log_has_forgotten_it() -> None:
    report = Reading(1, parked(hint(1), 0, DEATH)).report([])

    assert (report.events, report.held, report.subjects) == (1, 1, 1)


def test_one_receipt_too_many_is_a_repeat() -> None:
    event = hint(1)

    report = Reading(1).report([event], receipt(event), receipt(event, at=2))

    assert told(report) == {findings.Kind.REPEAT: 1}


def test_a_hint_that_was_written_twice_has_two_receipts() -> None:
    event = hint(1)

    report = Reading(2).report(
        [event, event], receipt(event), receipt(event, "already_applied", at=2)
    )

    assert (report.events, report.delivered, report.collapsed) == (2, 1, 1)
    assert not told(report)


def test_a_death_and_the_retry_after_it_are_no_repeat() -> None:
    event = hint(1)
    dead, again = receipt(event, DEAD), receipt(event, at=9)
    both = Receipt(
        **{
            name: getattr(again, name)
            for name in ("id", "subject", "sequence", "chain", "type", "outcome")
        },
        attempts=(*dead.attempts, *again.attempts),
        finished_at=again.finished_at,
    )

    report = Reading(1).report([event], dead, both)

    assert (report.delivered, report.given_up) == (1, 0)
    assert not told(report)


@pytest.mark.parametrize(("at", "stale"), [(1, 1), (90, 0)])
def test_what_was_finished_before_parked_ones_were_read_must_not_be_parked(
    at: int, stale: int
) -> None:
    event = hint(1)

    report = Reading(1, parked(event, 0)).report([event], receipt(event, at=at))

    assert told(report).get(findings.Kind.STALE, 0) == stale


def test_two_conversations_about_one_return_at_a_time_are_told() -> None:
    first, second = hint(1), hint(2)
    receipts = receipt(first, at=1, took=2), receipt(second, at=2)

    report = Reading(2).report([first, second], *receipts, worker="worker-2")

    assert told(report) == {findings.Kind.OVERLAP: 1}


def test_what_is_older_than_the_receipts_is_not_judged() -> None:
    reading = Reading(1)
    reading.checker.receipts_since("fetch", START + SECOND)

    report = reading.report([hint(1)])

    assert (report.unjudged, report.waiting) == (1, 0)
    assert not told(report)


def test_a_hint_discarded_without_an_instruction_is_told() -> None:
    event = hint(1)

    report = Reading(1).report([event], receipt(event, DISCARDED))

    assert report.discarded == 1
    assert told(report) == {findings.Kind.UNEXPLAINED: 1}
