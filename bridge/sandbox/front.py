"""The front of a simulated system: requests meet their faults here, and are noted.

The system behind it only says what it would answer; the front decides what the caller
gets to see of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import orjson
from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.clock import Clock
from bridge.sandbox.calls import Call, CallLog
from bridge.sandbox.faults import (
    AnswerLost,
    Fault,
    FaultPlan,
    ServerError,
    Slow,
    Throttle,
)
from bridge.sandbox.server import drop

Json = dict[str, JsonValue]

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request is about, as far as it can be told before it is judged."""

    subject: str
    reference: str | None = None
    key: str | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answers, None for no body; `effect`: it changed something.

    The body is JSON unless `content_type` says that it is text.
    """

    status: int
    body: JsonValue = None
    effect: bool = False
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, type_: str, title: str, **more: JsonValue) -> Answer:
    """Return a problem object (RFC 9457)."""
    body: Json = {"type": type_, "title": title, **more}
    return Answer(status, body, content_type=PROBLEM)


class _Silence(Response):
    """No answer: the connection is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


def _broken(status: int) -> Answer:
    return problem(status, "about:blank", "Something broke over here")


class Front:
    """One server's faults and record of calls.

    `hold` is the longest a lost answer keeps its caller. `dress` may change the form of
    every answer before it leaves.
    """

    def __init__(
        self,
        server: str,
        *,
        clock: Clock,
        faults: FaultPlan,
        log: CallLog,
        hold: timedelta = timedelta(seconds=20),
    ) -> None:
        self.faults = faults
        self.log = log
        self.dress: Callable[[Answer], Answer] = lambda answer: answer
        self._server = server
        self._clock = clock
        self._hold = hold
        self._closed = asyncio.Event()

    def close(self) -> None:
        """Let go of the connections that are held."""
        self._closed.set()

    async def attend(
        self, request: Request, ask: Ask, work: Callable[[], Answer]
    ) -> Response:
        """Answer `request` with what `work` says, unless a fault comes between.

        `work` runs at most once, and not at all if the fault says so. The request's
        body must have been read before.
        """
        started, started_at = self._clock.monotonic(), self._clock.now()
        fault = self.faults.next(await _key_of(request, ask))
        if isinstance(fault, Slow):
            await self._clock.sleep(fault.delay)
        answer = self.dress(self._refusal(fault) or work())
        effect = self.log.next_effect() if answer.effect else None
        answered = not isinstance(fault, AnswerLost)
        if isinstance(fault, AnswerLost):
            await self._lose(request, held=fault.held)
        else:
            answered = not await request.is_disconnected()
        call = Call(
            server=self._server,
            method=request.method,
            path=request.url.path,
            subject=ask.subject,
            reference=ask.reference,
            key=ask.key,
            revision=ask.revision,
            status=answer.status,
            effect=effect,
            answered=answered,
            fault=None if fault is None else fault.name,
            started=started,
            ended=self._clock.monotonic(),
            started_at=started_at,
        )
        self.log.record(call)
        return _response(answer) if answered else _Silence()

    def _refusal(self, fault: Fault | None) -> Answer | None:
        match fault:
            case ServerError(status):
                return _broken(status)
            case Throttle(retry_after, as_date):
                value = _retry_after(retry_after, as_date, self._clock.now())
                return Answer(429, {}, headers={"retry-after": value})
            case _:
                return None

    async def _lose(self, request: Request, *, held: bool) -> None:
        """Wait until the caller has left, or close on it."""
        left = asyncio.create_task(_left(request))
        released = asyncio.create_task(self._closed.wait())
        if held:
            await asyncio.wait(
                (left, released),
                timeout=self._hold.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
        released.cancel()
        drop(request)
        await left


async def _key_of(request: Request, ask: Ask) -> str:
    """What makes two requests tries of the same thing."""
    if ask.key is not None:
        return f"{request.method} {request.url.path} {ask.key}"
    body = (await request.body()).decode(errors="replace")
    return f"{request.method} {request.url.path} {body}"


async def _left(request: Request) -> None:
    """Return when the caller has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _retry_after(wait: timedelta, as_date: bool, now: datetime) -> str:  # noqa: FBT001 a fault's field
    """RFC 9110 section 10.2.3: delay seconds, or a date; dates have whole seconds."""
    if not as_date:
        return str(int(wait.total_seconds()))
    return format_datetime(now + wait + timedelta(seconds=1), usegmt=True)


def _response(answer: Answer) -> Response:
    no_body = answer.body is None
    is_text = answer.content_type.startswith("text/")
    content = str(answer.body).encode() if is_text else orjson.dumps(answer.body)
    return Response(
        None if no_body else content,
        status_code=answer.status,
        media_type=None if no_body else answer.content_type,
        headers=dict(answer.headers),
    )
