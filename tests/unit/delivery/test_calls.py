"""The network side of a target, against real servers on loopback."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from bridge.delivery.calls import Caller, Calls
from bridge.delivery.conversation import CallFailed
from bridge.delivery.options import DeliveryOptions
from bridge.errors import LostOwnership
from tests.support.clock import settle

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    """Serve each connection with `serve`; yield the server's URL."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass  # the caller has had enough
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        await server.wait_closed()


def answering(*parts: bytes) -> Serve:
    """Read one request, then send `parts` and hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()

    return serve


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Return head and body of the next request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = [
        int(line.partition(":")[2])
        for line in head.splitlines()
        if line.lower().startswith("content-length:")
    ]
    return head, await reader.readexactly(length[0] if length else 0)


@asynccontextmanager
async def calling(deadline: float = 5.0, **options: object) -> AsyncIterator[Caller]:
    """Yield a caller with these options; close it afterwards."""
    numbers = DeliveryOptions.model_validate(options)
    caller = Caller(numbers, timedelta(seconds=deadline))
    try:
        yield caller
    finally:
        await caller.close()


async def fail(serve: Serve, deadline: float = 5.0, **options: object) -> CallFailed:
    """Return what a POST to such a server fails with."""
    async with listening(serve) as url, calling(deadline, **options) as caller:
        with pytest.raises(CallFailed) as caught:
            await caller.send(httpx.Request("POST", url, content=b"x"), Calls())
    return caught.value


async def test_a_request_goes_out_and_its_answer_comes_back_unchanged() -> None:
    seen: list[tuple[str, bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(
            b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nhello"
        )

    async with listening(serve) as url, calling() as caller:
        place, key = f"{url}/returns/a%2Fb?x=1", {"X-Key": "k"}
        request = httpx.Request("PUT", place, headers=key, content=b"\x00\xff")
        response = await caller.send(request, Calls())

    ((head, body),) = seen
    assert head.startswith("PUT /returns/a%2Fb?x=1 HTTP/1.1\r\n")
    assert "x-key: k\r\n" in head.lower()
    assert body == b"\x00\xff"
    assert (response.status_code, response.content) == (201, b"hello")
    assert response.headers["retry-after"] == "7"
    assert response.request is request


async def test_a_compressed_answer_is_read() -> None:
    packed = gzip.compress(b'{"status": "complete"}')
    head = (
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(packed)}\r\n\r\n"
    )

    async with listening(answering(head.encode(), packed)) as url, calling() as caller:
        response = await caller.send(httpx.Request("GET", url), Calls())

    assert response.json() == {"status": "complete"}


async def test_cookies_of_a_target_are_not_kept() -> None:
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            head, _ = await read_request(reader)
            heads.append(head)
            cookie = b"Set-Cookie: session=1\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + cookie + b"\r\n")

    async with listening(serve) as url, calling() as caller:
        for _ in range(2):
            await caller.send(httpx.Request("GET", url), Calls())

    assert "cookie" not in heads[1].lower()


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    visited: list[str] = []

    async def elsewhere(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        visited.append((await read_request(reader))[0])
        writer.write(NO_CONTENT)

    async with listening(elsewhere) as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n"
        async with listening(answering(moved.encode())) as url, calling() as caller:
            response = await caller.send(httpx.Request("POST", url), Calls())

    assert (response.status_code, visited) == (307, [])


async def test_a_connection_that_is_refused_has_sent_nothing() -> None:
    async with listening(answering()) as url:
        pass  # nobody listens there any more

    async with calling() as caller:
        with pytest.raises(CallFailed) as caught:
            await caller.send(httpx.Request("POST", url), Calls())

    assert (caught.value.reason, caught.value.sent) == ("connect", False)


@pytest.mark.parametrize("address", ["ftp://localhost/x", "/x"])
async def test_an_address_that_cannot_be_called_is_a_failure(address: str) -> None:
    async with calling() as caller:
        with pytest.raises(CallFailed) as caught:
            await caller.send(httpx.Request("POST", address), Calls())

    assert (caught.value.reason, caught.value.sent) == ("bad_address", False)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\nContent-Le",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_an_answer_that_breaks_off_may_follow_an_effect(
    parts: tuple[bytes, ...],
) -> None:
    failure = await fail(answering(*parts))

    assert (failure.reason, failure.sent) == ("connection_lost", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["not HTTP", "not gzip", "endless head"],
)
async def test_an_answer_that_cannot_be_read_is_broken(answer: bytes) -> None:
    failure = await fail(answering(answer))

    assert (failure.reason, failure.sent) == ("broken_answer", True)


async def test_an_answer_above_the_limit_is_not_read_to_its_end() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1_000):
            writer.write(bytes(1_000_000))
            await writer.drain()
            sent += 1_000_000

    failure = await fail(serve, response_limit=10_000)

    assert (failure.reason, failure.sent) == ("answer_too_large", True)
    assert sent < 50_000_000


async def test_a_target_that_says_nothing_runs_into_the_read_timeout() -> None:
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()  # until the caller hangs up

    failure = await fail(serve, read_timeout=timedelta(seconds=0.05))

    assert (failure.reason, failure.sent) == ("read_timeout", True)


async def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    failure = await fail(serve, deadline=0.2)

    assert (failure.reason, failure.sent) == ("deadline", True)


async def test_a_call_that_is_cut_short_has_lost_its_owner() -> None:
    started = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        started.set()
        await reader.read()

    async with listening(serve) as url, calling() as caller:
        calls = Calls()
        call = asyncio.create_task(caller.send(httpx.Request("POST", url), calls))
        await started.wait()
        calls.end()
        calls.end()

        with pytest.raises(LostOwnership):
            await call

    assert calls.ended


async def test_calls_that_are_ending_already_may_be_ended_again() -> None:
    calls, cleaned_up = Calls(), asyncio.Event()

    async def call() -> None:
        async with asyncio.timeout(60) as timer:
            with calls.running(timer):
                try:
                    await asyncio.sleep(60)
                finally:
                    await cleaned_up.wait()

    running = asyncio.create_task(call())
    await settle()
    calls.end()
    await settle()
    calls.end()
    cleaned_up.set()

    with pytest.raises(TimeoutError):
        await running


async def test_calls_of_another_partition_are_not_cut() -> None:
    async with listening(answering(NO_CONTENT)) as url, calling() as caller:
        Calls().end()
        response = await caller.send(httpx.Request("POST", url), Calls())

    assert response.status_code == 204
