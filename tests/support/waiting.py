"""Waiting for a condition with a deadline, never for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

_PAUSE = 0.05


async def wait_until(
    condition: Callable[[], bool | Awaitable[bool]],
    *,
    what: str,
    within: timedelta = timedelta(seconds=30),
    explain: Callable[[], str] = str,
) -> None:
    """Return as soon as `condition` holds; fail with `what` when time is up.

    `explain` adds to the failure what there was instead.
    """
    deadline = time.monotonic() + within.total_seconds()
    while not await _holds(condition):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within} for {what}. {explain()}")
        await asyncio.sleep(_PAUSE)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return answer if isinstance(answer, bool) else await answer
