"""A poll stage on one partition without Kafka, and a Redo that answers it.

The log is a list: what an owner commits is appended, and the next owner reads it. All
of it runs in simulated time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import count

import httpx
import orjson
from pydantic import SecretStr

from bridge.app.poll_line import PollLine
from bridge.delivery.budget import Budget
from bridge.delivery.turns import Turns
from bridge.errors import LostOwnership
from bridge.inbound.conversing import Send
from bridge.inbound.pace import Pace
from bridge.inbound.polling import PollWork
from bridge.inbound.polling_desk import PollDesk, Watched
from bridge.platforms.contract import Failed
from bridge.platforms.cursor import Cursor, Order
from bridge.platforms.limits import Limit
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.walk import Poll, PollOptions
from bridge.streams.cursors import is_order, order_record, read_cursor
from bridge.streams.records import Outgoing, Record
from bridge.streams.topics import TopicNames
from tests.support.simulated_time import LoopClock

NAMES = TopicNames()
ACCOUNT = "shop"
Answer = httpx.Response | Failed


class Redo:
    """A store's list of returns, with what it does to callers.

    `next_answers` are given before it goes on as usual. `skew` is its clock minus
    ours; `calls` are (time, request).
    """

    def __init__(self, clock: LoopClock) -> None:
        self.updated: dict[str, datetime] = {}
        self.next_answers: deque[Answer | None] = deque()
        self.calls: list[tuple[datetime, httpx.Request]] = []
        self.skew = timedelta()
        self.takes = timedelta(milliseconds=50)
        self._clock = clock

    def change(self, *returns: str) -> None:
        self.updated.update(dict.fromkeys(returns, self._there()))

    def _there(self) -> datetime:
        return self._clock.now() + self.skew

    def windows_since(self) -> list[datetime]:
        """Return the beginnings of the windows asked for, in order."""
        return [
            datetime.fromisoformat(call.url.params["updated_at_min"])
            for _, call in self.calls
            if "status" not in call.url.params
        ]

    async def send(self, request: httpx.Request) -> Answer:
        if "/webhooks" in request.url.path:  # what it says is the care's
            return httpx.Response(200)
        self.calls.append((self._clock.now(), request))
        await self._clock.sleep(self.takes)
        scripted = self.next_answers.popleft() if self.next_answers else None
        return self._page(request) if scripted is None else scripted

    def _page(self, request: httpx.Request) -> httpx.Response:
        query, headers = request.url.params, request.headers
        since = datetime.fromisoformat(query["updated_at_min"])
        until = datetime.fromisoformat(query["updated_at_max"])
        size, after = int(headers["X-Page-Size"]), headers.get("X-Page-Continue", "")
        rows = sorted(
            name
            for name, at in self.updated.items()
            if since <= at < until and name > after and "status" not in query
        )
        body = {"returns": [self._row(name) for name in rows[:size]], "orders": []}
        answer = {"Date": format_datetime(self._there())}
        if len(rows) > size:
            answer["X-Page-Next"] = rows[size - 1]
        return httpx.Response(200, content=orjson.dumps(body), headers=answer)

    def _row(self, name: str) -> dict[str, object]:
        return {"id": name, "updatedAt": self.updated[name].isoformat()}


class Log:
    """What is committed, and so what a new owner finds."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._offsets = count()

    def append(self, batch: list[Outgoing]) -> None:
        self.records += [
            Record(
                out.topic,
                out.partition or 0,
                next(self._offsets),
                0,
                out.key,
                out.value,
                dict(out.headers),
            )
            for out in batch
        ]

    def of(self, topic: str) -> list[Record]:
        return [record for record in self.records if record.topic == topic]

    def observed(self, channel: str = "poll") -> list[str]:
        """Return the ids of the returns observed, in order."""
        return [
            (record.key or b"").decode().rpartition("/")[2]
            for record in self.of(NAMES.raw)
            if record.headers["channel"] == channel.encode()
        ]

    def cursor(self) -> Cursor:
        cursors = [each for each in self.of(NAMES.cursors) if not is_order(each)]
        return read_cursor(cursors[-1])

    async def read(self, apply: Callable[[list[Record]], None]) -> int:
        apply(self.of(NAMES.cursors))
        return self.records[-1].offset + 1 if self.records else 0


class Owner:
    """Owns the partition: commits what is noted, until it is lost or crashes."""

    partition = 0

    def __init__(self, log: Log) -> None:
        self.finished: list[int] = []
        self.commits = 0
        self.lost = False
        self.paused = asyncio.Event()
        self.paused.set()
        self._log = log
        self._noted = asyncio.Event()

    def finish(self, offset: int) -> None:
        self.finished.append(offset)

    def note(self) -> None:
        self._noted.set()

    async def permit(self) -> None:
        if self.lost:
            raise LostOwnership("another has it")

    async def run(self, work: PollWork) -> None:
        while True:
            await self._noted.wait()
            await self.paused.wait()
            self._noted.clear()
            self._log.append(work.collect())
            self.commits += 1
            work.committed({})


class Stage:
    """One owner of the partition at work; `crash` leaves only what is committed."""

    def __init__(self, log: Log, desk: PollDesk) -> None:
        self.owner = Owner(log)
        self.work = PollWork(self.owner, desk, log.read)
        self._committing = asyncio.create_task(self.owner.run(self.work))

    async def open(self) -> "Stage":
        await self.work.restore(clean=True)
        return self

    async def crash(self) -> None:
        self.owner.lost = True
        self._committing.cancel()
        self.work.drop()
        await asyncio.sleep(0)


class Rig:
    """A log, a Redo and the way from one to the other."""

    def __init__(self, **poll: object) -> None:
        self.clock = LoopClock()
        self.log = Log()
        self.redo = Redo(self.clock)
        self.send: Send = self.redo.send
        self.polls: dict[str, Poll] = {ACCOUNT: redo_poll(ACCOUNT, **poll)}
        self.cares: dict[str, Watched] = {}
        self.daily: dict[str, int] = {}
        self.known: list[str] = []
        self.breaks: deque[Exception] = deque()
        self.partitions = 1
        self.limits: tuple[Limit, ...] = ()
        self.turns: dict[str, Turns] = {}
        self.pace = PollOptions(calls_per_minute=600)

    def desk(self) -> PollDesk:
        return PollDesk(
            topics=NAMES,
            partitions=self.partitions,
            polls=self.polls,
            lines={name: self.line(name) for name in (*self.polls, *self.cares)},
            send=self.send,
            clock=self.clock,
            jitter=lambda: 0.5,
            daily=self.daily,
            cares=self.cares,
            watch_every=timedelta(minutes=10),
            living=self.living,
        )

    async def living(self, account: str) -> Sequence[str]:
        """Return what is known of the account; None of it if it breaks first."""
        assert account == ACCOUNT
        if self.breaks:
            raise self.breaks.popleft()
        return self.known

    def line(self, account: str) -> PollLine:
        """Give an account a line of its own, as in a process that begins."""
        self.turns[account] = Turns(Budget(self.limits), self.clock)
        return PollLine(Pace(self.pace, self.clock), self.turns[account], self.clock)

    async def stage(self) -> Stage:
        return await Stage(self.log, self.desk()).open()

    async def pass_time(self, **duration: float) -> None:
        await self.clock.sleep(timedelta(**duration))

    def order(self, kind: str, *, id_: str = "o1", days: float = 30) -> Record:
        """Write an order as the command line does; return its record."""
        now = self.clock.now()
        order = Order.model_validate(
            {
                "id": id_,
                "account": ACCOUNT,
                "kind": kind,
                "since": now - timedelta(days=days),
                "until": now,
                "issued_at": now,
            }
        )
        self.log.append([order_record(order, NAMES.cursors, 0)])
        return self.log.records[-1]


def listing(*rows: object, next_: str | None = None) -> httpx.Response:
    """Return a page of the list without orders."""
    headers = {} if next_ is None else {"X-Page-Next": next_}
    content = orjson.dumps({"returns": rows, "orders": []})
    return httpx.Response(200, content=content, headers=headers)


def redo_poll(account: str, **options: object) -> Poll:
    settings = RedoAccount.model_validate(
        {
            "store_id": "s1",
            "api_token": SecretStr("secret"),
            "webhook_tokens": [SecretStr("hook")],
            "poll": options,
        }
    )
    poll = settings.polling(account)
    assert poll is not None
    return poll
