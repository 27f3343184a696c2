"""When a breaker lets calls through, and what it learns from them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.breaker import LAST, WAITS, Breaker, BreakerRules, Cause
from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Failed,
    NotYet,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)

RULES = BreakerRules(run=4, subjects=3)
FAILURES: list[tuple[Outcome, str]] = [
    (Failed("http_500"), subject) for subject in "abca"
]
FIRST = {cause: waits[0].total_seconds() for cause, waits in WAITS.items()}


def observed(
    breaker: Breaker, outcomes: list[tuple[Outcome, str]], now: float
) -> list[str | None]:
    """Make one call after the other, each if it may."""
    changes: list[str | None] = []
    for outcome, subject in outcomes:
        pass_ = breaker.admit(now, subject)
        assert pass_ is not None
        changes.append(breaker.observe(pass_, outcome, subject, now))
    return changes


def opened(cause: Cause = "failing", now: float = 0.0) -> Breaker:
    breaker = Breaker(RULES)
    assert breaker.trip(cause, "http_500", now)
    return breaker


def test_a_closed_breaker_lets_every_call_pass() -> None:
    breaker = Breaker()

    assert breaker.state == "closed"
    assert breaker.tripped is None
    assert breaker.admit(0.0, "a") is not None
    assert breaker.wait(0.0) == timedelta()


def test_a_run_of_failures_over_several_subjects_opens_it_with_one_alarm() -> None:
    breaker = Breaker(RULES)

    changes = observed(breaker, FAILURES, 7.0)

    assert changes == [None, None, None, "opened"]
    assert breaker.state == "open"
    assert breaker.admit(7.0, "a") is None
    assert breaker.wait(7.0) == timedelta(seconds=FIRST["failing"])
    assert breaker.tripped is not None
    assert (breaker.tripped.cause, breaker.tripped.reason) == ("failing", "http_500")
    assert breaker.tripped.at == 7.0


def test_one_subject_that_always_fails_opens_nothing() -> None:
    breaker = Breaker(RULES)

    changes = observed(breaker, [(Failed("x"), "a"), (Failed("x"), "b")] * 500, 0.0)

    assert set(changes) == {None}
    assert breaker.state == "closed"


@pytest.mark.parametrize(
    "answer", [Delivered(), AlreadyApplied("it is there"), Refused("invalid")]
)
def test_an_answer_that_shows_the_target_at_work_ends_a_run(answer: Outcome) -> None:
    breaker = Breaker(RULES)

    changes = observed(breaker, [*FAILURES[:3], (answer, "d"), *FAILURES[:3]], 0.0)

    assert set(changes) == {None}


@pytest.mark.parametrize("answer", [Throttled(), NotYet("create"), Skipped("no_rule")])
def test_an_answer_that_says_nothing_of_the_target_ends_no_run(
    answer: Outcome,
) -> None:
    breaker = Breaker(RULES)

    changes = observed(breaker, [*FAILURES[:3], (answer, "d"), FAILURES[3]], 0.0)

    assert changes[-1] == "opened"


def test_a_credential_that_does_not_work_opens_it_at_once() -> None:
    breaker = Breaker()

    assert observed(breaker, [(Unauthorized("http_401"), "a")], 0.0) == ["opened"]
    assert breaker.wait(0.0) == timedelta(seconds=FIRST["unauthorized"])


def test_one_probe_passes_when_the_wait_is_over() -> None:
    breaker = opened()
    later = FIRST["failing"]

    assert breaker.admit(later - 0.001, "a") is None
    assert breaker.admit(later, "a") is not None
    assert breaker.state == "half_open"
    assert breaker.admit(later, "a") is None


@pytest.mark.parametrize("cause", list(WAITS))
def test_a_probe_that_works_closes_it(cause: Cause) -> None:
    breaker = opened(cause)
    now = FIRST[cause]

    assert observed(breaker, [(Delivered(), "a")], now) == ["closed"]
    assert breaker.state == "closed"
    assert breaker.tripped is None
    assert breaker.admit(now, "a") is not None


@pytest.mark.parametrize("cause", list(WAITS))
def test_waits_grow_from_probe_to_probe_to_the_last_of_the_table(cause: Cause) -> None:
    breaker = opened(cause)
    failing: Outcome = Failed("http_500")
    waits, now = [], 0.0

    for probe in range(len(WAITS[cause]) + 2):
        waits.append(breaker.wait(now))
        now += waits[-1].total_seconds()
        assert observed(breaker, [(failing, f"return {probe}")], now) == [None]

    assert waits == [*WAITS[cause], WAITS[cause][-1], WAITS[cause][-1]]


def test_a_refused_probe_shows_a_working_credential_but_no_end_of_a_flood() -> None:
    credential, flood = opened("unauthorized"), opened("dead_letters")

    first = observed(credential, [(Refused("no"), "a")], FIRST["unauthorized"])
    second = observed(flood, [(Refused("no"), "a")], FIRST["dead_letters"])

    assert (first, second) == (["closed"], [None])
    assert flood.wait(FIRST["dead_letters"]) == WAITS["dead_letters"][1]


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another() -> None:
    breaker = opened()

    assert breaker.admit(1.0, "a") is not None
    assert breaker.admit(1.5, "b") is None
    assert breaker.admit(2.0, "b") is not None


def test_a_return_that_never_works_lets_others_probe_first() -> None:
    breaker = opened()
    observed(breaker, [(Failed("http_500"), "poisoned")], 1.0)
    due = 1.0 + breaker.wait(1.0).total_seconds()

    assert breaker.admit(due, "poisoned") is None
    assert breaker.wait(due, "poisoned") == timedelta(seconds=LAST)
    assert observed(breaker, [(Delivered(), "healthy")], due) == ["closed"]
    assert breaker.admit(due, "poisoned") is not None


def test_a_return_that_waits_alone_probes_all_the_same() -> None:
    breaker = opened()
    observed(breaker, [(Failed("http_500"), "alone")], 1.0)

    assert breaker.admit(1.0 + 2.0 + LAST, "alone") is not None


def test_what_is_remembered_of_probes_is_bounded() -> None:
    breaker, now = opened(), 1.0
    for number in range(3_000):
        observed(breaker, [(Failed("http_500"), f"return {number}")], now)
        now += 60.0

    assert breaker.admit(now, "return 2999") is not None


def test_a_probe_that_asked_nothing_leaves_its_place_to_the_next_call() -> None:
    breaker = opened()

    assert observed(breaker, [(Skipped("no_rule"), "a")], 1.0) == [None]
    assert breaker.admit(1.0, "b") is not None


def test_a_throttled_probe_closes_nothing_and_makes_no_wait_longer() -> None:
    breaker = opened()

    assert observed(breaker, [(Throttled(), "a")], 1.0) == [None]
    assert breaker.wait(1.0) == timedelta(seconds=1)


def test_calls_that_began_before_the_last_change_say_nothing() -> None:
    breaker = Breaker(RULES)
    under_way = [breaker.admit(0.0, "a") for _ in range(3)]
    observed(breaker, [(Unauthorized("http_401"), "a")], 0.0)

    outcomes: list[Outcome] = [Unauthorized("http_401"), Delivered(), Failed("x")]
    late = [
        breaker.observe(pass_ or 0, outcome, "b", 0.0)
        for pass_, outcome in zip(under_way, outcomes, strict=True)
    ]

    assert late == [None, None, None]
    assert breaker.state == "open"
    assert breaker.wait(0.0) == WAITS["unauthorized"][0]


def test_a_graver_cause_is_worth_an_alarm_of_its_own() -> None:
    breaker = opened("failing")

    assert observed(breaker, [(Unauthorized("http_401"), "a")], 1.0) == ["opened"]
    assert breaker.tripped is not None
    assert breaker.tripped.cause == "unauthorized"


def test_the_same_cause_again_is_no_second_alarm() -> None:
    breaker = opened("dead_letters")

    assert not breaker.trip("dead_letters", "invalid", 1.0)
    assert breaker.wait(1.0) == WAITS["dead_letters"][0] - timedelta(seconds=1)


def test_a_breaker_that_flutters_waits_longer_each_time_and_calms_down() -> None:
    breaker = opened()
    observed(breaker, [(Delivered(), "a")], 1.0)

    breaker.trip("failing", "http_500", 2.0)
    again = breaker.wait(2.0)
    observed(breaker, [(Delivered(), "a")], 4.0)
    breaker.trip("failing", "http_500", 4.0 + RULES.calm.total_seconds())
    calm = breaker.wait(4.0 + RULES.calm.total_seconds())

    assert (again, calm) == (WAITS["failing"][1], WAITS["failing"][0])


def test_another_cause_soon_after_starts_with_its_own_first_wait() -> None:
    breaker = opened()
    observed(breaker, [(Delivered(), "a")], 1.0)

    breaker.trip("unauthorized", "http_401", 2.0)

    assert breaker.wait(2.0) == WAITS["unauthorized"][0]


OUTCOMES = st.sampled_from(
    [
        Delivered(),
        AlreadyApplied("it is there"),
        Failed("http_500"),
        Unauthorized("http_401"),
        Refused("no"),
        Throttled(),
        NotYet("create"),
        Skipped("no_rule"),
    ]
)


@given(st.lists(st.tuples(OUTCOMES, st.sampled_from("abc"), st.floats(0, 400))))
def test_alarms_and_all_clears_alternate_and_a_good_target_is_found_again(
    history: list[tuple[Outcome, str, float]],
) -> None:
    breaker, now, was_open = Breaker(RULES), 0.0, False
    for outcome, subject, pause in history:
        now += pause
        has_to_wait = breaker.wait(now, subject) > timedelta()
        pass_ = breaker.admit(now, subject)
        assert (pass_ is None) == has_to_wait
        if pass_ is not None:
            change = breaker.observe(pass_, outcome, subject, now)
            assert change != "closed" or was_open
            was_open = breaker.state != "closed"
            assert change is None or (change == "opened") == was_open

    now += breaker.wait(now, "a").total_seconds() + 1e-6
    pass_ = breaker.admit(now, "a")

    assert pass_ is not None
    breaker.observe(pass_, Delivered(), "a", now)
    assert breaker.state == "closed"
