"""What measures one limit of a budget: a window that slides, or a bucket. Pure.

`scale` is the share of the limit that this process may use, greater than 0, at most 1.
Where the share comes out below the price of one call, that call passes when nothing
else counts any more, and then counts for longer: so the rate is right even if twelve
processes share two calls a second.

Times are `Clock.monotonic()` of the caller, in seconds, and so are waits: this is the
budget's inside.
"""

import math
from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

_SLOTS = 100
"""Calls within a hundredth of a window are counted as one entry."""
_EXACT = 1e-9  # what sums of floats may be off by


class Meter(Protocol):
    """Measures what is used of one limit."""

    def wait(self, cost: float, scale: float, now: float) -> float:
        """Return the seconds until a call of `cost` fits; 0 if it does now."""
        ...

    def fits(self, cost: float, scale: float, now: float) -> float:
        """Return how many calls of `cost` fit now, as a whole number."""
        ...

    def take(self, cost: float, scale: float, now: float) -> None:
        """Count calls that start now and cost so much together."""
        ...


@dataclass(slots=True)
class _Entry:
    """Calls that count until `until`."""

    begun: float
    until: float
    cost: float


class Window:
    """At most `amount` in any stretch of `per` seconds."""

    def __init__(self, amount: float, per: float) -> None:
        self._amount = amount
        self._per = per
        self._used = 0.0
        self._entries: deque[_Entry] = deque()

    def wait(self, cost: float, scale: float, now: float) -> float:
        self._forget(now)
        too_much = self._used - max(self._amount * scale - cost, 0.0) - _EXACT
        if too_much <= 0:
            return 0.0
        gone = accumulate(entry.cost for entry in self._entries)
        ends = (entry.until - now for entry in self._entries)
        return next(
            end for end, sum_ in zip(ends, gone, strict=True) if sum_ >= too_much
        )

    def fits(self, cost: float, scale: float, now: float) -> float:
        self._forget(now)
        return (self._amount * scale - self._used + _EXACT) // cost

    def take(self, cost: float, scale: float, now: float) -> None:
        self._forget(now)
        last = self._entries[-1] if self._entries else _Entry(-math.inf, 0.0, 0.0)
        until = now + self._per * max(1.0, cost / (self._amount * scale))
        until = max(until, last.until)
        self._used += cost
        if now - last.begun < self._per / _SLOTS:
            last.until = until
            last.cost += cost
        else:
            self._entries.append(_Entry(now, until, cost))

    def _forget(self, now: float) -> None:
        if not self._entries or now < self._entries[0].until:
            return
        while self._entries and self._entries[0].until <= now:
            self._entries.popleft()
        self._used = sum(entry.cost for entry in self._entries)


class Bucket:
    """Holds `burst` and gains `amount` every `per` seconds.

    What is kept is the debt: what was taken and has not come back yet.
    """

    def __init__(self, amount: float, per: float, burst: float) -> None:
        self._gain = amount / per
        self._burst = burst
        self._debt = 0.0
        self._at = -math.inf

    def wait(self, cost: float, scale: float, now: float) -> float:
        self._settle(scale, now)
        too_much = self._debt - max(self._burst * scale - cost, 0.0) - _EXACT
        return max(0.0, too_much / (self._gain * scale))

    def fits(self, cost: float, scale: float, now: float) -> float:
        self._settle(scale, now)
        return (self._burst * scale - self._debt + _EXACT) // cost

    def take(self, cost: float, scale: float, now: float) -> None:
        self._settle(scale, now)
        self._debt += cost

    def _settle(self, scale: float, now: float) -> None:
        if now > self._at:
            came_back = (now - self._at) * self._gain * scale
            self._debt = max(0.0, self._debt - came_back)
            self._at = now
