import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.deadletters.parked import Trouble
from bridge.deadletters.standing import WaitReason
from bridge.delivery.lanes import UNTRIED
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
    died,
    retried,
    tried,
)
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
from bridge.streams.receipts import Attempt
from tests.support.clock import START

SECOND = timedelta(seconds=1)
ATTEMPT = Attempt(START, START + SECOND, "failed", "http_500")


def decide(outcome: Outcome, trouble: Trouble = UNTRIED) -> Decision:
    options = DeliveryOptions(max_attempts=3, max_age=timedelta(hours=1))
    policy = Policy(options, random.Random(1))  # noqa: S311 - jitter
    return policy.decide(outcome, trouble)


@pytest.mark.parametrize(
    "outcome", [Delivered(), AlreadyApplied("read back"), Skipped("no rule")]
)
def test_what_is_done_is_finished(outcome: Outcome) -> None:
    assert decide(outcome) == Finish()


def test_a_failure_is_tried_again_and_uses_up_an_attempt() -> None:
    decision = decide(Failed("http_500"), replace(UNTRIED, failures=1))

    assert isinstance(decision, Retry)
    assert decision.failed
    assert decision.ages
    assert 0.8 <= decision.after.total_seconds() <= 1.2


def test_the_last_failure_buries_the_event() -> None:
    decision = decide(Failed("http_500"), replace(UNTRIED, failures=2))

    assert decision == Bury(
        "attempts_spent", "3 failures, the last: http_500", "attempts_spent"
    )


def test_failing_too_long_buries_the_event() -> None:
    decision = decide(Failed("http_500"), replace(UNTRIED, failing=timedelta(hours=1)))

    assert isinstance(decision, Bury)
    assert decision.reason == "too_old"


def test_a_throttled_event_loses_neither_attempt_nor_age() -> None:
    decision = decide(
        Throttled(timedelta(seconds=90)),
        replace(UNTRIED, failures=2, failing=timedelta(hours=9)),
    )

    assert decision == Retry(timedelta(seconds=90), WaitReason.THROTTLED)


def test_waiting_for_something_else_uses_up_no_attempt() -> None:
    decision = decide(NotYet("no_id"), replace(UNTRIED, failures=2))

    assert isinstance(decision, Retry)
    assert not decision.failed
    assert decision.ages


def test_waiting_for_something_else_has_an_end() -> None:
    assert decide(
        NotYet("no_id"), replace(UNTRIED, failing=timedelta(hours=1))
    ) == Bury("never_came", "waited 1:00:00 for no_id", "never_came")


def test_refused_data_is_buried_at_once() -> None:
    assert decide(Refused("invalid", "sku")) == Bury("invalid", "sku")


def test_a_credential_that_does_not_work_halts_the_target() -> None:
    assert decide(Unauthorized("http_401"), replace(UNTRIED, failures=2)) == Halt(
        "http_401"
    )


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


# ------------------------------------------------------------- what is remembered


def test_what_was_tried_in_vain_is_remembered() -> None:
    outcome = Failed("http_500", answer_lost=True, answer=HttpAnswer(500, "sorry"))

    trouble = tried(UNTRIED, ATTEMPT, outcome)

    assert trouble == Trouble(
        tried=1,
        first_failed_at=START,
        last_tried_at=START + SECOND,
        last_outcome="failed",
        last_reason="http_500",
        http_status=500,
        answer_lost=True,
    )


def test_a_lost_answer_is_never_forgotten_and_the_first_failure_stays() -> None:
    first = tried(UNTRIED, ATTEMPT, Failed("read_timeout", answer_lost=True))
    later = Attempt(START + 60 * SECOND, START + 61 * SECOND, "throttled")

    second = tried(first, later, Throttled())

    assert second.answer_lost
    assert (second.first_failed_at, second.tried) == (START, 2)
    assert (second.last_outcome, second.http_status) == ("throttled", None)


def test_a_failure_costs_an_attempt_and_the_time_until_the_next_try() -> None:
    retry = Retry(2 * SECOND, WaitReason.RETRY, failed=True, ages=True)

    trouble = retried(UNTRIED, ATTEMPT, retry)

    assert (trouble.failures, trouble.failing) == (1, 3 * SECOND)
    assert trouble.next_try_at == START + 3 * SECOND


def test_being_throttled_costs_nothing() -> None:
    trouble = retried(UNTRIED, ATTEMPT, Retry(60 * SECOND, WaitReason.THROTTLED))

    assert (trouble.failures, trouble.failing) == (0, timedelta())


def test_replays_count_when_they_end_as_the_time_before() -> None:
    replayed = replace(UNTRIED, replay_cause="invalid", replays=1)

    assert died(replayed, Bury("invalid")).replays == 2
    assert died(replayed, Bury("other")).replays == 1
    assert died(UNTRIED, Bury("invalid")).replays == 0
