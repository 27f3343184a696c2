"""Nothing leaves once the owner may not call, however late that turns out."""

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import uvloop

from bridge.delivery.calls import Caller, Calls
from bridge.delivery.last_look import PermissionLapsedError
from bridge.delivery.options import DeliveryOptions


@asynccontextmanager
async def recording() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Take whatever comes in, connection by connection; answer each request."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65_536):
            came.append(some)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}", came
    finally:
        server.close()
        await server.wait_closed()


def answers(*given: bool) -> Callable[[], bool]:
    """Answer the looks of a request one after the other."""
    left: Iterator[bool] = iter(given)
    return lambda: next(left)


def request_to(url: str, body: bytes = b"x") -> httpx.Request:
    return httpx.Request("POST" if body else "GET", url, content=body)


@pytest.mark.parametrize(
    ("body", "looks"),
    [(b"", (False,)), (b"x", (False,)), (b"x", (True, False))],
    ids=["without a body", "before the head", "before head and body leave"],
)
async def test_a_call_whose_permission_lapsed_sends_not_a_byte(
    body: bytes, looks: tuple[bool, ...]
) -> None:
    caller = Caller(DeliveryOptions(), timedelta(seconds=5))

    async with recording() as (url, came):
        with pytest.raises(PermissionLapsedError):
            await caller.send(request_to(url, body), Calls(answers(*looks)))
        calm = await caller.send(request_to(url, body), Calls())
        await caller.close()

    assert calm.status_code == 204
    assert len(came) == 1  # the second call's


class Listener:
    """A server that reads nothing of its own accord, so that one can see what came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self._socket.getsockname())
        self._peer: socket.socket | None = None

    def answer(self) -> None:
        """Take a request in and answer it; blocks."""
        if self._peer is None:
            self._peer, _ = self._socket.accept()
        self._peer.recv(65_536)
        self._peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def has_come(self) -> bool:
        """Tell whether bytes lie in the kernel that nobody has read."""
        assert self._peer is not None
        readable, _, _ = select.select([self._peer], [], [], 0)
        return bool(readable)

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._socket.close()


async def seen_after_looking(listener: Listener) -> list[bool]:
    """Return what had come, each time others got a turn after the last look."""
    looks = 0
    seen: list[bool] = []

    def look() -> bool:
        nonlocal looks
        looks += 1
        return True

    async def watch() -> None:
        while not seen:
            if looks == len(("head", "body")):
                seen.append(listener.has_come())
            await asyncio.sleep(0)

    caller = Caller(DeliveryOptions(), timedelta(seconds=5))
    connecting = asyncio.create_task(caller.send(request_to(listener.url), Calls()))
    await asyncio.to_thread(listener.answer)
    await connecting
    call = asyncio.create_task(caller.send(request_to(listener.url), Calls(look)))
    await asyncio.gather(watch(), watch())  # one of them follows the call in each turn
    await asyncio.to_thread(listener.answer)
    await call
    await caller.close()
    return seen


def test_a_request_is_in_the_kernel_before_anybody_else_gets_a_turn() -> None:
    """On the bridge's event loop: some gather what is written until a turn ends."""
    listener = Listener()

    seen = uvloop.run(seen_after_looking(listener))
    listener.close()

    assert seen
    assert all(seen)
