"""The flow limit of dead letters: many at once mean the target, not the returns. Pure.

Within the last five minutes a target may give up `limit` events, and no more than
`share` of all events it finished, once more than `at_least` were given up: ten of ten
after a wrong deployment are worth stopping for, two of three bad returns are not. The
next one is not written: the breaker trips instead, and the event waits.

Counted in slots of ten seconds, so a window holds up to one slot more than it says.
Times are `Clock.monotonic()` of the caller, in seconds.
"""

from collections import deque
from dataclasses import dataclass
from datetime import timedelta

_SLOT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class FlowRules:
    """How many events may be given up within `window`."""

    limit: int = 50
    share: float = 0.2
    at_least: int = 20
    window: timedelta = timedelta(minutes=5)


@dataclass(slots=True)
class _Slot:
    """What ended in ten seconds."""

    start: float
    finished: int = 0
    dead: int = 0


class DeadFlow:
    """Counts what one target finished and gave up in this process."""

    def __init__(self, rules: FlowRules | None = None) -> None:
        self._rules = rules or FlowRules()
        self._slots: deque[_Slot] = deque()
        self._finished = 0
        self._dead = 0

    def finished(self, now: float) -> None:
        """Count an event that came to a good end."""
        self._slot(now).finished += 1
        self._finished += 1

    def admits(self, now: float) -> bool:
        """Tell whether one more event may be given up now."""
        self._forget(now)
        rules, dead = self._rules, self._dead + 1
        if dead > rules.limit:
            return False
        return dead <= rules.at_least or dead <= rules.share * (self._finished + dead)

    def died(self, now: float) -> None:
        """Count an event that was given up."""
        self._slot(now).dead += 1
        self._dead += 1

    def _slot(self, now: float) -> _Slot:
        if not self._slots or now - self._slots[-1].start >= _SLOT:
            self._forget(now)
            self._slots.append(_Slot(now))
        return self._slots[-1]

    def _forget(self, now: float) -> None:
        oldest = now - self._rules.window.total_seconds() - _SLOT
        while self._slots and self._slots[0].start <= oldest:
            gone = self._slots.popleft()
            self._finished -= gone.finished
            self._dead -= gone.dead
