"""What follows from an outcome: finish, try again, give up, or stop the target. Pure.

    failed attempts   1    2    3    4    5    6    7     8     9     10 and more
    wait before next  0.5  1    2    4    8    15   30    60    120   300 s

with a jitter of ±20 %, never earlier than the target asked for, and never more than
ten hours. An event is given up after `max_attempts` failures or after `max_age` of
failing, whichever comes first. Waiting is not failing: `Throttled` and `NotYet` use
up no attempt, and time under `Throttled` or bad credentials counts nowhere.
"""

import random
from dataclasses import dataclass
from datetime import timedelta

from bridge.delivery.lanes import Letter
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
)

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
    """Try again after this long.

    `failed` tells whether an attempt is used up, `ages` whether the wait counts as
    time of failing.
    """

    after: timedelta
    failed: bool = False
    ages: bool = False


@dataclass(frozen=True, slots=True)
class Bury:
    """Give the event up: a dead letter, and `on_dead` decides about its lane."""

    reason: str
    detail: str = ""


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
        self, outcome: Outcome, letter: Letter
    ) -> Decision:
        """Return what follows from `outcome`, the latest of `letter`."""
        match outcome:
            case Delivered() | AlreadyApplied() | Skipped():
                return Finish()
            case Failed(reason, retry_after):
                return self._after_failure(reason, retry_after, letter)
            case Throttled(retry_after):
                return Retry(self._delay(letter.tried, retry_after))
            case NotYet(reason):
                return self._not_yet(reason, letter)
            case Refused(reason, detail):
                return Bury(reason, detail)
            case Unauthorized(reason):
                return Halt(reason)

    def _after_failure(
        self, reason: str, retry_after: timedelta | None, letter: Letter
    ) -> Decision:
        failures = letter.failures + 1
        if failures >= self._options.max_attempts:
            return Bury("attempts_spent", f"{failures} failures, the last: {reason}")
        if letter.failing >= self._options.max_age:
            return Bury("too_old", f"failing for {letter.failing}, the last: {reason}")
        return Retry(self._delay(failures, retry_after), failed=True, ages=True)

    def _not_yet(self, reason: str, letter: Letter) -> Decision:
        if letter.failing >= self._options.max_age:
            return Bury("never_came", f"waited {letter.failing} for {reason}")
        return Retry(self._delay(letter.tried, None), ages=True)

    def _delay(self, failures: int, retry_after: timedelta | None) -> timedelta:
        return delay(failures, retry_after, self._chance.random())
