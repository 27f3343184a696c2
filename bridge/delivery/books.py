"""What is used of a credential's lasting limits, for whoever comes next. Pure.

A window of an hour or more outlives a process: one that began from nothing could use a
day's calls a second time. So what is used is put on record, with whatever polling
writes anyway, and its next owner reads it.

A record is written ahead: it counts `reserve` calls more than were made, and the
poller starts a call only while the calls since then are within that (`covered`). So
after a crash the record never tells less than the poller has used. What a crash leaves
of the reserve counts as used until the window has passed.

Calls of targets in the same process are on record as well, and a record is `due` when
they have taken half of the reserve; they do not wait for it. Buckets are not on
record: those of an hour or more begin full.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from bridge.delivery.meters import Window
from bridge.platforms.cursor import Spent

_PARTS = 200
_EXACT = 1e-9  # what sums of floats may be off by


class Books:
    """The windows of a budget that are on record: by name, each with its amount."""

    def __init__(self, windows: Mapping[str, tuple[Window, float]]) -> None:
        self._windows = {name: window for name, (window, _) in windows.items()}
        self._reserves = {
            name: float(max(1, amount // _PARTS))
            for name, (_, amount) in windows.items()
        }
        self._ahead = False

    @property
    def kept(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self._windows)

    @property
    def covered(self) -> bool:
        """Whether the record tells at least what is used."""
        return self._within(1.0 if self._ahead else 0.0)

    @property
    def due(self) -> bool:
        """Whether it is time for a new record."""
        return not self._within(0.5 if self._ahead else 0.0)

    def _within(self, part: float) -> bool:
        return all(
            window.unrecorded <= part * self._reserves[name] + _EXACT
            for name, window in self._windows.items()
        )

    def write(self, now: float, at: datetime) -> tuple[Spent, ...]:
        """Return the record at `now` (monotonic), which is `at` for others."""
        return tuple(
            Spent(limit=name, at=at, calls=self._calls(name, window, now))
            for name, window in self._windows.items()
        )

    def _calls(
        self, name: str, window: Window, now: float
    ) -> tuple[tuple[int, float], ...]:
        pairs = (*window.write(now), (window.per, self._reserves[name]))
        return tuple((math.ceil(left), cost) for left, cost in pairs)

    def wrote(self) -> None:
        """The last record that was written will be found by the next owner."""
        self._ahead = True
        for window in self._windows.values():
            window.wrote()

    def restore(self, spent: Iterable[Spent], now: float, at: datetime) -> None:
        """Take over what the last owner has put on record.

        What is used here stays; what of it the record holds already counts once.
        """
        self._ahead = False
        for each in spent:
            window, passed = self._windows.get(each.limit), (at - each.at)
            if window is not None:
                since = max(0.0, passed.total_seconds())
                window.restore(((left - since, cost) for left, cost in each.calls), now)
