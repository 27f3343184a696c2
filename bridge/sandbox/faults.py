"""Faults on command, the same ones for the same seed.

A request is known by its key; what happens to its n-th try depends on the seed, the
key and n alone, not on time or on other requests. No request meets more than a few
faults, so every run converges.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Literal

Level = Literal["none", "some", "many"]


@dataclass(frozen=True, slots=True)
class ServerError:
    """An answer 5xx; nothing has happened."""

    status: int
    name = "server error"


@dataclass(frozen=True, slots=True)
class Throttle:
    """An answer 429 with Retry-After, in seconds or as an HTTP date."""

    retry_after: timedelta
    as_date: bool
    name = "throttled"


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """It happens, but the caller never hears: held past its deadline, or dropped."""

    held: bool
    name = "answer lost"


@dataclass(frozen=True, slots=True)
class Slow:
    """It happens, later."""

    delay: timedelta
    name = "slow"


Fault = ServerError | Throttle | AnswerLost | Slow


@dataclass(frozen=True, slots=True)
class _Rate:
    """How likely a try meets a fault, and how many one request may meet."""

    likely: float
    at_most: int


_RATES: dict[Level, _Rate] = {
    "none": _Rate(0.0, 0),
    "some": _Rate(0.2, 2),
    "many": _Rate(0.5, 3),
}


#: What a broken server says; of four that are equally likely.
ERRORS = (500, 500, 502, 503)


def _server_error(dice: Random, errors: Sequence[int]) -> Fault:
    return ServerError(dice.choice(errors))


def _throttle(dice: Random, _: Sequence[int]) -> Fault:
    return Throttle(timedelta(seconds=dice.choice((1, 2))), dice.random() < 0.5)  # noqa: PLR2004 a coin


def _answer_lost(dice: Random, _: Sequence[int]) -> Fault:
    return AnswerLost(held=dice.random() < 0.5)  # noqa: PLR2004 a coin


def _slow(dice: Random, _: Sequence[int]) -> Fault:
    return Slow(timedelta(milliseconds=dice.randint(150, 700)))


_KINDS: tuple[Callable[[Random, Sequence[int]], Fault], ...] = (
    *(_server_error, _server_error, _server_error),
    *(_throttle, _throttle),
    *(_answer_lost, _answer_lost),
    *(_slow, _slow),
)


class FaultPlan:
    """Decides what each try of each request meets, and counts it by name."""

    def __init__(
        self, level: Level = "none", seed: int = 0, errors: Sequence[int] = ERRORS
    ) -> None:
        self.injected: Counter[str] = Counter()
        self._rate = _RATES[level]
        self._seed = seed
        self._errors = errors
        self._tries: Counter[str] = Counter()
        self._met: Counter[str] = Counter()

    def next(self, key: str) -> Fault | None:
        """Return what the next try of the request `key` meets, None for nothing."""
        self._tries[key] += 1
        # Not security: the run has to be the same for the same seed.
        dice = Random(f"{self._seed}/{key}/{self._tries[key]}")  # noqa: S311
        if self._met[key] >= self._rate.at_most or dice.random() >= self._rate.likely:
            return None
        fault = dice.choice(_KINDS)(dice, self._errors)
        self._met[key] += 1
        self.injected[fault.name] += 1
        return fault
