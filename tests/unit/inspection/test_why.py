"""What a return waits for: one answer for every way of waiting."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.envelope import event_id
from bridge.deadletters.parked import Death, Kind, ParkedEvent, Pause, State, Trouble
from bridge.deadletters.standing import (
    BreakerStanding,
    BudgetStanding,
    Standing,
    WaitReason,
)
from bridge.inspection.board import Board
from bridge.inspection.reached import Reached
from bridge.inspection.why import NOTHING, Facts, Seen, Why, judge
from bridge.streams.receipts import DEAD, Receipt

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUBJECT = "redo/shop/1"
DEATH = Death("http_422", "", "refused", NOW - HOUR)


def seen(sequence: int) -> Seen:
    id_ = event_id(SUBJECT, sequence)
    return Seen(sequence, id_, "return.updated", 10 + sequence, NOW - 3 * HOUR)


def receipt(sequence: int, outcome: str = "delivered") -> Receipt:
    id_ = event_id(SUBJECT, sequence)
    return Receipt(id_, SUBJECT, sequence, "", "return.updated", outcome, (), NOW)


def kept(
    sequence: int,
    outcome: str = "failed",
    death: Death | None = None,
    kind: Kind = "parked",
) -> ParkedEvent:
    tried = 1 if outcome else 0
    first = NOW - 2 * HOUR if outcome else None
    trouble = Trouble(tried=tried, last_outcome=outcome, first_failed_at=first)
    offset = 10 + sequence
    state = State(kind, SUBJECT, sequence, offset, 0, NOW, trouble, death)
    return ParkedEvent(event_id(SUBJECT, sequence), state)


def ask(
    *records: ParkedEvent,
    events: int = 3,
    receipts: tuple[Receipt, ...] = (),
    position: int = 11,
    pause: str | None = None,
    standing: Standing | None = None,
) -> Why:
    pauses = {pause: Pause(pause, "i", "ada", "", NOW - HOUR)} if pause else {}
    board = Board(
        events={each.event_id: each for each in records},
        pauses=pauses,
        standing=standing,
    )
    facts = Facts(
        SUBJECT,
        "wms",
        2,
        [seen(number) for number in range(1, events + 1)],
        receipts,
        board,
        Reached(position),
        NOW,
    )
    return judge(facts)


def test_nothing_waits_and_the_last_delivery_is_told() -> None:
    answer = ask(receipts=(receipt(1), receipt(2), receipt(3, "skipped")), position=14)

    assert answer.waiting_for == NOTHING
    assert answer.detail == "nothing is waiting"
    assert answer.last is not None
    assert (answer.last.sequence, answer.last.outcome) == (3, "skipped")


def test_a_pause_is_told_though_nothing_waits() -> None:
    answer = ask(receipts=(receipt(1),), events=1, position=12, pause="*")

    assert answer.detail == "nothing is waiting, though it is paused by ada"


def test_a_subject_without_events_here_is_told_so() -> None:
    answer = ask(events=0)

    assert answer.detail == "no event of it is known"
    assert answer.last is None


def test_what_later_events_have_passed_is_given_up() -> None:
    answer = ask(receipts=(receipt(1, DEAD), receipt(2), receipt(3)), position=14)

    assert (answer.waiting_for, answer.given_up) == (NOTHING, 1)


def test_an_event_in_the_log_is_due() -> None:
    answer = ask(receipts=(receipt(1),), position=12)

    assert (answer.waiting_for, answer.sequence) == ("due", 2)
    assert (answer.behind, answer.parked) == (1, 0)
    assert "partition 2" in answer.detail
    assert answer.since == NOW - 3 * HOUR


def test_a_dead_head_waits_for_an_operator_since_its_death() -> None:
    answer = ask(
        kept(1, death=DEATH),
        kept(2, ""),
        receipts=(receipt(1, DEAD),),
        position=13,
    )

    assert answer.waiting_for == WaitReason.DEAD
    assert (answer.sequence, answer.behind, answer.parked) == (1, 2, 2)
    assert answer.since == DEATH.at
    assert answer.given_up == 0
    assert answer.kept is not None
    assert answer.type == "return.updated"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("failed", WaitReason.RETRY),
        ("throttled", WaitReason.THROTTLED),
        ("not_yet", WaitReason.NOT_YET),
        ("unauthorized", WaitReason.UNAUTHORIZED),
        ("", "due"),
    ],
)
def test_the_last_outcome_says_what_is_waited_for(outcome: str, reason: str) -> None:
    answer = ask(kept(1, outcome, kind="note"))

    assert answer.waiting_for == reason
    assert answer.detail
    assert (answer.sequence, answer.parked) == (1, 0)


@pytest.mark.parametrize("subject", [SUBJECT, "*"])
def test_a_pause_comes_before_every_other_reason_but_death(subject: str) -> None:
    answer = ask(kept(1), pause=subject)

    assert answer.waiting_for == WaitReason.PAUSED
    assert "ada" in answer.detail
    assert answer.since == NOW - HOUR
    assert ask(kept(1, death=DEATH), pause=subject).waiting_for == WaitReason.DEAD


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("open", WaitReason.BREAKER),
        ("half_open", WaitReason.BREAKER),
        ("unauthorized", WaitReason.UNAUTHORIZED),
        ("closed", WaitReason.RETRY),
    ],
)
def test_a_stopped_target_is_told_from_its_standing(state: str, reason: str) -> None:
    breaker = BreakerStanding.model_validate({"state": state, "reason": "http_503"})
    standing = Standing(worker="w-1", at=NOW, breaker=breaker)

    answer = ask(kept(1), standing=standing)

    assert answer.waiting_for == reason
    assert answer.standing == standing
    assert ("http_503" in answer.detail) is (state != "closed")


def test_what_an_owner_told_long_ago_is_shown_and_not_believed() -> None:
    breaker = BreakerStanding(state="open", reason="http_503")
    standing = Standing(worker="w-1", at=NOW - HOUR, breaker=breaker)

    answer = ask(kept(1), standing=standing)

    assert answer.waiting_for == WaitReason.RETRY
    assert answer.standing == standing


@pytest.mark.parametrize(("waiting", "reason"), [(0, "due"), (4, WaitReason.BUDGET)])
def test_who_is_due_while_calls_stand_in_line_waits_for_the_budget(
    waiting: int, reason: str
) -> None:
    budget = BudgetStanding(available=0, per_second=1, waiting=waiting)
    standing = Standing(worker="w-1", at=NOW, budget=budget)

    assert ask(standing=standing).waiting_for == reason


def test_a_parked_event_that_the_log_no_longer_holds_still_has_its_name() -> None:
    answer = ask(kept(1, ""), events=0)

    assert answer.event_id == event_id(SUBJECT, 1)
    assert (answer.type, answer.since) == (None, None)


def test_hints_have_no_number_and_go_by_their_places() -> None:
    ids = ("hint-1", "hint-2", "hint-3")
    hints = [
        Seen(0, id_, "hint.noted", 10 + place, NOW - HOUR)
        for place, id_ in enumerate(ids)
    ]
    fetched = Receipt("hint-1", SUBJECT, 0, "", "hint.noted", "delivered", (), NOW)
    trouble = Trouble(tried=1, last_outcome="failed", first_failed_at=NOW - HOUR)
    state = State("parked", SUBJECT, 0, 12, 0, NOW, trouble)
    board = Board(events={"hint-3": ParkedEvent("hint-3", state)})

    answer = judge(
        Facts(SUBJECT, "fetch", 2, hints, [fetched], board, Reached(11), NOW)
    )

    assert (answer.sequence, answer.event_id) == (None, "hint-2")
    assert (answer.waiting_for, answer.behind, answer.parked) == ("due", 1, 1)
    assert answer.last is not None
    assert (answer.last.sequence, answer.last.outcome) == (None, "delivered")
