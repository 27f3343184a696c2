"""The checker's second account: parked, dead, discarded and edited events."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.envelope import Cause, Event, chain_start, seal
from bridge.deadletters.parked import Death, Kind, ParkedEvent, State, Trouble
from bridge.inspection import findings
from bridge.inspection.findings import Report, TargetReport
from bridge.inspection.verify import Checker
from bridge.streams.receipts import DEAD, Answer, Attempt, Receipt, Sheet

START = datetime(2026, 11, 21, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SUBJECT = "redo/shop/1"
TRIED = Trouble(tried=1, last_outcome="failed")
DEATH = Death("http_422", "", "refused", START)


def history(count: int, subject: str = SUBJECT) -> list[Event]:
    bodies = [("return.updated", f"[{number}]".encode()) for number in range(count)]
    cause = Cause("/redo/shop", START, "delivery-1")
    return seal(subject, 0, chain_start(subject), cause, bodies)


def receipt(event: Event, outcome: str = "delivered", *, edited: bool = False) -> Sheet:
    began = START + event.sequence * SECOND
    entry = Receipt(
        event.id,
        event.subject,
        event.sequence,
        event.chain,
        event.type,
        outcome,
        (Attempt(began, began + SECOND, outcome),),
        began + SECOND,
        edited=edited,
    )
    return Sheet("worker-1", "wms", 0, (entry,))


def kept(
    event: Event,
    kind: Kind = "parked",
    trouble: Trouble = TRIED,
    death: Death | None = None,
) -> ParkedEvent:
    number = event.sequence
    state = State(kind, event.subject, number, number, 0, START, trouble, death)
    return ParkedEvent(event.id, state, event.body)


def answer(
    action: str, sequence: int | None, *, applied: bool = True, partition: int = 0
) -> Sheet:
    told = Answer(f"i-{action}", action, SUBJECT, sequence, applied, "", START, "ada")
    return Sheet("worker-1", "wms", partition, (), (told,))


def check(
    events: Iterable[Event],
    *fed: ParkedEvent | Sheet,
    finished: frozenset[int] = frozenset(),
    paused: str | None = None,
    since: datetime | None = None,
) -> Report:
    """Feed one partition in the right order; offsets count from 1."""
    checker = Checker(["wms"])
    checker.progress("wms", finished.__contains__)
    if paused is not None:
        checker.paused("wms", paused)
    if since is not None:
        checker.receipts_since("wms", since)
    for each in fed:
        if isinstance(each, ParkedEvent):
            checker.parked("wms", each)
        else:
            checker.sheet("wms", each)
    for offset, event in enumerate(events, start=1):
        checker.event(event, START + SECOND, offset)
    return checker.report()


def told(report: Report) -> dict[findings.Kind, list[str]]:
    assert not report.history.findings
    return report.targets[0].findings.examples


def sums(target: TargetReport) -> int:
    """Add up what an event can be; it is exactly one of these."""
    done = target.delivered + target.skipped + target.discarded + target.given_up
    return done + target.waiting + target.held + target.unjudged


# ------------------------------------------------------------------ every event is one


def test_every_event_of_a_busy_target_is_exactly_one_of_all_that_it_can_be() -> None:
    ours = history(6)
    dead = history(3, "redo/shop/2")
    log = history(1, "redo/shop/3")

    report = check(
        [*ours, *dead, *log],
        kept(ours[4]),
        kept(ours[5], trouble=Trouble()),
        kept(dead[0], death=DEATH),
        answer("discard", 3),
        answer("edit", 4),
        receipt(ours[0]),
        receipt(ours[1], "skipped"),
        receipt(ours[2], DEAD),
        receipt(ours[2], "discarded"),
        receipt(ours[3], edited=True),
        receipt(dead[0], DEAD),
        finished=frozenset(range(1, 7)),
    )

    target = report.targets[0]
    assert report.ok
    assert (target.delivered, target.skipped, target.discarded) == (2, 1, 1)
    assert (target.waiting, target.held, target.given_up) == (3, 3, 0)
    assert (target.parked, target.edited) == (3, 1)
    assert target.waits == {"retry": 1, "behind": 3, "dead": 1, "due": 1}
    assert sums(target) == target.events == 10


def test_a_dead_event_that_nothing_waits_behind_is_given_up() -> None:
    events = history(2)

    report = check(events, receipt(events[0], DEAD), finished=frozenset({1}))

    target = report.targets[0]
    assert report.ok
    assert (target.given_up, target.waiting, target.held) == (1, 1, 0)


@pytest.mark.parametrize("paused", [SUBJECT, "*"])
def test_a_paused_lane_says_so_and_waits(paused: str) -> None:
    events = history(2)

    report = check(events, kept(events[0]), paused=paused)

    target = report.targets[0]
    assert report.ok
    assert target.waits == {"paused": 1, "behind": 1}
    assert target.waiting == 2


def test_a_dead_head_is_dead_also_while_its_subject_is_paused() -> None:
    events = history(1)

    report = check(events, kept(events[0], death=DEATH), paused=SUBJECT)

    assert report.targets[0].waits == {"dead": 1}


def test_reports_of_two_partitions_add_up() -> None:
    events = history(2)
    one = check(events, kept(events[0])).targets[0]

    both = one.plus(one)

    assert (both.events, both.parked) == (4, 2)
    assert both.waits == {"retry": 2, "behind": 2}


# ------------------------------------------------------------------ what must not be


def test_a_finished_event_without_receipt_that_is_not_parked_is_lost() -> None:
    events = history(2)

    report = check(events, receipt(events[0]), finished=frozenset({1, 2}))

    assert told(report) == {
        findings.Kind.LOST: [
            (
                "wms: event 2 of redo/shop/1, offset 2, is finished in the progress, "
                "without a receipt, and not parked"
            )
        ]
    }


def test_a_note_does_not_keep_an_event_that_left_the_log() -> None:
    events = history(1)

    report = check(events, kept(events[0], "note"), finished=frozenset({1}))

    assert findings.Kind.LOST in told(report)


def test_a_note_of_an_event_in_the_log_waits_there() -> None:
    events = history(1)

    report = check(events, kept(events[0], "note"))

    target = report.targets[0]
    assert report.ok
    assert (target.waiting, target.parked) == (1, 0)


def test_a_parked_event_that_a_later_one_passed_is_told() -> None:
    events = history(3)

    report = check(events, kept(events[1]), receipt(events[0]), receipt(events[2]))

    assert told(report) == {
        findings.Kind.PASSED: [
            "wms: event 2 of redo/shop/1 is parked, and event 3 has a receipt already"
        ]
    }


def test_a_finished_event_that_is_still_parked_is_told() -> None:
    events = history(1)

    report = check(events, kept(events[0]), receipt(events[0]))

    assert list(told(report)) == [findings.Kind.STALE]


def test_an_event_that_was_finished_after_the_parked_ones_were_read_is_not() -> None:
    events = history(1)
    checker = Checker(["wms"])
    checker.progress("wms", lambda _: True, START)
    checker.parked("wms", kept(events[0]))
    checker.sheet("wms", receipt(events[0]))
    checker.event(events[0], START, 1)

    assert checker.report().ok


def test_a_parked_event_that_the_topic_no_longer_holds_is_no_matter() -> None:
    assert check([], kept(history(1)[0])).ok


@pytest.mark.parametrize("applied", [True, False])
def test_a_discard_needs_an_instruction_that_was_applied(applied: bool) -> None:  # noqa: FBT001 # a column of the table
    events = history(1)

    report = check(
        events, answer("discard", 1, applied=applied), receipt(events[0], "discarded")
    )

    assert report.ok is applied
    assert sums(report.targets[0]) == 1


def test_an_edited_event_without_an_instruction_is_told() -> None:
    events = history(1)

    report = check(events, answer("retry", 1), receipt(events[0], edited=True))

    assert told(report) == {
        findings.Kind.UNEXPLAINED: [
            (
                "wms: event 1 of redo/shop/1 has a receipt of edit, and no instruction "
                "to edit it was applied"
            )
        ]
    }


def test_an_instruction_that_is_not_kept_any_more_explains_what_it_changed() -> None:
    events = history(1)

    report = check(events, receipt(events[0], edited=True), since=START)

    assert report.ok


def test_an_instruction_that_was_applied_twice_is_told() -> None:
    events = history(1)

    report = check(events, answer("retry", 1), answer("retry", 1))

    assert list(told(report)) == [findings.Kind.TWICE]


def test_a_pause_of_the_whole_target_is_applied_once_in_every_partition() -> None:
    report = check([], answer("pause", None), answer("pause", None, partition=1))

    assert report.ok


def test_a_refused_instruction_may_be_answered_again() -> None:
    refused = answer("retry", 1, applied=False)

    assert check([], refused, refused).ok


def test_an_outcome_of_a_newer_writer_counts_as_delivered() -> None:
    events = history(1)
    sheet = receipt(events[0])
    newer = replace(sheet.receipts[0], outcome="taken_over")

    report = check(events, replace(sheet, receipts=(newer,)))

    assert report.targets[0].delivered == 1


def test_without_the_progress_nothing_is_compared_with_it() -> None:
    events = history(2)
    checker = Checker(["wms"])
    checker.parked("wms", kept(events[0], death=DEATH))
    for offset, event in enumerate(events):
        checker.event(event, START, offset)

    report = checker.report()

    assert report.ok
    assert report.targets[0].held == 2
