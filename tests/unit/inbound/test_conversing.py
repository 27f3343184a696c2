"""Driving a conversation: answers go in, mistakes come out as values."""

import asyncio
import threading
from collections.abc import Generator

import httpx
import pytest

from bridge.errors import LostOwnership
from bridge.inbound.conversing import LARGE_ANSWER, converse
from bridge.platforms.contract import Failed

ASKED = httpx.Request("GET", "https://api.example/")


def twice() -> Generator[httpx.Request, httpx.Response, list[int]]:
    first = yield ASKED
    second = yield ASKED
    return [first.status_code, second.status_code]


def broken() -> Generator[httpx.Request, httpx.Response, int]:
    yield ASKED
    raise ZeroDivisionError


async def ok(request: httpx.Request) -> httpx.Response | Failed:
    return httpx.Response(200, request=request)


async def large(request: httpx.Request) -> httpx.Response | Failed:
    return httpx.Response(200, content=bytes(LARGE_ANSWER + 1), request=request)


async def away(request: httpx.Request) -> httpx.Response | Failed:
    return Failed(f"no answer to {request.method}")


async def lost(request: httpx.Request) -> httpx.Response | Failed:
    raise LostOwnership(request.method)


async def test_every_request_gets_its_answer() -> None:
    assert await converse(twice(), ok) == [200, 200]


async def test_large_answers_are_read_aside() -> None:
    assert await converse(twice(), large) == [200, 200]


async def test_a_large_answer_may_be_given_up_while_it_is_read() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Generator[httpx.Request, httpx.Response, int]:
        yield ASKED
        begun.set()
        go_on.wait(10)
        return 7

    reading = asyncio.create_task(converse(slow(), large))
    await asyncio.to_thread(begun.wait, 10)
    reading.cancel()
    ended = await asyncio.gather(reading, return_exceptions=True)
    go_on.set()

    assert isinstance(ended[0], asyncio.CancelledError)


async def test_a_conversation_may_end_before_it_asks() -> None:
    def silent() -> Generator[httpx.Request, httpx.Response, int]:
        yield from ()
        return 7

    assert await converse(silent(), ok) == 7


async def test_a_call_that_came_to_nothing_ends_the_conversation() -> None:
    assert await converse(twice(), away) == Failed("no answer to GET")


async def test_a_mistake_of_ours_is_a_failure() -> None:
    assert await converse(broken(), ok) == Failed("internal_error")


async def test_lost_ownership_is_not_hidden() -> None:
    with pytest.raises(LostOwnership):
        await converse(twice(), lost)
