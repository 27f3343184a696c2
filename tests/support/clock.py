"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class FakeClock:
    """Wakes sleepers in the order of their time when `advance` passes it.

    `set_wall` moves what `now` tells and nothing else, as somebody who sets the
    machine's clock does.
    """

    def __init__(self) -> None:
        self._passed = timedelta()
        self._wall = timedelta()
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return START + self._passed + self._wall

    def set_wall(self, by: timedelta) -> None:
        self._wall += by

    def monotonic(self) -> float:
        return self._passed.total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        if duration <= timedelta():
            await asyncio.sleep(0)
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self._passed + duration
        heapq.heappush(self._sleepers, (until, next(self._numbers), awake))
        await awake

    async def advance(self, duration: timedelta) -> None:
        """Let time pass; whoever sleeps less long goes on, in order."""
        end = self._passed + duration
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._passed, _, awake = heapq.heappop(self._sleepers)
            if not awake.done():
                awake.set_result(None)
            await settle()
        self._passed = end
        await settle()


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)
