"""A server on loopback that takes everything, and a warehouse that notes what came."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import httptools
import orjson

from bridge.clock import Clock

_TAKEN = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
_LOOK = timedelta(milliseconds=20)


class Recorder:
    """How many calls there were; when (`perf_counter`) the first of a subject was."""

    def __init__(self, clock: Clock) -> None:
        self.called_at: dict[str, float] = {}
        self.calls = 0
        self.url = ""
        self._clock = clock

    def note(self, body: bytes, at: float) -> None:
        """Take a call: a CloudEvent, structured."""
        self.calls += 1
        self.called_at.setdefault(orjson.loads(body)["subject"], at)

    async def heard_of(self, subjects: Collection[str], within: timedelta) -> bool:
        """Return whether all were called about in time."""
        deadline = self._clock.monotonic() + within.total_seconds()
        while not self.called_at.keys() >= set(subjects):
            if self._clock.monotonic() > deadline:
                return False
            await self._clock.sleep(_LOOK)
        return True


@asynccontextmanager
async def recording(clock: Clock) -> AsyncIterator[Recorder]:
    """Be a warehouse on any free port of the loopback address."""
    recorder = Recorder(clock)
    async with taking(recorder.note) as recorder.url:
        yield recorder


@asynccontextmanager
async def taking(note: Callable[[bytes, float], None]) -> AsyncIterator[str]:
    """Answer 202 to every call, told to `note` with body and time; give the URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Call(note), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/hooks/returns"
    finally:
        server.close()


class _Call(asyncio.Protocol):
    """One connection of the bridge's client."""

    def __init__(self, note: Callable[[bytes, float], None]) -> None:
        self._note = note
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._began = 0.0
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one by its methods only, not by its class
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._began = time.perf_counter()
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._note(b"".join(self._body), self._began)
        if self._transport is not None:
            self._transport.write(_TAKEN)
