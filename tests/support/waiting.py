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
    if not await comes_true(condition, within):
        raise AssertionError(f"waited {within} for {what}. {explain()}")


async def comes_true(
    condition: Callable[[], bool | Awaitable[bool]], within: timedelta
) -> bool:
    """Return as soon as `condition` holds; False when time is up."""
    deadline = time.monotonic() + within.total_seconds()
    while not await _holds(condition):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_PAUSE)
    return True


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return answer if isinstance(answer, bool) else await answer
