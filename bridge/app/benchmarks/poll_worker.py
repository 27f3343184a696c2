"""The poll stage at work on simulated shops: nothing of it replaced."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Self

from prometheus_client import Counter

from bridge.app.benchmarks.memory import peak_watched, resident
from bridge.app.benchmarks.normalize_worker import total
from bridge.app.benchmarks.orders import Given, Polled, PollOrder, Say
from bridge.app.polling import PollStage, poll_stage, polls_of
from bridge.app.process import calm_collector
from bridge.app.stages import make_turns
from bridge.clock import SystemClock
from bridge.errors import BridgeError
from bridge.telemetry import metrics

LIMIT = timedelta(minutes=10)

#: How exact the first moment is; a look costs some 50 µs.
_LOOK = timedelta(milliseconds=5)


async def take(given: Given, _: Say) -> Polled:
    """Poll; return when all is found and committed, or the time is over."""
    order = PollOrder.model_validate(given)
    clock = SystemClock()
    stage = poll_stage(order.settings, make_turns(order.settings, clock), clock)
    if stage is None:
        raise BridgeError("there is no account to be polled")
    async with peak_watched(clock) as peak:
        calm_collector()
        polled = await (_steady if order.seconds else _catch_up)(order, stage)
    return polled.model_copy(update={"peak": peak.highest})


async def _catch_up(order: PollOrder, stage: PollStage) -> Polled:
    """Poll until all is found; stopping the stage commits the last of it."""
    async with _Polling(stage) as polling:
        await polling.until(1, metrics.POLL_CALLS)
        meter, memory = _Meter(), {}
        for point in (*order.checkpoints, order.returns):
            await polling.until(point)
            memory[point] = resident()
    return meter.polled(memory if order.checkpoints else {})


async def _steady(order: PollOrder, stage: PollStage) -> Polled:
    """Let the first walks end, a page for each pass, then poll for the time asked."""
    polls = polls_of(order.settings).values()
    pages = sum(len(poll.rhythm.passes) for poll in polls)
    async with _Polling(stage) as polling:
        await polling.until(pages, metrics.POLL_PAGES)
        meter = _Meter()
        await SystemClock().sleep(timedelta(seconds=order.seconds))
        return meter.polled({})


class _Meter:
    """Time, CPU and calls since it was made."""

    def __init__(self) -> None:
        self._began = time.time()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._calls = total(metrics.POLL_CALLS)
        self._pages = total(metrics.POLL_PAGES)

    def polled(self, memory: dict[int, float]) -> Polled:
        return Polled(
            peak=0.0,
            began=self._began,
            seconds=time.perf_counter() - self._wall,
            cpu=time.process_time() - self._cpu,
            calls=total(metrics.POLL_CALLS) - self._calls,
            pages=total(metrics.POLL_PAGES) - self._pages,
            memory=memory,
        )


class _Polling:
    """The stage's member at work while the block lasts."""

    def __init__(self, stage: PollStage) -> None:
        self._stage = stage
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._stage.member.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        if self._running is not None:
            with suppress(BridgeError):
                await self._running
        await self._stage.close()

    async def until(self, count: int, counter: Counter = metrics.POLL_FOUND) -> None:
        """Return when a metric has come so far, or raise what broke the stage."""
        clock = SystemClock()
        deadline = clock.monotonic() + LIMIT.total_seconds()
        while (now := total(counter)) < count:
            if self._running is not None and self._running.done():
                self._running.result()
                raise BridgeError("polling stopped by itself")
            if clock.monotonic() > deadline:
                raise BridgeError(f"not done within {LIMIT}: {now:,} of {count:,}")
            await clock.sleep(_LOOK)
