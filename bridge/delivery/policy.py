"""What follows from an outcome: finish, try again, give up, or stop the target. Pure.

    failed attempts   1    2    3    4    5    6    7     8     9     10 and more
    wait before next  0.5  1    2    4    8    15   30    60    120   300 s

with a jitter of ±20 %, never earlier than the target asked for, and never more than
ten hours. An event is given up after `max_attempts` failures or after `max_age` of
failing, whichever comes first. Waiting is not failing: `Throttled` and `NotYet` use
up no attempt, and time under `Throttled` or bad credentials counts nowhere.
"""

import random
from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.deadletters.parked import DeathCause, Trouble
from bridge.deadletters.standing import WaitReason
from bridge.delivery.options import DeliveryOptions
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
    Unfinished,
)
from bridge.streams.receipts import Attempt

SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
)
JITTER = 0.2
LONGEST = timedelta(hours=10)


@dataclass(frozen=True, slots=True)
class Finish:
    """The event is done with."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after this long; `why` is what the lane waits for.

    `failed` tells whether an attempt is used up, `ages` whether the wait counts as
    time of failing.
    """

    after: timedelta
    why: WaitReason
    failed: bool = False
    ages: bool = False


@dataclass(frozen=True, slots=True)
class Bury:
    """Give the event up: a dead letter, and `on_dead` decides about its lane."""

    reason: str
    detail: str = ""
    cause: DeathCause = "refused"


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop the target: the credential does not work."""

    reason: str


Decision = Finish | Retry | Bury | Halt


def delay(failures: int, retry_after: timedelta | None, chance: float) -> timedelta:
    """Return the wait after failure number `failures`; `chance` in 0..1 is the jitter.

    Never less than `retry_after`, never more than ten hours.
    """
    planned = SCHEDULE[min(max(failures, 1), len(SCHEDULE)) - 1]
    jittered = planned * (1 - JITTER + 2 * JITTER * chance)
    return min(max(jittered, retry_after or timedelta()), LONGEST)


class Policy:
    """The rules of one target."""

    def __init__(self, options: DeliveryOptions, chance: random.Random) -> None:
        self._options = options
        self._chance = chance

    def decide(  # noqa: PLR0911 - one line for each outcome
        self, outcome: Outcome, trouble: Trouble
    ) -> Decision:
        """Return what follows from `outcome`; `trouble` is from before this attempt."""
        match outcome:
            case Delivered() | AlreadyApplied() | Skipped():
                return Finish()
            case Failed(reason, retry_after):
                return self._after_failure(reason, retry_after, trouble)
            case Throttled(retry_after):
                wait = self._delay(trouble.tried + 1, retry_after)
                return Retry(wait, WaitReason.THROTTLED)
            case NotYet(reason):
                return self._not_yet(reason, trouble)
            case Refused(reason, detail):
                return Bury(reason, detail)
            case Unauthorized(reason):
                return Halt(reason)

    def _after_failure(
        self, reason: str, retry_after: timedelta | None, trouble: Trouble
    ) -> Decision:
        failures = trouble.failures + 1
        if failures >= self._options.max_attempts:
            detail = f"{failures} failures, the last: {reason}"
            return Bury("attempts_spent", detail, "attempts_spent")
        if trouble.failing >= self._options.max_age:
            detail = f"failing for {trouble.failing}, the last: {reason}"
            return Bury("too_old", detail, "too_old")
        wait = self._delay(failures, retry_after)
        return Retry(wait, WaitReason.RETRY, failed=True, ages=True)

    def _not_yet(self, reason: str, trouble: Trouble) -> Decision:
        if trouble.failing >= self._options.max_age:
            detail = f"waited {trouble.failing} for {reason}"
            return Bury("never_came", detail, "never_came")
        wait = self._delay(trouble.tried + 1, None)
        return Retry(wait, WaitReason.NOT_YET, ages=True)

    def _delay(self, failures: int, retry_after: timedelta | None) -> timedelta:
        return delay(failures, retry_after, self._chance.random())


def tried(trouble: Trouble, attempt: Attempt, outcome: Outcome) -> Trouble:
    """Return what is known after one more attempt that did not end well."""
    return replace(
        trouble,
        tried=trouble.tried + 1,
        first_failed_at=trouble.first_failed_at or attempt.started_at,
        last_tried_at=attempt.ended_at,
        last_outcome=attempt.outcome,
        last_reason=attempt.reason,
        next_try_at=None,
        http_status=status_of(outcome),
        answer_lost=trouble.answer_lost
        or (isinstance(outcome, Failed) and outcome.answer_lost),
    )


def status_of(outcome: Outcome) -> int | None:
    """Return the HTTP status that decided the attempt, None where none did."""
    answer = outcome.answer if isinstance(outcome, Unfinished) else None
    return None if answer is None else answer.status


def retried(trouble: Trouble, attempt: Attempt, retry: Retry) -> Trouble:
    """Return `trouble` with what waiting for the next attempt costs."""
    spent = attempt.ended_at - attempt.started_at + retry.after
    return replace(
        trouble,
        failures=trouble.failures + retry.failed,
        failing=trouble.failing + (spent if retry.ages else timedelta()),
        next_try_at=attempt.ended_at + retry.after,
    )


def died(trouble: Trouble, why: Bury) -> Trouble:
    """Return `trouble` with a replay counted that ended as the time before."""
    again = bool(trouble.replay_cause) and trouble.replay_cause == why.reason
    return replace(trouble, replays=trouble.replays + again)
