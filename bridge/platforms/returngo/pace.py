"""How a day's calls are spent: the arithmetic behind ReturnGO's pace; pure.

ReturnGO takes 2,000 calls a day and key (returngo.md, section 1). With the defaults:

    for webhooks' fetches and writes to ReturnGO              750
    for polling                                             1,150
      two lists, every 30 minutes                              96
      open RMAs' list, every hour, one page of 500             24
      one look at each changed RMA                             500
      left to look at open RMAs whose update time stands      530
    kept: an hour's calls may come at once                    100
                                                            2,000

530 looks a day go round 1,000 open RMAs in two days; what the rows of the lists show
by themselves, a changed status, is seen within the hour. When ReturnGO's day begins is
not documented: any 24 hours stay below 2,000.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(days=1)
PAGE = 500
"""Rows of a list, the most that ReturnGO gives."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A day's polling: calls by what they are for, and how long a round takes.

    `round_trip` is how long it takes to look once at every open RMA; None if nothing
    is left for it. `over` are calls that the day has not.
    """

    lists: int
    changes: int
    looks: int
    over: int
    round_trip: timedelta | None

    @property
    def calls(self) -> int:
        return self.lists + self.changes + self.looks


@dataclass(frozen=True, slots=True)
class Pace:
    """What polling may use, how often it lists, and how much change is expected."""

    calls_per_day: int
    every: timedelta
    sweep_every: timedelta
    changes_per_day: int

    def looks_per_sweep(self, open_rmas: int) -> int:
        """Return how many open RMAs one sweep looks at beside those that changed."""
        sweeps = DAY / self.sweep_every
        return int(self._left(open_rmas) / sweeps)

    def forecast(self, open_rmas: int) -> Forecast:
        """Return what a day will cost with so many open RMAs."""
        left = self._left(open_rmas)
        looks = int(self.looks_per_sweep(open_rmas) * (DAY / self.sweep_every))
        return Forecast(
            lists=self._lists(open_rmas),
            changes=self.changes_per_day,
            looks=looks,
            over=max(0, -left),
            round_trip=DAY * (open_rmas / looks) if looks else None,
        )

    def _left(self, open_rmas: int) -> int:
        return self.calls_per_day - self._lists(open_rmas) - self.changes_per_day

    def _lists(self, open_rmas: int) -> int:
        pages = max(1, math.ceil(open_rmas / PAGE))
        return math.ceil(2 * (DAY / self.every) + pages * (DAY / self.sweep_every))
