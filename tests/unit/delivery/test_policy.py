import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.options import DeliveryOptions
from bridge.delivery.policy import (
    JITTER,
    LONGEST,
    SCHEDULE,
    Bury,
    Decision,
    Finish,
    Halt,
    Policy,
    Retry,
    delay,
)
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
from tests.support.events import make_letter


def decide(outcome: Outcome, **tried: object) -> Decision:
    options = DeliveryOptions(max_attempts=3, max_age=timedelta(hours=1))
    policy = Policy(options, random.Random(1))  # noqa: S311 - jitter
    letter = make_letter()
    for name, value in tried.items():
        setattr(letter, name, value)
    return policy.decide(outcome, letter)


@pytest.mark.parametrize(
    "outcome", [Delivered(), AlreadyApplied("read back"), Skipped("no rule")]
)
def test_what_is_done_is_finished(outcome: Outcome) -> None:
    assert decide(outcome) == Finish()


def test_a_failure_is_tried_again_and_uses_up_an_attempt() -> None:
    decision = decide(Failed("http_500"), failures=1)

    assert isinstance(decision, Retry)
    assert decision.failed
    assert decision.ages
    assert 0.8 <= decision.after.total_seconds() <= 1.2


def test_the_last_failure_buries_the_event() -> None:
    decision = decide(Failed("http_500"), failures=2)

    assert decision == Bury("attempts_spent", "3 failures, the last: http_500")


def test_failing_too_long_buries_the_event() -> None:
    decision = decide(Failed("http_500"), failing=timedelta(hours=1))

    assert isinstance(decision, Bury)
    assert decision.reason == "too_old"


def test_a_throttled_event_loses_neither_attempt_nor_age() -> None:
    decision = decide(
        Throttled(timedelta(seconds=90)), failures=2, failing=timedelta(hours=9)
    )

    assert decision == Retry(timedelta(seconds=90))


def test_waiting_for_something_else_uses_up_no_attempt() -> None:
    decision = decide(NotYet("no_id"), failures=2)

    assert isinstance(decision, Retry)
    assert not decision.failed
    assert decision.ages


def test_waiting_for_something_else_has_an_end() -> None:
    assert decide(NotYet("no_id"), failing=timedelta(hours=1)) == Bury(
        "never_came", "waited 1:00:00 for no_id"
    )


def test_refused_data_is_buried_at_once() -> None:
    assert decide(Refused("invalid", "sku")) == Bury("invalid", "sku")


def test_a_credential_that_does_not_work_halts_the_target() -> None:
    assert decide(Unauthorized("http_401"), failures=2) == Halt("http_401")


@given(
    st.integers(0, 1000),
    st.none() | st.timedeltas(timedelta(), timedelta(days=3)),
    st.floats(0, 1),
)
def test_a_wait_is_never_shorter_than_asked_and_never_endless(
    failures: int, asked: timedelta | None, chance: float
) -> None:
    wait = delay(failures, asked, chance)

    assert wait <= LONGEST
    assert wait >= min(asked or timedelta(), LONGEST)
    assert wait >= SCHEDULE[0] * (1 - JITTER)
