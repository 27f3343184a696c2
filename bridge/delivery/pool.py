"""The pool: up to `concurrency` conversations of one target in this process.

It hands ready lanes to workers and knows nothing of their order: a lane is in the pool
at most once, so its letters never overtake each other. Among lanes whoever is due since
longest goes first: taken in turn, a subject with a hundred events would wait a hundred
times for all others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count

from bridge.clock import Clock

_TURN = 0.002  # seconds of jobs that never wait, before others get a turn

Job = Callable[[], Awaitable[None]]


class Pool:
    """Runs jobs in the order they are due, at most `concurrency` at once.

    A worker is started only when none is starting already: jobs that never wait are
    worked off by few workers, and jobs that wait soon have as many as they need.
    """

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._concurrency = concurrency
        self._clock = clock
        self._ready: list[tuple[int, int, Job]] = []
        self._numbers = count()
        self._workers: set[asyncio.Task[None] | None] = set()
        self._starting = 0

    def put(self, job: Job, due: int) -> None:
        """Queue a job; a worker takes it as soon as one is free.

        The one with the least `due` goes first, of equal ones the one that came first.
        """
        heappush(self._ready, (due, next(self._numbers), job))
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
            _, _, job = heappop(self._ready)
            if self._ready:
                self._hire()
            await job()
            if self._clock.monotonic() > until:
                await self._clock.sleep(timedelta())
                until = self._clock.monotonic() + _TURN
