"""What uvicorn leaves open: connections without number, heads without end or haste.

The protocol below closes a connection that is one too many, whose head does not come
within its time, or that sends more than `head_limit` bytes without getting on (an
endless head, endless trailers). Bodies are watched by `body.py`. Behind a proxy these
are rare; without one, each of them would cost a process its memory or its sockets.

It also declines an offered upgrade (RFC 9110, section 7.8, lets a server ignore it).
httptools takes what follows such a head for another protocol: a POST of Java's
HttpClient, which offers h2c on every first request without TLS, would lose its body.
"""

import asyncio
from dataclasses import dataclass

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.inbound.asgi import Answer, Header
from bridge.inbound.problems import (
    BAD_REQUEST,
    BUSY,
    HEAD_TOO_LARGE,
    SLOW_HEAD,
    Problem,
)
from bridge.telemetry import metrics

_OFFER = frozenset({b"upgrade", b"http2-settings"})
_WITHOUT_APP = (BAD_REQUEST, BUSY, HEAD_TOO_LARGE, SLOW_HEAD)


def _wire(problem: Problem) -> bytes:
    """Return the answer as bytes, for a request that never reaches the app."""
    made: Answer = problem.answer()
    lines = [f"HTTP/1.1 {made.status} {problem.title}".encode()]
    lines += [name + b": " + value for name, value in made.headers]
    return b"\r\n".join([*lines, b"connection: close", b"", made.body])


_WIRE = {problem.reason: _wire(problem) for problem in _WITHOUT_APP}


def _without_upgrade(
    parser: httptools.HttpRequestParser, url: bytes, headers: list[Header]
) -> bytes | None:
    """Return the head without its offer; None for CONNECT, which is nothing else."""
    method: bytes = parser.get_method()
    if method == b"CONNECT":
        return None
    lines = [method + b" " + url + b" HTTP/" + parser.get_http_version().encode()]
    for name, value in headers:
        kept = value if name != b"connection" else _less_upgrade(value)
        if name not in _OFFER:
            lines.append(name + b": " + kept)
    return b"\r\n".join([*lines, b"", b""])


def _less_upgrade(connection: bytes) -> bytes:
    tokens = (token.strip() for token in connection.split(b","))
    return b", ".join(token for token in tokens if token.lower() not in _OFFER)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process grants its connections; seconds and bytes."""

    connections: int = 1_000
    head_bytes: int = 64 * 1024
    head_seconds: float = 10.0


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline and a limit for everything before a body."""

    limits = Limits()
    _head_deadline: asyncio.TimerHandle | None = None
    _in_head = False
    _upgrade_offered = False
    _under_way = 0
    _idle_bytes = 0

    def connection_made(  # type: ignore[override]  # as uvicorn has it
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._close(BUSY, "too_many")
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_deadline is None and not self._under_way:
            self._expect_head()
        self._idle_bytes += len(data)
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._idle_bytes > self.limits.head_bytes:
            self._close(HEAD_TOO_LARGE, "head_too_large")

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            self._decline_upgrade(data[offered.args[0] :])
        except httptools.HttpParserError:
            self._close(BAD_REQUEST, "bad_request")

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the head again without its offer, then what came after it."""
        head = _without_upgrade(self.parser, self.url, self.headers)
        if head is None:
            self._close(BAD_REQUEST, "bad_request")
            return
        self._upgrade_offered = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(
            lenient_data_after_close=True
        )  # as uvicorn
        self._feed(head + rest)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer: nobody reads them
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._upgrade_offered = True
            return
        self._head_arrived()
        self._in_head = False
        self._under_way += 1
        self._idle_bytes = 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self._under_way -= 1
        super().on_response_complete()

    def on_body(self, body: bytes) -> None:
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrade_offered:
            return
        self._idle_bytes = 0
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._head_deadline = self.loop.call_later(
            self.limits.head_seconds, self._close, SLOW_HEAD, "slow_head"
        )

    def _head_arrived(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _close(self, problem: Problem, reason: str) -> None:
        if self.transport.is_closing():
            return
        metrics.CONNECTIONS_REFUSED.labels(reason).inc()
        if not self._under_way:  # else the app is answering: nothing may be put between
            self.transport.write(_WIRE[problem.reason])
        self.transport.close()
