"""The HTTP side of a target: one client, its deadlines, its limits.

httpx's requests and answers on aiohttp's connections: at 64 in flight ten times as fast
as httpx's own. The transport is asked directly: a client above it would follow
redirects (they would lead a credential to another host), keep cookies and read
proxies from the environment, and costs a quarter more. TLS is verified, answers are
bounded.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bridge.delivery.conversation import CallFailed
from bridge.delivery.last_look import MAY_START, LastLook
from bridge.delivery.options import DeliveryOptions
from bridge.errors import LostOwnership

#: Only these mean that nothing was sent. The transport calls every lost connection a
#: connect time-out, so its cause has to be asked.
_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
)
_BAD_ADDRESS = (httpx.UnsupportedProtocol, httpx.InvalidURL)
_REASONS: dict[type[Exception], str] = {
    httpx.ReadTimeout: "read_timeout",
    httpx.WriteTimeout: "write_timeout",
    httpx.DecodingError: "broken_answer",
}


class Caller:
    """Sends requests of one target and reads their answers."""

    def __init__(self, options: DeliveryOptions, deadline: timedelta) -> None:
        self._deadline = deadline.total_seconds()
        self._limit = options.response_limit
        self._transport = _transport(options)
        self._timeouts = httpx.Timeout(
            options.read_timeout.total_seconds(),
            connect=options.connect_timeout.total_seconds(),
        ).as_dict()

    async def send(self, request: httpx.Request, calls: "Calls") -> httpx.Response:
        """Return the answer within the call deadline; raise CallFailed otherwise.

        Raises PermissionLapsedError where the call may start no more: it was not sent.
        """
        MAY_START.set(calls.may_start)
        try:
            async with asyncio.timeout(self._deadline) as timer:
                with calls.running(timer):
                    return await self._exchange(request)
        except TimeoutError as late:
            if calls.ended:
                raise LostOwnership("the call was cancelled") from late
            raise CallFailed("deadline", sent=True) from late
        except (httpx.HTTPError, httpx.InvalidURL) as broken:
            raise _translated(broken) from broken
        except aiohttp.ClientError as broken:  # the transport lets it through
            raise CallFailed("broken_answer", sent=True) from broken

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = self._timeouts
        response = await self._transport.handle_async_request(request)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._limit:
                    raise CallFailed("answer_too_large", sent=True)
        finally:
            await response.aclose()
        return _with_body(response, bytes(body))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def _always() -> bool:
    return True


class Calls:
    """The calls in flight of one partition, so that they can be cut short.

    `may_start` is asked right before each is written.
    """

    def __init__(self, may_start: Callable[[], bool] = _always) -> None:
        self.ended = False
        self.may_start = may_start
        self._timers: set[asyncio.Timeout] = set()

    def running(self, timer: asyncio.Timeout) -> AbstractContextManager[None]:
        """Keep `timer` while the call runs."""
        return _Kept(self._timers, timer)

    def end(self) -> None:
        """Cut all calls short: their outcome no longer concerns this process."""
        self.ended = True
        now = asyncio.get_running_loop().time()
        for timer in self._timers:
            if not timer.expired():  # one that has may not be moved any more
                timer.reschedule(now)


class _Kept:
    __slots__ = ("_timer", "_timers")

    def __init__(self, timers: set[asyncio.Timeout], timer: asyncio.Timeout) -> None:
        self._timers = timers
        self._timer = timer

    def __enter__(self) -> None:
        self._timers.add(self._timer)

    def __exit__(self, *_: object) -> None:
        self._timers.discard(self._timer)


def _transport(options: DeliveryOptions) -> AiohttpTransport:
    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=options.concurrency, ssl=options.verify_tls
        )
        jar = aiohttp.DummyCookieJar()
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=jar, request_class=LastLook
        )

    return AiohttpTransport(client=session)


def _translated(broken: Exception) -> CallFailed:
    if isinstance(broken, _BAD_ADDRESS):
        return CallFailed("bad_address", sent=False)
    if isinstance(broken.__cause__, _NEVER_SENT):
        return CallFailed("connect", sent=False)
    reason = _REASONS.get(type(broken), "connection_lost")
    return CallFailed(reason, sent=True)


def _with_body(response: httpx.Response, body: bytes) -> httpx.Response:
    kept = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name not in ("content-encoding", "content-length", "transfer-encoding")
    ]
    return httpx.Response(
        response.status_code, headers=kept, content=body, request=response.request
    )
