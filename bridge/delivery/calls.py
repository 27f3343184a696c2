"""The HTTP side of a target: one client, its deadlines, its limits.

Conversations speak in httpx's requests and answers; they travel on aiohttp's client,
which at 64 in flight is ten times as fast as httpx's own. Redirects are not followed
(they would lead a credential to another host), cookies are not kept, proxies are not
read from the environment. TLS is verified, answers are bounded.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import aiohttp
import httpx
from yarl import URL

from bridge.delivery.conversation import CallFailed
from bridge.delivery.last_look import MAY_START, LastLook
from bridge.delivery.options import DeliveryOptions
from bridge.errors import LostOwnership

_BADLY_CODED = aiohttp.http_exceptions.ContentEncodingError
#: Why a call came to nothing, and whether it may have been sent: the first that fits.
_REASONS: tuple[tuple[type[Exception], str, bool], ...] = (
    (_BADLY_CODED, "broken_answer", True),
    (aiohttp.InvalidURL, "bad_address", False),
    (aiohttp.NonHttpUrlClientError, "bad_address", False),
    (aiohttp.ClientConnectorError, "connect", False),
    (aiohttp.ConnectionTimeoutError, "connect", False),
    (aiohttp.SocketTimeoutError, "read_timeout", True),
    (aiohttp.ClientConnectionError, "connection_lost", True),
    (aiohttp.ClientPayloadError, "connection_lost", True),
    (aiohttp.ClientError, "broken_answer", True),
    (ValueError, "bad_address", False),
)
#: Headers that told of bytes as they travelled: what is handed on is read already.
_OF_TRAVEL = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_CHUNK = 16 * 1024


class Caller:
    """Sends requests of one target and reads their answers."""

    def __init__(self, options: DeliveryOptions, deadline: timedelta) -> None:
        self._deadline = deadline.total_seconds()
        self._options = options
        self._limit = options.response_limit
        self._timeouts = aiohttp.ClientTimeout(
            sock_connect=options.connect_timeout.total_seconds(),
            sock_read=options.read_timeout.total_seconds(),
        )
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: httpx.Request, calls: "Calls") -> httpx.Response:
        """Return the answer within the call deadline; raise CallFailed otherwise.

        Raises PermissionLapsedError where the call may start no more: it was not sent.
        """
        MAY_START.set(calls.may_start)
        try:
            async with asyncio.timeout(self._deadline) as timer:
                with calls.running(timer):
                    return await self._exchange(request)
        except (aiohttp.ClientError, ValueError) as broken:
            raise _translated(broken) from broken
        except TimeoutError as late:
            if calls.ended:
                raise LostOwnership("the call was cancelled") from late
            raise CallFailed("deadline", sent=True) from late

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        session = self._session or self._open()
        async with session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=request.headers,
            data=request.content or None,
            allow_redirects=False,
            timeout=self._timeouts,
        ) as answer:
            body = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > self._limit:
                    raise CallFailed("answer_too_large", sent=True)
        kept = [one for one in answer.raw_headers if one[0].lower() not in _OF_TRAVEL]
        return httpx.Response(
            answer.status, headers=kept, content=bytes(body), request=request
        )

    def _open(self) -> aiohttp.ClientSession:
        """Open the client: not before a loop runs."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._options.concurrency, ssl=self._options.verify_tls
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=LastLook,
        )
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


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


def _translated(broken: aiohttp.ClientError | ValueError) -> CallFailed:
    # A body that breaks off and one that is badly coded come as the same error.
    told = broken.__cause__ if isinstance(broken.__cause__, _BADLY_CODED) else broken
    kinds = (known for known in _REASONS if isinstance(told, known[0]))
    _, reason, sent = next(kinds)
    return CallFailed(reason, sent=sent)
