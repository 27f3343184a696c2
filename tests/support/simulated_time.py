"""An event loop whose time is simulated: it never waits, and skips to what is next.

Time-outs, sleeps and our clock all go by it, so hours pass in milliseconds and every
run with the same choices is the same run.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from tests.support.clock import START

T = TypeVar("T")

_TURN = 1e-6  # seconds that a turn of the loop takes, so that nothing spins for ever


class _Skipping(selectors.SelectSelector):
    """Waits for nothing: time passes instead."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and for nothing that could come")
        self.now += max(timeout, 0.0) + _TURN
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop for tasks that do not touch the network; threads are no threads."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def run_in_executor(
        self, _executor: object, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """Do at once what a thread would do."""
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done


class LoopClock:
    """The clock of one simulated loop: of that in which it is asked first."""

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()  # in Python 3.11 a system call each time

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds()))


def simulate(run: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run to the end in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(run())
