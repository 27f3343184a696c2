"""Driving a conversation of polling or care: requests go out, answers come back in.

The conversation knows the vendor, the `Send` knows the network; whatever breaks
becomes a value. A large answer is read in a thread, since nothing may hold the event
loop for long: a page of 500 returns takes 60 ms.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx

from bridge.errors import LostOwnership
from bridge.platforms.contract import Failed
from bridge.telemetry import events, logger

#: Sends a request; a call that came to nothing is `Failed`, with its reason.
Send = Callable[[httpx.Request], Awaitable[httpx.Response | Failed]]

#: From this size on (bytes) an answer is read in a thread.
LARGE_ANSWER = 256 * 1024

T = TypeVar("T")

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    """A conversation has ended: no StopIteration passes between threads."""

    outcome: T


Conversing = Generator[httpx.Request, httpx.Response, T]


async def converse(conversation: Conversing[T], send: Send) -> T | Failed:
    """Run `conversation` to its end; a mistake in it is `Failed("internal_error")`.

    Raises LostOwnership if `send` does.
    """
    try:
        step: httpx.Request | _End[T] = _begin(conversation)
        while isinstance(step, httpx.Request):
            response = await send(step)
            if isinstance(response, Failed):
                return response
            step = await _read(conversation, response)
    except LostOwnership:
        raise  # out of `send`: the partition is another's
    except Exception as mistake:  # noqa: BLE001 - one platform's own mistake
        log.error(events.POLL_BROKE, error=mistake)  # noqa: TRY400 - without values
        return Failed("internal_error")
    else:
        return step.outcome
    finally:
        # A thread that was given up ends by itself.
        if inspect.getgeneratorstate(conversation) != inspect.GEN_RUNNING:
            conversation.close()


def _begin(conversation: Conversing[T]) -> httpx.Request | _End[T]:
    try:
        return next(conversation)
    except StopIteration as end:
        return _End(end.value)


async def _read(
    conversation: Conversing[T], response: httpx.Response
) -> httpx.Request | _End[T]:
    if len(response.content) > LARGE_ANSWER:
        return await asyncio.to_thread(_answer, conversation, response)
    return _answer(conversation, response)


def _answer(
    conversation: Conversing[T], response: httpx.Response
) -> httpx.Request | _End[T]:
    try:
        return conversation.send(response)
    except StopIteration as end:
        return _End(end.value)
