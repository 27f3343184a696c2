"""The pool: up to `concurrency` conversations of one target in this process.

It hands ready lanes to workers and knows nothing of order: a lane is in the pool at
most once, so its letters never overtake each other.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bridge.clock import Clock

_TURN = 0.002  # seconds of jobs that never wait, before others get a turn

Job = Callable[[], Awaitable[None]]


class Pool:
    """Runs jobs in the order they came, at most `concurrency` at once.

    A worker is started only when none is starting already: jobs that never wait are
    worked off by few workers, and jobs that wait soon have as many as they need.
    """

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._concurrency = concurrency
        self._clock = clock
        self._ready: deque[Job] = deque()
        self._workers: set[asyncio.Task[None] | None] = set()
        self._starting = 0

    def put(self, job: Job) -> None:
        """Queue a job; a worker takes it as soon as one is free."""
        self._ready.append(job)
        self._hire()

    def _hire(self) -> None:
        if not self._starting and len(self._workers) < self._concurrency:
            self._starting += 1
            self._workers.add(asyncio.create_task(self._run()))

    async def _run(self) -> None:
        self._starting -= 1
        try:
            await self._work_off()
        finally:  # at once, so that `put` never counts on a worker that is leaving
            self._workers.discard(asyncio.current_task())

    async def _work_off(self) -> None:
        until = self._clock.monotonic() + _TURN
        while self._ready:
            job = self._ready.popleft()
            if self._ready:
                self._hire()
            await job()
            if self._clock.monotonic() > until:
                await self._clock.sleep(timedelta())
                until = self._clock.monotonic() + _TURN
