"""Stand-ins for what the stages work with: an owner, a target, the network.

None of them has rules of its own: the owner commits when a test says so, the target
reads the answer's status, and the network answers what the test has written down.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

import httpx

from bridge.canonical.envelope import Event, to_headers
from bridge.clock import Clock
from bridge.delivery.calls import Calls
from bridge.delivery.conversation import CallFailed
from bridge.delivery.last_look import PermissionLapsedError
from bridge.errors import LostOwnership
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Failed,
    NotYet,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)
from bridge.streams.records import Record


class FakeOwner:
    """An owner that grants permission when told and remembers what is finished."""

    def __init__(self, partition: int = 0, *, granted: bool = True) -> None:
        self.partition = partition
        self.finished: list[int] = []
        self.obeyed: list[int] = []
        self.notes = 0
        self.crowded = False
        self.lost = False
        self._beside: list[asyncio.Task[None]] = []
        self._granted = asyncio.Event()
        if granted:
            self.grant()

    def grant(self) -> None:
        self._granted.set()

    def withdraw(self) -> None:
        self._granted.clear()

    def lose(self) -> None:
        self.lost = True
        self._granted.set()

    def finish(self, offset: int) -> None:
        self.finished.append(offset)

    def instructed(self, offset: int) -> None:
        self.obeyed.append(offset)

    def alongside(self, work: Coroutine[None, None, None]) -> None:
        self._beside.append(asyncio.create_task(work))

    async def all_done(self) -> None:
        """Wait for what runs beside the reading; raise what it raised."""
        while self._beside:
            await self._beside.pop(0)

    def note(self) -> None:
        self.notes += 1

    def may_call(self) -> bool:
        return self._granted.is_set() and not self.lost

    async def permit(self) -> None:
        await self._granted.wait()
        if self.lost:
            raise LostOwnership("another has it")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the network does with a call: an HTTP status, or a failure, after a while.

    Status 0 makes the target break down over the answer. `release` holds the reply
    back until a test sets it.
    """

    status: int = 200
    retry_after: timedelta | None = None
    failure: CallFailed | PermissionLapsedError | None = None
    after: timedelta = timedelta()
    release: asyncio.Event | None = None


OK = Reply()


@dataclass(slots=True)
class Exchange:
    """One call as the network saw it."""

    event_id: str
    path: str
    headers: httpx.Headers
    began: datetime
    ended: datetime | None = None


class FakeNetwork:
    """Answers each call of an event with its next reply; `OK` when there is none.

    `overlaps` are subjects that were called while a call about them was under way.
    """

    def __init__(self, clock: Clock) -> None:
        self.exchanges: list[Exchange] = []
        self.most_at_once = 0
        self.overlaps: list[str] = []
        self._clock = clock
        self._replies: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self._open: list[str] = []

    def reply(self, event: Event, *replies: Reply) -> None:
        self._replies[event.id].extend(replies)

    def calls_of(self, event: Event) -> int:
        return sum(call.event_id == event.id for call in self.exchanges)

    async def send(self, request: httpx.Request, calls: Calls) -> httpx.Response:
        id_ = request.headers["Idempotency-Key"]
        now = self._clock.now()
        exchange = Exchange(id_, request.url.path, request.headers, now)
        self.exchanges.append(exchange)
        if exchange.path in self._open:
            self.overlaps.append(exchange.path)
        self._open.append(exchange.path)
        self.most_at_once = max(self.most_at_once, len(self._open))
        try:
            return await self._answer(self._next(id_), calls)
        finally:
            self._open.remove(exchange.path)
            exchange.ended = self._clock.now()

    def _next(self, id_: str) -> Reply:
        replies = self._replies[id_]
        return replies.popleft() if replies else OK

    async def _answer(self, reply: Reply, calls: Calls) -> httpx.Response:
        try:
            async with asyncio.timeout(None) as timer:
                with calls.running(timer):
                    await self._clock.sleep(reply.after)
                    if reply.release is not None:
                        await reply.release.wait()
        except TimeoutError as cut:
            raise LostOwnership("the call was cut short") from cut
        if reply.failure is not None:
            raise reply.failure
        return _response(reply)


def _response(reply: Reply) -> httpx.Response:
    wait = reply.retry_after
    headers = {} if wait is None else {"Retry-After": str(wait.total_seconds())}
    return httpx.Response(reply.status, headers=headers)


@dataclass(slots=True)
class FakeTarget:
    """Posts the event; the answer's status is the outcome. Skips types in `skips`."""

    name: str = "wms"
    skips: frozenset[str] = frozenset()
    contexts: dict[str, list[Context]] = field(default_factory=dict)

    def deliver(self, event: Event, context: Context) -> Conversation:
        self.contexts.setdefault(event.id, []).append(context)
        if event.type in self.skips:
            return Skipped("no_rule")
        response = yield httpx.Request(
            "POST",
            _url(event.subject),
            headers={"Idempotency-Key": event.id},
            content=event.body,
        )
        return _judged(response)


@cache
def _url(subject: str) -> httpx.URL:
    """Parsing costs more than all the rest of a fake call."""
    return httpx.URL(f"http://target.example/{subject}")


def _judged(response: httpx.Response) -> Outcome:
    text = response.headers.get("Retry-After")
    wait = None if text is None else timedelta(seconds=float(text))
    outcomes: dict[int, Callable[[], Outcome]] = {
        200: Delivered,
        208: lambda: AlreadyApplied("read back"),
        401: lambda: Unauthorized("http_401"),
        422: lambda: Refused("invalid", "the SKU is unknown"),
        425: lambda: NotYet("no_id"),
        429: lambda: Throttled(wait),
        500: lambda: Failed("http_500", wait),
    }
    return outcomes[response.status_code]()


def event_record(
    event: Event, offset: int, written_at: datetime, topic: str = "returns.events"
) -> Record:
    """Return the record of `event` as a stage reads it."""
    return Record(
        topic=topic,
        partition=0,
        offset=offset,
        timestamp=int(written_at.timestamp() * 1000),
        key=event.subject.encode(),
        value=event.body,
        headers=dict(to_headers(event)),
    )


def paths(exchanges: Sequence[Exchange]) -> list[str]:
    """Return which subjects were called about, in order."""
    return [exchange.path.removeprefix("/") for exchange in exchanges]
