"""How fast an account is polled: its own share of the platform's limit.

Each limit is a meter by the rule of GSMA's and ATM's cell rate (GCRA): calls lie
`interval` apart on average, and `burst` of them may come at once. A limit by the day
is spread over the day. What targets of the same credential use is not known here:
the app puts the credential's budget behind the pace.
"""

from collections.abc import Mapping
from datetime import timedelta

from bridge.clock import Clock
from bridge.platforms.cursor import Lane
from bridge.platforms.walk import PollOptions

_MINUTE, _DAY = 60.0, 86_400.0


class Meter:
    """One limit: `wait` tells seconds until a call may start, `take` counts one."""

    def __init__(self, interval: float, burst: int) -> None:
        self._interval = interval
        self._tolerance = interval * (max(burst, 1) - 1)
        self._next = float("-inf")

    def wait(self, now: float) -> float:
        return max(0.0, self._next - self._tolerance - now)

    def take(self, now: float) -> None:
        self._next = max(self._next, now) + self._interval


def _meters(options: PollOptions, share: float) -> tuple[Meter, ...]:
    per_minute = options.calls_per_minute * share
    meters = [Meter(_MINUTE / per_minute, int(per_minute / 4))]
    if options.calls_per_second is not None:
        meters.append(Meter(1 / options.calls_per_second, 1))
    if options.calls_per_day is not None:
        per_day = options.calls_per_day * share
        meters.append(Meter(_DAY / per_day, int(per_day / 24)))
    return tuple(meters)


class Pace:
    """One account's pace: `history` takes at most its share of it."""

    def __init__(self, options: PollOptions, clock: Clock) -> None:
        self._clock = clock
        both = _meters(options, 1.0)
        self._meters: Mapping[Lane, tuple[Meter, ...]] = {
            "live": both,
            "history": (*both, *_meters(options, options.backfill_share)),
        }

    async def spend(self, lane: Lane) -> None:
        """Return when a call of that lane may start, and count it."""
        meters = self._meters[lane]
        while wait := max(meter.wait(self._clock.monotonic()) for meter in meters):
            await self._clock.sleep(timedelta(seconds=wait))
        for meter in meters:
            meter.take(self._clock.monotonic())
