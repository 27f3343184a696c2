"""The circuit breaker of a target: whether calls may go at all. Pure.

    state      calls             is left when
    closed     all pass          it trips: then open
    open       none              the wait is over: the next call is a probe, half-open
    half-open  the probe is out  it worked: closed; it failed: open, with a longer wait;
                                 nothing was heard for a whole wait: another probe

It trips for one of three causes:

    failing       a run of `run` transient failures over `subjects` subjects without one
                  answer between them that worked: it is the target, not the return
    unauthorized  one answer: the same credential would fail for every return
    dead_letters  more events given up than the flow limit allows (`flow.py`)

A call gets a pass, which names the spell between two trips in which it began. What a
call of an earlier spell comes to says nothing about the present one: sixty calls that
were under way make neither sixty alarms nor a breaker that flutters. A breaker that
trips again soon after it closed goes on with the next longer wait.

A return that never works must not be the only one that is tried: whoever has probed
since the trip lets others go first, by a second (`LAST`).

Times are `Clock.monotonic()` of the caller, in seconds: a jump of the wall clock moves
nothing. Waiting here is not failing: it uses up no attempt and no age.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

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

State = Literal["closed", "open", "half_open"]
Cause = Literal["failing", "unauthorized", "dead_letters"]
Change = Literal["opened", "closed"]
Waits = Mapping[Cause, tuple[timedelta, ...]]


def _seconds(*waits: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=seconds) for seconds in waits)


#: Wait before the first probe, the second, …; the last one stands for all others.
WAITS: Waits = {
    "failing": _seconds(1, 2, 4, 8, 15, 30, 60),
    "unauthorized": _seconds(15, 30, 60, 120, 300),
    "dead_letters": _seconds(60, 120, 300, 600),
}

#: How much later than others a subject may probe that has probed since the trip.
LAST = 1.0  # seconds
_MOST_PROBERS = 1_000


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When it trips for failures, and how long it waits before each probe.

    Tripping again within `calm` of its closing goes on with the next longer wait.
    """

    run: int = 20
    subjects: int = 3
    calm: timedelta = timedelta(minutes=1)
    waits: Waits = field(default_factory=lambda: WAITS)


@dataclass(frozen=True, slots=True)
class Trip:
    """Why and since when it is not closed; `at` is the caller's monotonic time."""

    cause: Cause
    reason: str
    at: float


class _Run:
    """Failures since the last answer that worked, and about how many subjects."""

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._failures = 0
        self._subjects: set[str] = set()

    def add(self, subject: str) -> bool:
        """Count a failure; tell whether the run is long enough to trip."""
        self._failures += 1
        if len(self._subjects) < self._rules.subjects:
            self._subjects.add(subject)
        several = len(self._subjects) >= self._rules.subjects
        return several and self._failures >= self._rules.run

    def end(self) -> None:
        if self._failures:
            self._failures = 0
            self._subjects.clear()


class _Probes:
    """When the next probe may go, and who had one since the trip."""

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._cause: Cause = "failing"
        self._step = 0
        self._closed_at = -math.inf
        self._subjects: set[str] = set()
        self.at = 0.0

    def begin(self, cause: Cause, now: float) -> None:
        """Start with the table's first wait, or go on with it after a short calm."""
        calm = self._rules.calm.total_seconds()
        if cause != self._cause or now - self._closed_at >= calm:
            self._step = 0
        self._cause = cause
        self._subjects.clear()
        self.put_off(now)

    def end(self, now: float) -> None:
        self._closed_at = now
        self._step += 1

    def due(self, subject: str) -> float:
        """Return when `subject` may probe."""
        return self.at + (LAST if subject in self._subjects else 0.0)

    def take(self, subject: str, now: float) -> None:
        """Let `subject` probe now, and the next one a whole wait later."""
        if len(self._subjects) < _MOST_PROBERS:
            self._subjects.add(subject)
        self.put_off(now)

    def failed(self, now: float) -> None:
        self._step += 1
        self.put_off(now)

    def put_off(self, now: float) -> None:
        waits = self._rules.waits[self._cause]
        wait = waits[min(self._step, len(waits) - 1)]
        self.at = now + wait.total_seconds()


class Breaker:
    """One target's breaker in a process: `admit` before a call, `observe` after it."""

    def __init__(self, rules: BreakerRules | None = None) -> None:
        rules = rules or BreakerRules()
        self._run = _Run(rules)
        self._probes = _Probes(rules)
        self._probing = False
        self._trip: Trip | None = None
        self._spell = 0

    @property
    def state(self) -> State:
        """Where it stands."""
        if self._trip is None:
            return "closed"
        return "half_open" if self._probing else "open"

    @property
    def tripped(self) -> Trip | None:
        """Why it is not closed; None if it is."""
        return self._trip

    def admit(self, now: float, subject: str) -> int | None:
        """Return a pass for a call about `subject` that may start now, else None.

        While it is not closed the pass is for a probe, and the next one has to wait.
        """
        if self._trip is not None:
            if now < self._probes.due(subject):
                return None
            self._probing = True
            self._probes.take(subject, now)
        return self._spell

    def wait(self, now: float, subject: str = "") -> timedelta:
        """Return how long until a call may start; zero while it is closed."""
        left = 0.0 if self._trip is None else self._probes.due(subject) - now
        return timedelta(seconds=max(0.0, left))

    def observe(  # noqa: PLR0911 - one line for each outcome
        self, pass_: int, outcome: Outcome, subject: str, now: float
    ) -> Change | None:
        """Learn what the call with `pass_` came to; return whether that changed it.

        `opened` is worth one alarm: it tripped, or for another cause than before.
        """
        if pass_ != self._spell:
            return None
        match outcome:
            case Delivered() | AlreadyApplied():
                return self._worked(now)
            case Refused():
                return self._refused(now)
            case Failed(reason):
                return self._failed(reason, subject, now)
            case Unauthorized(reason):
                return "opened" if self.trip("unauthorized", reason, now) else None
            case Throttled():
                return None  # it is there, and says nothing more
            case NotYet() | Skipped():
                self._probes.at = min(self._probes.at, now)
                return None  # it was not asked: another call may probe

    def trip(self, cause: Cause, reason: str, now: float) -> bool:
        """Let no call pass from now on; True unless it was open for it.

        Where it is open for `cause` already, a probe that is out has failed.
        """
        if self._trip is not None and self._trip.cause == cause:
            self._probe_failed(now)
            return False
        self._begin_spell(Trip(cause, reason, now))
        self._probes.begin(cause, now)
        return True

    def _worked(self, now: float) -> Change | None:
        self._run.end()
        if self._trip is None:
            return None
        self._begin_spell(None)
        self._probes.end(now)
        return "closed"

    def _refused(self, now: float) -> Change | None:
        """Target and credential work; only of a flood of refusals it is one more."""
        if self._trip is None or self._trip.cause != "dead_letters":
            return self._worked(now)
        self._probe_failed(now)
        return None

    def _failed(self, reason: str, subject: str, now: float) -> Change | None:
        if self._trip is None and self._run.add(subject):
            self.trip("failing", reason, now)
            return "opened"
        self._probe_failed(now)
        return None

    def _probe_failed(self, now: float) -> None:
        if self._probing:
            self._probing = False
            self._probes.failed(now)

    def _begin_spell(self, trip: Trip | None) -> None:
        self._spell += 1
        self._trip = trip
        self._probing = False
        self._run.end()
