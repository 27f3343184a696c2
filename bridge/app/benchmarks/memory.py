"""How much memory a process holds, and the most it ever held while it was watched."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import psutil

from bridge.clock import Clock

_EVERY = timedelta(milliseconds=100)
_MEBIBYTE = 1024 * 1024


def resident() -> float:
    """Return this process's resident memory now, in MiB."""
    return float(psutil.Process().memory_info().rss) / _MEBIBYTE


@dataclass(slots=True)
class Peak:
    """The most that was seen so far, in MiB."""

    highest: float = 0.0

    def look(self) -> None:
        self.highest = max(self.highest, resident())


@asynccontextmanager
async def peak_watched(clock: Clock) -> AsyncIterator[Peak]:
    """Watch this process's memory ten times a second.

    What the system itself keeps as the peak would be inherited from the parent.
    """
    peak = Peak()

    async def watch() -> None:
        while True:
            peak.look()
            await clock.sleep(_EVERY)

    watching = asyncio.create_task(watch())
    try:
        yield peak
        peak.look()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
