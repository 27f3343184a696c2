"""One owner of a restore: parks what the target is busy with, or takes it back."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise

import httpx

from bridge.app.benchmarks.memory import peak_watched
from bridge.app.benchmarks.orders import Given, Reached, Restored, RestoreOrder, Say
from bridge.app.benchmarks.serving import serving, takes
from bridge.canonical.envelope import Event
from bridge.clock import Clock, SystemClock
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.errors import BridgeError
from bridge.platforms.contract import Context, Conversation, Delivered, Throttled

#: Subjects of healthy traffic, one in each partition; all others are parked.
PULSE = "redo/pulse/"

PATIENCE = timedelta(seconds=25)  # longer than `park_after`: whatever waits is parked
_LIMIT = timedelta(minutes=3)
_LOOK = timedelta(milliseconds=10)
_REQUEST = httpx.Request("POST", "http://bench/")


class Choosy:
    """A target that takes pulses at any time, and the rest when it is not busy."""

    def __init__(self, order: RestoreOrder, clock: Clock) -> None:
        self.name = order.target
        self.pulses: dict[str, list[float]] = defaultdict(list)
        self.fresh: set[str] = set()
        self.taken: dict[str, int] = defaultdict(int)
        self.inversions = 0
        self.count = 0
        self.first = 0.0
        self.last = 0.0
        self._busy = order.busy
        self._clock = clock

    def deliver(self, event: Event, context: Context) -> Conversation:
        del context
        yield _REQUEST
        now = self._clock.monotonic()
        if event.subject.startswith(PULSE):
            self.pulses[event.subject].append(now)
            self.fresh.add(event.subject)
        elif self._busy:
            return Throttled(PATIENCE)
        else:
            self._take(event, now)
        return Delivered()

    def _take(self, event: Event, now: float) -> None:
        self.first, self.last = self.first or now, now
        self.count += 1
        self.inversions += event.sequence != self.taken[event.subject] + 1
        self.taken[event.subject] = event.sequence

    def has_pulses(self, partitions: int) -> bool:
        """Tell whether healthy subjects of so many partitions were called about."""
        return len(self.pulses) >= partitions

    def longest_gap(self, subjects: frozenset[str]) -> float:
        """Return the longest time between two calls about one of these, in seconds."""
        calls = [self.pulses[subject] for subject in subjects]
        gaps = (b - a for at in calls for a, b in pairwise(at))
        return max(gaps, default=0.0)


async def take(given: Given, say: Say) -> Restored:
    """Say each step as it is reached; return after the last one, or when told."""
    order = RestoreOrder.model_validate(given)
    clock = SystemClock()
    target = Choosy(order, clock)
    options = DeliveryOptions(dead_limit=order.parked or order.released or 1)
    desk = Desk(target, options, clock, takes(timedelta(), clock))
    began, own = clock.monotonic(), frozenset[str]()
    async with peak_watched(clock) as peak, serving(order, desk):
        for pulses in order.pulses:
            await _until(clock, partial(target.has_pulses, pulses))
            own = own or frozenset(target.pulses)
            say(Reached(at=_newest(target), began=began))
        if order.left:
            await _until(clock, lambda: len(desk.partitions) == order.left)
            target.fresh.clear()
            await _until(clock, lambda: len(target.fresh) >= order.left)
            say(Reached(at=clock.monotonic(), began=began))
        if order.parked:
            await _until(clock, lambda: _parked(desk) == order.parked)
            say(Reached(at=clock.monotonic(), began=began))
        await _until(clock, lambda: target.count >= order.released)
    return Restored(
        peak=peak.highest,
        released=target.count,
        inversions=target.inversions,
        release_seconds=target.last - target.first,
        longest_gap=target.longest_gap(own),
    )


def _newest(target: Choosy) -> float:
    """Return when the last of the pulses' subjects was called about first."""
    return max(calls[0] for calls in target.pulses.values())


def _parked(desk: Desk) -> int:
    return sum(partition.lanes.parked for partition in desk.partitions)


async def _until(clock: Clock, reached: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(_LIMIT.total_seconds()):
            while not reached():
                await clock.sleep(_LOOK)
    except TimeoutError:
        raise BridgeError(f"a step of the restore was not done in {_LIMIT}") from None
