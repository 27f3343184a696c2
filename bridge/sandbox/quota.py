"""How many calls a simulated platform takes, and how many it got.

Windows begin with the full second, minute or day (UTC), as a gateway's counters do.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.clock import Clock

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in each window."""

    window: timedelta
    calls: int


class Quota:
    """Counts calls by key against several limits at once.

    `taken` are the calls let through, `refused` the others, by key; `times` when those
    let through came.
    """

    def __init__(self, limits: Iterable[Limit], clock: Clock) -> None:
        self.limits = tuple(limits)
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.times: defaultdict[str, list[datetime]] = defaultdict(list)
        self._clock = clock
        self._windows: Counter[tuple[str, Limit]] = Counter()
        self._began: dict[tuple[str, Limit], float] = {}

    def take(self, key: str) -> bool:
        """Count a call; False if a limit is reached, and then it does not count."""
        if min(self.left(key).values(), default=1) <= 0:
            self.refused[key] += 1
            return False
        self.taken[key] += 1
        self.times[key].append(self._clock.now())
        for limit in self.limits:
            self._windows[key, limit] += 1
        return True

    def left(self, key: str) -> Mapping[timedelta, int]:
        """Return how many calls each window still takes."""
        now = self._clock.now().timestamp()
        for limit in self.limits:
            window = now // limit.window.total_seconds()
            if self._began.get((key, limit)) != window:
                self._began[key, limit] = window
                self._windows[key, limit] = 0
        return {
            limit.window: limit.calls - self._windows[key, limit]
            for limit in self.limits
        }


def busiest(times: Iterable[datetime], window: timedelta) -> int:
    """Return the most calls within any window of that length, wherever it begins."""
    recent: deque[datetime] = deque()
    most = 0
    for time in sorted(times):
        recent.append(time)
        while recent[0] <= time - window:
            recent.popleft()
        most = max(most, len(recent))
    return most
