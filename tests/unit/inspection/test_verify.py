"""The checker finds each violation when it is planted, and nothing where none is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.canonical.envelope import Cause, Event, chain_start, seal
from bridge.inspection.findings import Kind, Report, total
from bridge.inspection.verify import Checker
from bridge.streams.receipts import DEAD, Answer, Attempt, Receipt, Sheet

START = datetime(2026, 11, 21, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SUBJECT = "redo/shop/1"


def history(count: int, subject: str = SUBJECT) -> list[Event]:
    bodies = [("return.updated", f"[{number}]".encode()) for number in range(count)]
    cause = Cause("/redo/shop", START, "delivery-1")
    return seal(subject, 0, chain_start(subject), cause, bodies)


def receipt(event: Event, outcome: str = "delivered", *, at: int = 0) -> Receipt:
    """Make a receipt whose one call took a second, `at` seconds (or its number)."""
    began = START + (at or event.sequence) * SECOND
    attempt = Attempt(began, began + SECOND, outcome)
    return Receipt(
        event.id,
        event.subject,
        event.sequence,
        event.chain,
        event.type,
        outcome,
        (attempt,),
        attempt.ended_at,
    )


def answered(
    action: str, sequence: int, *, applied: bool = True, instruction: str = "i-1"
) -> Sheet:
    """Make a sheet that answers one instruction."""
    answer = Answer(
        instruction, action, SUBJECT, sequence, applied, "", START, "ada@desk"
    )
    return Sheet("worker-1", "wms", 0, (), (answer,))


def check(
    events: list[Event],
    receipts: list[Receipt],
    dead: tuple[int, ...] = (),
    checker: Checker | None = None,
) -> Report:
    """Feed one partition; every receipt on a sheet of its own."""
    checker = checker or Checker(["wms"])
    for entry in receipts:
        checker.sheet("wms", Sheet("worker-1", "wms", 0, (entry,)))
    for sequence in dead:
        checker.dead("wms", SUBJECT, sequence)
    for event in events:
        checker.event(event, event.time)
    return checker.report()


def violations(report: Report) -> dict[Kind, int]:
    return report.history.findings.counts | report.targets[0].findings.counts


# ------------------------------------------------------------------ nothing wrong


@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    done=st.lists(st.integers(0, 5), min_size=5, max_size=5),
)
def test_any_prefix_of_any_histories_in_order_is_sound(
    lengths: list[int], done: list[int]
) -> None:
    histories = [history(n, f"redo/shop/{i}") for i, n in enumerate(lengths)]
    receipts = [
        receipt(event)
        for events, count in zip(histories, done, strict=False)
        for event in events[:count]
    ]

    report = check([event for events in histories for event in events], receipts)

    target = report.targets[0]
    assert report.ok
    assert target.delivered == len(receipts)
    assert target.delivered + target.waiting == target.events == sum(lengths)
    assert report.settled == (target.waiting == 0)
    assert report.history.subjects == target.subjects == len(lengths)


def test_a_receipt_without_attempts_is_sound() -> None:
    events = history(2)
    skipped = replace(receipt(events[0], "skipped"), attempts=())

    report = check(events, [skipped, receipt(events[1])])

    assert report.ok


def test_a_second_try_after_the_first_is_sound() -> None:
    events = history(1)
    once = receipt(events[0], at=1)
    later = receipt(events[0], at=5)
    tried = replace(later, attempts=once.attempts + later.attempts)

    assert check(events, [tried]).ok


# ---------------------------------------------------------------------- the events


def test_an_event_missing_from_the_topic_is_a_sequence_gap() -> None:
    events = history(4)

    report = check([events[0], events[2], events[3]], [])

    assert violations(report) == {Kind.SEQUENCE_GAP: 1}
    assert report.history.findings.examples[Kind.SEQUENCE_GAP] == [
        "event 3 of redo/shop/1 comes right after number 1"
    ]


def test_a_history_without_its_beginning_is_a_sequence_gap() -> None:
    report = check(history(3)[1:], [])

    assert violations(report) == {Kind.SEQUENCE_GAP: 1}


def test_an_event_that_comes_twice_is_a_duplicate_and_owes_one_receipt() -> None:
    events = history(2)

    report = check([*events, events[0]], [receipt(event) for event in events])

    assert violations(report) == {Kind.DUPLICATE: 1}
    assert report.targets[0].events == 2


def test_an_altered_body_breaks_the_chain() -> None:
    events = history(3)
    events[1] = replace(events[1], body=b"[9]")

    report = check(events, [])

    assert violations(report) == {Kind.CHAIN: 1}


def test_an_altered_first_event_breaks_the_chain() -> None:
    events = history(2)
    events[0] = replace(events[0], type="return.created")

    assert violations(check(events, [])) == {Kind.CHAIN: 1}


def test_an_event_under_a_foreign_id_is_an_id_mismatch() -> None:
    events = history(2)
    events[1] = replace(events[1], id=events[0].id)

    report = check(events, [])

    assert report.history.findings.counts[Kind.ID] == 1


def test_a_foreign_record_is_told_and_disturbs_nothing() -> None:
    checker = Checker(["wms"])
    checker.foreign("returns.events, partition 0, offset 7: no canonical event")

    report = check(history(2), [], checker=checker)

    assert violations(report) == {Kind.FOREIGN: 1}
    assert report.history.events == 2


# -------------------------------------------------------------------- the receipts


def test_an_event_passed_over_is_a_gap() -> None:
    events = history(4)

    report = check(events, [receipt(events[0]), receipt(events[3])])

    assert violations(report) == {Kind.GAP: 2}
    assert report.targets[0].findings.examples[Kind.GAP] == [
        "wms: no receipt of event 2 of redo/shop/1",
        "wms: no receipt of event 3 of redo/shop/1",
    ]


def test_the_first_event_passed_over_is_a_gap() -> None:
    events = history(2)

    assert violations(check(events, [receipt(events[1])])) == {Kind.GAP: 1}


def test_a_gap_of_a_mutilated_topic_does_not_fill_the_memory() -> None:
    events = history(1)
    far = replace(receipt(events[0]), sequence=10**12)

    report = check(events, [receipt(events[0]), far])

    assert report.targets[0].findings.counts[Kind.GAP] == 10_000
    assert len(report.targets[0].findings.examples[Kind.GAP]) == 10


def test_a_receipt_after_a_greater_one_is_an_inversion_and_no_gap() -> None:
    one, two, three = history(3)
    order = [receipt(one, at=1), receipt(three, at=2), receipt(two, at=3)]

    report = check([one, two, three], order)

    assert violations(report) == {Kind.INVERSION: 1}


def test_an_inversion_at_the_very_beginning_is_found() -> None:
    events = history(4)
    order = [receipt(events[3], at=1), receipt(events[1], at=2)]

    report = check(events, order)

    assert violations(report) == {Kind.INVERSION: 1, Kind.GAP: 2}


def test_a_receipt_that_comes_twice_is_a_repeated_effect() -> None:
    events = history(1)

    report = check(events, [receipt(events[0], at=1), receipt(events[0], at=3)])

    assert violations(report) == {Kind.REPEAT: 1}
    assert report.targets[0].delivered == 1


def test_a_call_that_begins_before_the_last_one_ended_is_an_overlap() -> None:
    one, two = history(2)

    report = check([one, two], [receipt(one, at=5), receipt(two, at=5)])

    assert violations(report) == {Kind.OVERLAP: 1}


def test_calls_of_two_subjects_may_overlap() -> None:
    ours, theirs = history(1)[0], history(1, "redo/shop/2")[0]

    report = check([ours, theirs], [receipt(ours, at=5), receipt(theirs, at=5)])

    assert report.ok


def test_two_tries_of_one_event_at_once_are_an_overlap() -> None:
    events = history(1)
    single = receipt(events[0])
    tried = replace(single, attempts=single.attempts * 2)

    assert violations(check(events, [tried])) == {Kind.OVERLAP: 1}


@pytest.mark.parametrize(("skew", "ok"), [(0, False), (2, True)])
def test_clocks_of_two_workers_may_differ_by_the_skew(skew: int, ok: bool) -> None:  # noqa: FBT001 # a column of the table
    one, two = history(2)
    checker = Checker(["wms"], skew=timedelta(seconds=skew))
    checker.sheet("wms", Sheet("worker-1", "wms", 0, (receipt(one, at=5),)))
    checker.sheet("wms", Sheet("worker-2", "wms", 0, (receipt(two, at=5),)))

    report = check([one, two], [], checker=checker)

    assert report.ok is ok


def test_a_receipt_under_a_foreign_id_is_an_id_mismatch() -> None:
    events = history(1)

    report = check(events, [replace(receipt(events[0]), id="id-1")])

    assert violations(report) == {Kind.ID: 1}


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_receipt_of_another_chain_is_found_wherever_it_stands(wrong: int) -> None:
    events = history(3)
    receipts = [receipt(event) for event in events]
    receipts[wrong] = replace(receipts[wrong], chain="0" * 32)

    report = check(events, receipts)

    assert violations(report) == {Kind.CHAIN: 1}
    assert report.targets[0].findings.examples[Kind.CHAIN] == [
        "wms: receipts 1 to 3 of redo/shop/1 do not carry the chain of its events"
    ]


def test_a_receipt_beyond_the_last_event_is_a_phantom() -> None:
    events = history(2)

    report = check(events[:1], [receipt(event) for event in events])

    assert violations(report) == {Kind.PHANTOM: 1}


def test_a_receipt_of_an_unknown_subject_is_a_phantom() -> None:
    assert violations(check([], [receipt(history(1)[0])])) == {Kind.PHANTOM: 1}


def test_ten_examples_of_a_kind_are_kept_and_all_are_counted() -> None:
    events = history(30)

    report = check(events[::2], [])

    findings = report.history.findings
    assert findings.counts[Kind.SEQUENCE_GAP] == 14
    assert len(findings.examples[Kind.SEQUENCE_GAP]) == 10


# ---------------------------------------------------------------- what was given up


def test_a_dead_letter_at_the_head_holds_what_comes_after() -> None:
    events = history(4)

    report = check(events, [receipt(events[0])], dead=(2,))

    target = report.targets[0]
    assert report.ok
    assert (target.delivered, target.held, target.waiting) == (1, 3, 0)


def test_a_receipt_that_says_dead_holds_what_comes_after() -> None:
    events = history(4)

    report = check(events, [receipt(events[0]), receipt(events[1], DEAD)], dead=(2,))

    target = report.targets[0]
    assert report.ok
    assert (target.delivered, target.given_up, target.held) == (1, 1, 2)


def test_a_dead_event_that_was_skipped_is_no_gap() -> None:
    events = history(4)

    report = check(events, [receipt(events[0]), receipt(events[2])], dead=(2, 4))

    target = report.targets[0]
    assert report.ok
    assert (target.delivered, target.given_up, target.held) == (2, 1, 1)


def test_a_dead_first_event_that_was_skipped_is_no_gap() -> None:
    events = history(2)

    report = check(events, [receipt(events[1])], dead=(1,))

    assert report.ok
    assert report.targets[0].given_up == 1


def test_a_retry_of_the_dead_head_settles_it() -> None:
    one, two = history(2)
    order = [
        receipt(one, DEAD, at=1),
        receipt(one, DEAD, at=3),
        receipt(one, at=5),
        receipt(two, at=7),
    ]

    report = check([one, two], order, dead=(1, 1))

    target = report.targets[0]
    assert report.ok
    assert (target.delivered, target.given_up) == (2, 0)


def test_a_receipt_may_tell_the_attempts_before_its_events_death_once_more() -> None:
    one = history(1)[0]
    dead, done = receipt(one, DEAD, at=1), receipt(one, at=5)
    whole = replace(done, attempts=dead.attempts + done.attempts)

    assert check([one], [dead, whole]).ok


def test_a_retry_after_later_events_have_passed_is_an_inversion() -> None:
    one, two = history(2)
    order = [receipt(one, DEAD, at=1), receipt(two, at=3), receipt(one, at=5)]

    assert violations(check([one, two], order)) == {Kind.INVERSION: 1}


def test_a_discard_after_later_events_have_passed_is_none() -> None:
    one, two = history(2)
    order = [
        receipt(one, DEAD, at=1),
        receipt(two, at=3),
        receipt(one, "discarded", at=5),
    ]
    checker = Checker(["wms"])
    checker.sheet("wms", answered("discard", 1))

    assert check([one, two], order, checker=checker).ok


# ------------------------------------------------------------- beginning in the middle


def test_a_history_may_begin_in_the_middle_when_the_rest_was_not_read() -> None:
    events = history(5)
    checker = Checker(["wms"], whole=False)
    checker.receipts_since("wms", START)

    report = check(events[2:], [receipt(event) for event in events], checker=checker)

    assert report.ok
    assert report.targets[0].waiting == 0


def test_without_its_beginning_the_last_chain_is_still_compared() -> None:
    events = history(5)
    receipts = [receipt(event) for event in events]
    receipts[4] = replace(receipts[4], chain="0" * 32)

    report = check(events[2:], receipts, checker=Checker(["wms"], whole=False))

    assert violations(report) == {Kind.CHAIN: 1}


def test_receipts_of_subjects_further_back_are_left_alone() -> None:
    report = check([], [receipt(history(1)[0])], checker=Checker(["wms"], whole=False))

    assert report.ok


def test_events_older_than_the_receipts_are_not_judged() -> None:
    events, untouched = history(3), history(2, "redo/shop/2")
    checker = Checker(["wms"])
    checker.receipts_since("wms", START + SECOND)

    report = check([*events, *untouched], [receipt(events[2])], checker=checker)

    target = report.targets[0]
    assert report.ok
    assert (target.delivered, target.unjudged, target.waiting) == (1, 4, 0)


def test_reports_of_partitions_add_up() -> None:
    events = history(24)
    one = check(events[::2], [receipt(events[0])])
    two = check(history(3, "redo/shop/2"), [])

    both = total([two, one, two], ["wms"])

    assert not both.ok
    assert both.history.events == 12 + 3 + 3
    assert both.targets[0].waiting == one.targets[0].waiting + 6
    assert both.history.findings == one.history.findings
    assert two.ok
