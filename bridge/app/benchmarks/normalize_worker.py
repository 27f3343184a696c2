"""The normalise stage at work on a backlog of observations: nothing of it replaced."""

import asyncio
import time
from datetime import timedelta

from prometheus_client import Counter

from bridge.app.benchmarks.backlog import Backlog, work_off
from bridge.app.benchmarks.memory import peak_watched, resident
from bridge.app.benchmarks.orders import Given, NormalizeOrder, Say, Worked
from bridge.app.stages import normalize_member
from bridge.clock import SystemClock
from bridge.errors import BridgeError
from bridge.streams.cluster import cluster_id
from bridge.streams.groups import normalize_group
from bridge.telemetry import metrics

LIMIT = timedelta(minutes=15)

#: How exact the first moment is; a look costs some 50 µs.
_LOOK = timedelta(milliseconds=5)


async def take(given: Given, _: Say) -> Worked:
    """Normalise all that is there; return when it is committed."""
    order = NormalizeOrder.model_validate(given)
    settings, clock = order.settings, SystemClock()
    kafka, names = settings.kafka, settings.topic_names
    member = normalize_member(settings, await cluster_id(kafka), clock)
    backlog = Backlog(kafka, normalize_group(names.prefix), names.raw)
    watch = _Watch(order)
    watching = asyncio.create_task(watch.look())
    async with peak_watched(clock) as peak:
        done = await work_off(backlog, member, watch, limit=LIMIT, clock=clock)
    await watching
    return Worked(
        peak=peak.highest,
        seconds=watch.last - watch.first,
        committed=done.at - watch.first,
        cpu=done.cpu - watch.cpu,
        events=total(metrics.EVENTS),
        memory=watch.memory,
    )


class _Watch:
    """Sees, from the stage's own metrics, when it begins and how far it is."""

    def __init__(self, order: NormalizeOrder) -> None:
        self.all_done = asyncio.Event()
        self.first = 0.0
        self.last = 0.0
        self.cpu = 0.0
        self.memory: dict[int, float] = {}
        self._records = order.records
        self._checkpoints = list(order.checkpoints)
        self._clock = SystemClock()

    async def look(self) -> None:
        """Look until all observations are folded."""
        while not total(metrics.OBSERVATIONS):
            await self._clock.sleep(_LOOK)
        self.first, self.cpu = time.perf_counter(), time.process_time()
        while total(metrics.OBSERVATIONS) < self._records:
            self._note_memory()
            await self._clock.sleep(_LOOK)
        self.last = time.perf_counter()
        self._note_memory()
        self.all_done.set()

    def _note_memory(self) -> None:
        if self._checkpoints and total(metrics.EVENTS) >= self._checkpoints[0]:
            self.memory[self._checkpoints.pop(0)] = resident()

    def check(self) -> None:
        dead = total(metrics.DEAD_LETTERS)
        if dead:
            raise BridgeError(f"nothing measured: {dead:,} bodies were not readable")

    def explain(self) -> str:
        done = total(metrics.OBSERVATIONS)
        return f"{done:,} of {self._records:,} observations were read"


def total(counter: Counter) -> int:
    """Return a counter's value over all its labels."""
    return int(
        sum(
            sample.value
            for family in counter.collect()
            for sample in family.samples
            if sample.name.endswith("_total")
        )
    )
