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
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

_SLOTS = 100
"""Calls within a hundredth of a window are counted as one entry."""
_EXACT = 1e-9  # what sums of floats may be off by
_SHORT = 3.0
"""So many seconds a new owner may wait for a window to be empty."""
_STEPS = 60


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

    def move(self, cost: float, scale: float, moved: tuple[float, float]) -> None:
        """Count a call from a later moment on: from when, to when."""
        ...

    def inherit(self, part: float, now: float, quiet: float) -> None:
        """Take a part of the limit for used by others, until `quiet` from now."""
        ...


@dataclass(slots=True)
class _Entry:
    """Calls that count until `until`; so much of their `cost` is on record.

    `written` is what the record says that is being written.
    """

    begun: float
    until: float
    cost: float
    recorded: float = 0.0
    written: float = 0.0


class Window:
    """At most `amount` in any stretch of `per` seconds."""

    def __init__(self, amount: float, per: float) -> None:
        self._amount = amount
        self.per = per
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
        until = now + self.per * max(1.0, cost / (self._amount * scale))
        until = max(until, last.until)
        self._used += cost
        if now - last.begun < self.per / _SLOTS:
            last.until = until
            last.cost += cost
        else:
            self._entries.append(_Entry(now, until, cost))

    def move(self, cost: float, scale: float, moved: tuple[float, float]) -> None:
        since, now = moved
        own = (entry for entry in reversed(self._entries) if entry.begun > -math.inf)
        entry = next((entry for entry in own if entry.begun <= since), None)
        if entry is not None:
            entry.cost -= cost
            self._used -= cost
        self.take(cost, scale, now)

    def inherit(self, part: float, now: float, quiet: float) -> None:
        """Take a part of the limit for used by others, until `quiet` from now.

        All of it at the very last moment if the window is short, so that no stretch of
        it holds too much; evenly if it is longer, so that calls go on.
        """
        self._forget(now)
        cost, end = self._amount * part, now + quiet
        steps = 1 if self.per <= _SHORT else _STEPS
        theirs = (
            _Entry(-math.inf, end + self.per * step / steps, cost / steps)
            for step in range(1, steps + 1)
        )
        self._enter([*self._entries, *theirs])

    # ------------------------------------------------------------ what is on record

    @property
    def unrecorded(self) -> float:
        """What was taken that no record tells of."""
        return sum(entry.cost - entry.recorded for entry in self._entries)

    def write(self, now: float) -> list[tuple[float, float]]:
        """Return what counts, as seconds until it counts no more, and its cost.

        At most a hundred or so pairs: what ends at nearly the same time ends together,
        with the last of it. It is on record once `wrote` is called.
        """
        self._forget(now)
        slots: dict[float, tuple[float, float]] = {}
        for entry in self._entries:
            entry.written = entry.cost
            slot = entry.until * _SLOTS // self.per
            _, cost = slots.get(slot, (0.0, 0.0))
            slots[slot] = entry.until - now, cost + entry.cost
        return list(slots.values())

    def wrote(self) -> None:
        """What `write` returned last is on record now."""
        for entry in self._entries:
            entry.recorded = entry.written

    def restore(self, pairs: Iterable[tuple[float, float]], now: float) -> None:
        """Count what a record tells, in place of what of ours it holds already."""
        self._forget(now)
        ours = [
            _Entry(entry.begun, entry.until, entry.cost - entry.recorded)
            for entry in self._entries
            if entry.cost > entry.recorded
        ]
        told = [
            _Entry(-math.inf, now + min(left, self.per), cost, cost, cost)
            for left, cost in pairs
            if left > 0
        ]
        self._enter([*ours, *told])

    def _enter(self, entries: Iterable[_Entry]) -> None:
        self._entries = deque(sorted(entries, key=lambda entry: entry.until))
        self._used = sum(entry.cost for entry in self._entries)

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

    def move(self, cost: float, scale: float, moved: tuple[float, float]) -> None:
        """What a moment brings back is little beside what a bucket holds."""

    def inherit(self, part: float, now: float, quiet: float) -> None:
        """Take a part for used up by others, and what it gains until then as well."""
        self._settle(part, now)
        self._debt += part * (self._burst + self._gain * quiet)

    def _settle(self, scale: float, now: float) -> None:
        if now > self._at:
            came_back = (now - self._at) * self._gain * scale
            self._debt = max(0.0, self._debt - came_back)
            self._at = now
