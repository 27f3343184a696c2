from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.calls import Call, CallLog, read_calls
from bridge.sandbox.checker import check_calls

BASE = Call(
    server="warehouse",
    method="POST",
    path="/hooks/returns",
    subject="redo/demo/1",
    reference="redo.demo.1-1",
    key="a",
    revision=1,
    status=202,
    effect=1,
    answered=True,
    fault=None,
    started=0.0,
    ended=1.0,
    started_at=datetime(2026, 11, 21, tzinfo=UTC),
)


def test_calls_one_after_another_are_in_order() -> None:
    calls = [
        BASE,
        replace(BASE, key="b", revision=2, effect=2, started=1.0, ended=2.0),
        replace(BASE, key="b", revision=2, effect=None, started=2.5, ended=3.0),
    ]

    report = check_calls(calls)

    assert report.ok
    assert (report.subjects, report.calls, report.effects) == (1, 3, 2)


def test_two_calls_of_one_subject_in_flight_at_once_are_an_overlap() -> None:
    second = replace(BASE, key="b", revision=2, effect=2, started=0.999, ended=2.0)

    report = check_calls([second, BASE])

    assert [(found.first, found.second) for found in report.overlaps] == [
        (BASE, second)
    ]
    assert not report.ok


def test_an_overlap_with_a_call_that_outlasts_its_successor_is_found() -> None:
    long = replace(BASE, ended=9.0)
    short = replace(BASE, key="b", effect=None, started=1.0, ended=2.0)
    late = replace(BASE, key="c", effect=None, started=8.0, ended=8.5)

    report = check_calls([long, short, late])

    assert [found.second for found in report.overlaps] == [short, late]


def test_calls_of_different_subjects_may_overlap() -> None:
    other = replace(BASE, subject="redo/demo/2", effect=2)

    assert check_calls([BASE, other]).ok


def test_a_caller_that_gave_up_may_call_again_a_moment_early() -> None:
    lost = replace(BASE, answered=False)
    again = replace(BASE, effect=None, started=0.99, ended=1.5)
    too_early = replace(BASE, effect=None, started=0.9, ended=1.5)

    assert check_calls([lost, again]).ok
    assert len(check_calls([lost, too_early]).overlaps) == 1


def test_an_older_revision_after_a_newer_one_is_an_inversion() -> None:
    newer = replace(BASE, key="b", revision=3, effect=1)
    older = replace(BASE, key="a", revision=2, effect=2, started=2.0, ended=3.0)

    report = check_calls([newer, older])

    assert [(found.first, found.second) for found in report.inversions] == [
        (newer, older)
    ]


def test_revisions_are_compared_within_one_document_only() -> None:
    first = replace(BASE, revision=5)
    second = replace(
        BASE, reference="redo.demo.1-2", key="b", revision=4, effect=2, started=2.0
    )

    assert not check_calls([first, second]).inversions


def test_an_older_revision_without_effect_is_no_inversion() -> None:
    newer = replace(BASE, key="b", revision=3)
    refused = replace(BASE, revision=2, effect=None, status=412, started=2.0, ended=3.0)

    assert check_calls([newer, refused]).ok


def test_one_key_with_two_effects_is_a_repeat() -> None:
    again = replace(BASE, effect=2, started=2.0, ended=3.0)

    report = check_calls([BASE, again])

    assert [found.second for found in report.repeats] == [again]
    assert not report.ok


def test_a_repeat_after_a_lost_answer_is_excused() -> None:
    lost = replace(BASE, answered=False)
    again = replace(BASE, effect=2, started=2.0, ended=3.0)

    report = check_calls([lost, again])

    assert report.ok
    assert [found.first for found in report.excused] == [lost]


def test_one_key_may_have_effects_of_two_kinds() -> None:
    comment = replace(BASE, path="/v2.2/returns/1/comments", revision=None)
    status = replace(
        BASE, method="PUT", path="/v2.2/returns/1/status", revision=None, effect=2
    )

    assert not check_calls([comment, status]).repeats


@given(st.permutations(range(6)))
def test_any_wrong_order_of_effects_is_found(order: list[int]) -> None:
    calls = [
        replace(
            BASE,
            key=str(revision),
            revision=revision,
            effect=number,
            started=float(number),
            ended=number + 0.5,
        )
        for number, revision in enumerate(order, start=1)
    ]

    assert bool(check_calls(calls).inversions) == (order != sorted(order))


def test_a_record_of_calls_can_be_read_back_from_its_file(tmp_path: Path) -> None:
    heard: list[Call] = []
    path = tmp_path / "calls.jsonl"
    log = CallLog(path, listener=heard.append)
    second = replace(BASE, revision=None, key=None, effect=None, fault="slow")

    log.record(BASE)
    log.record(second)

    assert list(read_calls(path)) == log.calls == heard == [BASE, second]


def test_effects_are_numbered_in_their_order() -> None:
    log = CallLog()

    assert [log.next_effect() for _ in range(3)] == [1, 2, 3]
