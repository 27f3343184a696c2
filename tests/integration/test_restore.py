"""Ten thousand parked events on a real broker: handed over, and released in order."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bridge.app.stages import Served, deliver_member
from bridge.canonical.envelope import Cause, Event, chain_start, seal, to_headers
from bridge.clock import SystemClock
from bridge.delivery.calls import Calls
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.platforms.contract import Context, Conversation, Delivered, Throttled
from bridge.streams.bulk import write_all
from bridge.streams.member import Member
from bridge.streams.options import OwnershipOptions
from bridge.streams.records import Outgoing
from bridge.streams.restore import Reader
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, options_of
from tests.support.histories import published
from tests.support.kafka_plugin import CreateTopics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timed]

SUBJECTS, EACH, TARGET = 500, 20, "dock"
EVENTS = SUBJECTS * EACH
WAIT = timedelta(seconds=25)  # longer than `park_after`: whatever waits is parked
PATIENCE = timedelta(seconds=60)
AT_WORK = 3.0  # seconds until a successor makes calls and has all that was parked
_CAUSE = Cause(
    source="/redo/shop", time=datetime(2027, 3, 1, tzinfo=UTC), causation_id="cause"
)
_CLOCK = SystemClock()


@dataclass
class Choosy:
    """A target that is busy at first, and notes what it takes and when."""

    name: str = TARGET
    busy: bool = True
    calls: int = 0
    first: float = 0.0
    last: float = 0.0
    taken: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def deliver(self, event: Event, context: Context) -> Conversation:
        del context
        self.calls += 1
        yield httpx.Request("POST", "http://target.example/")
        if self.busy:
            return Throttled(WAIT)
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.taken[event.subject].append(event.sequence)
        return Delivered()

    @property
    def count(self) -> int:
        return sum(map(len, self.taken.values()))


async def answer(_request: httpx.Request, _calls: Calls) -> httpx.Response:
    return httpx.Response(200)


def lane(subject: str) -> list[Event]:
    news = [("return.updated", b'{"body":"%s"}' % (b"x" * 2_000))] * EACH
    return seal(subject, 0, chain_start(subject), _CAUSE, news)


def as_records(names: TopicNames, lanes: list[list[Event]]) -> Iterator[Outgoing]:
    for at in range(EACH):
        for events in lanes:
            yield published(names, events[at])


@asynccontextmanager
async def serving(
    kafka: Broker, names: TopicNames, target: Choosy
) -> AsyncIterator[Desk]:
    """Run one member of the target's group, and let it go in order."""
    options = DeliveryOptions(dead_limit=10_000)
    served = Served(target, "w", names, options, OwnershipOptions())
    desk = Desk(target, options, _CLOCK, answer)
    reader = Reader(options_of(kafka), names.parked(TARGET), _CLOCK)
    member: Member = deliver_member(options_of(kafka), served, desk, reader)
    stop = asyncio.Event()
    running = asyncio.create_task(member.run(stop))
    try:
        yield desk
    finally:
        stop.set()
        await running
        await reader.close()


async def test_ten_thousand_parked_events_are_handed_over_and_released_in_order(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, TARGET, partitions=12)
    subjects = [f"redo/shop/{number}" for number in range(SUBJECTS)]
    lanes = [lane(subject) for subject in subjects]
    await write_all(options_of(kafka), as_records(names, lanes))
    target = Choosy()
    async with serving(kafka, names, target) as desk:
        await wait_until(
            lambda: parked(desk) == EVENTS, what="all parked", within=PATIENCE
        )
    assert target.calls == SUBJECTS

    target.busy = False
    at_work = await take_over(kafka, names, target)

    rate = EVENTS / (target.last - target.first)
    print(f"at work after {at_work:.2f} s, released {rate:,.0f}/s")  # noqa: T201
    expected = list(range(1, EACH + 1))
    assert [target.taken[subject] for subject in subjects] == [expected] * SUBJECTS
    assert at_work <= AT_WORK


async def take_over(kafka: Broker, names: TopicNames, target: Choosy) -> float:
    """Let a successor work everything off; return by when it was at work, in s."""
    (news, *_) = lane("redo/shop/healthy")
    key, headers = news.subject.encode(), to_headers(news)
    await write_all(options_of(kafka), [Outgoing(names.events, key, b"{}", headers)])
    begun = time.monotonic()
    async with serving(kafka, names, target) as desk:
        await wait_until(
            lambda: target.count == 1 and parked(desk) == EVENTS,
            what="a call, and all that was parked",
            within=PATIENCE,
        )
        at_work, target.first = time.monotonic() - begun, 0.0
        await wait_until(
            lambda: target.count == EVENTS + 1, what="all released", within=PATIENCE
        )
        await wait_until(lambda: parked(desk) == 0, what="the end", within=PATIENCE)
    return at_work


def parked(desk: Desk) -> int:
    return sum(partition.lanes.parked for partition in desk.partitions)
