"""A sender of webhooks: as fast as they are answered, or at a rate, open-loop.

Open-loop means that a request is due when the clock says so, whether or not earlier
ones were answered, and that its latency counts from the moment it was due: a stalled
server is seen in every request that had to wait for it (no coordinated omission).

Costs a fraction of what the bridge spends on a request, so it is not what is measured.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import httptools

from bridge.clock import Clock
from bridge.errors import BridgeError

_ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Due:
    """One request on the wire's own form, and when it was due (`time.perf_counter`)."""

    content: bytes
    at: float


@dataclass(slots=True)
class Answers:
    """What came back: latencies in seconds, and from first to last in seconds.

    `began` is when (`time.perf_counter`) the first request was due.
    """

    began: float = 0.0
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Load:
    """Sends over connections that stay open; made by `connected`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._connections: list[_Connection] = []
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[Due] = deque()
        self._left = 0
        self._answers = Answers()
        self._over = asyncio.Event()
        self._broken: str | None = None

    async def saturate(self, requests: Sequence[bytes], limit: timedelta) -> Answers:
        """Send all, one at a time on each connection, as fast as they are answered."""
        began = self._begin(len(requests))
        for content in requests:
            self._submit(Due(content, began))
        return await self._finish(began, limit)

    async def offer(
        self, requests: Sequence[bytes], rate: float, limit: timedelta
    ) -> Answers:
        """Send all at `rate` per second, come what may."""
        began = self._begin(len(requests))
        for number, content in enumerate(requests):
            due = began + number / rate
            early = due - time.perf_counter()
            if early > 0:
                await self._clock.sleep(timedelta(seconds=early))
            self._submit(Due(content, due))
        return await self._finish(began, limit)

    def _begin(self, count: int) -> float:
        self._left = count
        self._answers = Answers(began=time.perf_counter())
        self._over.clear()
        return self._answers.began

    async def _finish(self, began: float, limit: timedelta) -> Answers:
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._over.wait()
        except TimeoutError:
            raise BridgeError(
                f"{self._left:,} webhooks were not answered within {limit}"
            ) from None
        if self._broken is not None:
            raise BridgeError(f"nothing measured: {self._broken}")
        self._answers.seconds = time.perf_counter() - began
        return self._answers

    def _submit(self, request: Due) -> None:
        if self._idle:
            self._idle.popleft().send(request)  # in turn: none falls asleep
        else:
            self._waiting.append(request)

    def answered(self, connection: "_Connection", request: Due, status: int) -> None:
        """Take note of an answer, and give the connection its next request."""
        if status != _ACCEPTED:
            self.broke(f"a webhook was answered {status}")
        self._answers.latencies.append(time.perf_counter() - request.at)
        self._left -= 1
        if not self._left:
            self._over.set()
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def broke(self, why: str) -> None:
        """End the measure: what comes now would be worth nothing."""
        self._broken = self._broken or why
        self._over.set()

    async def open(self, port: int, connections: int) -> None:
        for _ in range(connections):
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", port
            )
            self._connections.append(connection)
            self._idle.append(connection)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def senders(rate: float) -> int:
    """Return how many connections offer `rate` per second: each has its turn often.

    One that is used too seldom would be closed by the server.
    """
    return max(4, min(256, int(rate)))


@asynccontextmanager
async def connected(port: int, connections: int, clock: Clock) -> AsyncIterator[Load]:
    """Open so many connections to a server on loopback."""
    load = Load(clock)
    try:
        await load.open(port, connections)
        yield load
    finally:
        load.close()


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._request: Due | None = None
        self._transport: asyncio.Transport | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one by its methods only, not by its class
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: Due) -> None:
        self._request = request
        if self._transport is not None:
            self._transport.write(request.content)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            self._load.answered(self, request, self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            self._load.broke(f"the server closed a connection ({exc})")

    def close(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()


def on_the_wire(bodies: Iterator[bytes], path: str, token: str) -> Iterator[bytes]:
    """Yield webhooks as HTTP/1.1 requests with a bearer token."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        "content-type: application/json\r\ncontent-length: "
    ).encode()
    for body in bodies:
        yield b"%b%d\r\n\r\n%b" % (head, len(body), body)
