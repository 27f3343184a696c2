"""The replay planner: who is meant, in which order, what will be refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.deadletters.parked import Death, Trouble
from bridge.deadletters.replay import (
    LOOP_LIMIT,
    DeadEvent,
    Filters,
    batches,
    choose,
    is_looping,
    places,
    refusal,
    steps_of,
)
from tests.support.events import make_event

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def dead(
    subject: str = "redo/shop/1",
    sequence: int = 1,
    *,
    target: str = "wms",
    hours: float = 1,
) -> DeadEvent:
    event = make_event(subject, sequence)
    return DeadEvent(
        target=target,
        partition=0,
        subject=subject,
        sequence=sequence,
        event_id=event.id,
        type=event.type,
        death=Death("http_422", "", "refused", NOW - hours * HOUR),
        trouble=Trouble(tried=1),
        parked_at=NOW,
        event=event,
    )


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        (Filters(), True),
        (Filters(target="wms"), True),
        (Filters(target="other"), False),
        (Filters(account="shop"), True),
        (Filters(account="redo"), False),
        (Filters(subject="redo/shop/1"), True),
        (Filters(subject="redo/shop/2"), False),
        (Filters(sequence=1), True),
        (Filters(sequence=2), False),
        (Filters(type="return.approved"), True),
        (Filters(type="return.created"), False),
        (Filters(reason="http_422"), True),
        (Filters(reason="http_400"), False),
        (Filters(cause="refused"), True),
        (Filters(cause="too_old"), False),
        (Filters(since=NOW - 2 * HOUR), True),
        (Filters(since=NOW), False),
        (Filters(before=NOW), True),
        (Filters(before=NOW - HOUR), False),
    ],
)
def test_each_filter_admits_what_it_says(filters: Filters, *, admitted: bool) -> None:
    assert bool(choose([dead()], filters)) is admitted


def test_a_subject_of_another_shape_has_no_account() -> None:
    assert replace(dead(), subject="odd").account == ""


def test_the_longest_dead_come_first_and_a_subject_keeps_its_order() -> None:
    old, older = dead("redo/shop/2", 2, hours=2), dead("redo/shop/2", 3, hours=9)
    recent, other = dead("redo/shop/1", hours=1), dead(target="abc", hours=0)

    chosen = choose([recent, older, other, old], Filters())

    assert chosen == [other, old, older, recent]
    assert list(places(chosen)) == [(1, 1), (1, 2), (2, 2), (1, 1)]


@given(
    st.lists(
        st.builds(
            dead,
            st.sampled_from(["redo/shop/1", "redo/shop/2"]),
            st.integers(1, 9),
            target=st.sampled_from(["a", "b"]),
            hours=st.floats(0, 99),
        )
    )
)
def test_no_choice_ever_turns_the_order_of_a_subject_round(
    events: list[DeadEvent],
) -> None:
    chosen = choose(events, Filters())

    assert len(chosen) == len(events)
    for each in chosen:
        lane = [
            one.sequence
            for one in chosen
            if (one.target, one.subject) == (each.target, each.subject)
        ]
        assert lane == sorted(lane)


# ------------------------------------------------------------------ what is refused


def test_nothing_passes_an_earlier_event() -> None:
    behind = replace(dead(sequence=5), ahead=(3, 4))

    for action in ("retry", "edit", "discard"):
        assert (refusal(behind, action) or "").startswith("behind: event 3 ")
    assert refusal(behind, "retry", force=True)


def test_what_cannot_be_read_can_only_be_discarded() -> None:
    unreadable = replace(dead(), event=None)

    assert (refusal(unreadable, "retry") or "").startswith("unreadable: ")
    assert refusal(unreadable, "discard") is None


def test_the_third_death_of_one_reason_is_held_until_it_is_forced() -> None:
    trouble = Trouble(replays=LOOP_LIMIT, replay_cause="http_422")
    looping = replace(dead(), trouble=trouble)

    assert (refusal(looping, "retry") or "").startswith("held: ")
    assert refusal(looping, "retry", force=True) is None
    assert refusal(looping, "discard") is None


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(replays=LOOP_LIMIT - 1, replay_cause="http_422"),
        Trouble(replays=LOOP_LIMIT, replay_cause="http_400"),
    ],
)
def test_fewer_deaths_or_another_reason_are_no_loop(trouble: Trouble) -> None:
    once = replace(dead(), trouble=trouble)

    assert not is_looping(once)
    assert refusal(once, "edit") is None


# ------------------------------------------------------------------ in steps


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("all", [25]),
        ("1,10,all", [1, 10, 14]),
        ("1, 10", [1, 10]),
        ("100", [25]),
        ("25,all", [25]),
    ],
)
def test_steps_cut_what_is_chosen(text: str, sizes: list[int]) -> None:
    chosen = [dead(sequence=number) for number in range(1, 26)]

    steps = list(batches(chosen, steps_of(text)))

    assert [len(step) for step in steps] == sizes
    assert [each for step in steps for each in step] == chosen[: sum(sizes)]


@pytest.mark.parametrize("text", ["", "0", "-1", "all,1", "some", "1,,2", "1.5"])
def test_other_steps_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"as in 1,10,all"):
        steps_of(text)
