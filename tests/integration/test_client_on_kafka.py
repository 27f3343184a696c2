"""The client on a real broker: transactions, acknowledgement, restarts, rebalances."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from bridge.canonical.draft import Draft, encode
from bridge.canonical.envelope import Cause, chain_start, seal, to_headers
from bridge.canonical.event_data import EventData
from bridge.canonical.events import ReturnApproved
from bridge.client import Counts, Gap, ReadingOptions, Received, ReturnsRouter
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker
from tests.support.clock import START
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

CreateTopics = Callable[..., Coroutine[object, object, TopicNames]]
ROOT = Path(__file__).parents[2]


class Desk:
    """A team's handler: notes what it was given, refuses as often as told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.seen: list[tuple[str, int]] = []
        self.gaps: list[Gap] = []
        self._refusals = refusals

    async def __call__(self, event: Received[EventData]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise RuntimeError("the ledger is closed")
        self.seen.append((event.subject, event.sequence))

    def of(self, subject: str) -> list[int]:
        return [sequence for one, sequence in self.seen if one == subject]


def _value(subject: str) -> bytes:
    platform, account, native_id = subject.split("/")
    snapshot = {
        "subject": subject,
        "platform": platform,
        "account": account,
        "native_id": native_id,
        "kind": "return",
        "state": "approved",
        "observed_at": START.isoformat(),
    }
    return encode(Draft(ReturnApproved), json.dumps(snapshot).encode())


def _record(subject: str, sequence: int) -> dict[str, object]:
    """Return what a producer takes for event number `sequence` of `subject`."""
    cause = Cause("/redo/shop", START, "delivery-1")
    body = _value(subject)
    (event,) = seal(
        subject, sequence - 1, chain_start(subject), cause, [("return.approved", body)]
    )
    return {"key": subject.encode(), "value": body, "headers": list(to_headers(event))}


@asynccontextmanager
async def _producer(kafka: Broker, **options: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _publish(
    kafka: Broker, names: TopicNames, *records: dict[str, object]
) -> None:
    async with _producer(kafka) as producer:
        for record in records:
            await producer.send_and_wait(names.events, **record)


@asynccontextmanager
async def _team(
    kafka: Broker, names: TopicNames, desk: Desk
) -> AsyncIterator[ReturnsRouter]:
    """Run one process of the team until the block ends."""
    returns = ReturnsRouter(
        "finance",
        prefix=names.prefix,
        options=ReadingOptions(checksums=kafka.kind != "embedded"),
        on_gap=desk.gaps.append,
    )
    returns.on(EventData)(desk)
    broker = KafkaBroker(kafka.bootstrap, logger=None)
    broker.include_router(returns.router)
    async with broker:
        await broker.start()
        yield returns


@pytest.mark.embedded_ok
async def test_events_arrive_once_and_in_order_and_gaps_are_told(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    subject, desk = "redo/shop/1", Desk()
    sent = [_record(subject, sequence) for sequence in (1, 2, 1, 2, 3, 6, 5)]
    await _publish(kafka, names, *sent)

    async with _team(kafka, names, desk) as returns:
        await wait_until(lambda: returns.counts.duplicates == 3, what="the last event")

    assert desk.of(subject) == [1, 2, 3, 6]
    assert desk.gaps == [Gap(subject, 4, 5)]
    assert returns.counts == Counts(handled=4, duplicates=3, gaps=1)


async def test_only_committed_events_are_seen(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    subject, desk = "redo/shop/1", Desk()
    async with _producer(kafka, transactional_id=names.prefix) as producer:
        for number, sequence in enumerate((1, 2, 2, 3)):
            await producer.begin_transaction()
            await producer.send_and_wait(names.events, **_record(subject, sequence))
            if number == 1:
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()

    async with _team(kafka, names, desk) as returns:
        await wait_until(lambda: len(desk.seen) == 3, what="three events")

    assert desk.of(subject) == [1, 2, 3]
    assert returns.counts == Counts(handled=3)


@pytest.mark.embedded_ok
async def test_records_that_are_no_events_stop_nothing(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    subject, desk = "redo/shop/1", Desk()
    good = _record(subject, 1)
    headers = cast("list[tuple[str, bytes]]", good["headers"])
    await _publish(
        kafka,
        names,
        {"key": subject.encode(), "value": b"no event", "headers": []},
        {**good, "headers": [("ce_id", b"\xff\xfe"), *headers[3:]]},
        {**good, "headers": [*headers, ("ce_subject", b"\xc3\x28")]},
        {**good, "value": None},
        {**_record(subject, 2), "value": b"\x00\x01"},
        _record(subject, 3),
    )

    async with _team(kafka, names, desk) as returns:
        await wait_until(lambda: bool(desk.seen), what="the event behind them")

    assert desk.of(subject) == [3]
    assert returns.counts.handled == 1
    assert returns.counts.unreadable == 5


async def test_a_handler_that_raises_gets_the_event_again_before_any_later_one(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    subjects = [f"redo/shop/{number}" for number in range(8)]
    desk = Desk(refusals=2)
    await _publish(
        kafka,
        names,
        *(_record(subject, sequence) for sequence in (1, 2, 3) for subject in subjects),
    )

    async with _team(kafka, names, desk) as returns:
        await wait_until(lambda: len(desk.seen) == 24, what="all events")

    assert all(desk.of(subject) == [1, 2, 3] for subject in subjects)
    assert returns.counts.failures == 2
    assert desk.gaps == []


async def test_a_process_goes_on_where_the_last_one_had_acknowledged(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    subject, first, second = "redo/shop/1", Desk(), Desk()
    await _publish(kafka, names, _record(subject, 1), _record(subject, 2))

    async with _team(kafka, names, first):
        await wait_until(lambda: len(first.seen) == 2, what="two events")
    await _publish(kafka, names, _record(subject, 3))
    async with _team(kafka, names, second):
        await wait_until(lambda: bool(second.seen), what="the third event")

    assert (first.of(subject), second.of(subject)) == ([1, 2], [3])


async def test_what_was_not_handled_when_a_process_ended_comes_again(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    subject, second = "redo/shop/1", Desk()
    failing = Desk(refusals=1_000)
    await _publish(kafka, names, _record(subject, 1))

    async with _team(kafka, names, failing) as returns:
        await wait_until(lambda: returns.counts.failures > 0, what="a failure")
    async with _team(kafka, names, second):
        await wait_until(lambda: bool(second.seen), what="the event again")

    assert failing.seen == []
    assert second.of(subject) == [1]


async def test_members_that_come_and_go_lose_nothing_and_raise_no_false_alarm(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=6)
    subjects = [f"redo/shop/{number}" for number in range(30)]
    desk = Desk()

    async def rounds(first: int, last: int) -> None:
        for sequence in range(first, last + 1):
            await _publish(
                kafka, names, *(_record(subject, sequence) for subject in subjects)
            )

    async def all_up_to(sequence: int) -> None:
        await wait_until(
            lambda: len(set(desk.seen)) == sequence * len(subjects),
            what=f"all events up to {sequence}",
        )

    async with AsyncExitStack() as stays:
        await stays.enter_async_context(_team(kafka, names, desk))
        await rounds(1, 2)
        await all_up_to(2)
        async with _team(kafka, names, desk):
            await asyncio.gather(rounds(3, 6), all_up_to(6))
        await rounds(7, 8)
        await all_up_to(8)

    handled = set(desk.seen)
    assert handled == {
        (subject, sequence) for subject in subjects for sequence in range(1, 9)
    }
    assert desk.gaps == []
    for subject in subjects:
        firsts = list(dict.fromkeys(desk.of(subject)))
        assert all(one < other for one, other in pairwise(firsts))


async def test_the_example_consumer_prints_what_happens(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    await _publish(kafka, names, _record("redo/shop/1", 1))
    script = ROOT / "deploy" / "examples" / "consumer.py"

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        kafka.bootstrap,
        "--prefix",
        names.prefix,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            printed = await _line_about(process, "redo/shop/1")
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 30)

    assert printed == "redo/shop/1 #1 return.approved \n"
    assert process.returncode == 0


async def _line_about(process: asyncio.subprocess.Process, subject: str) -> str:
    """Return the first line that begins with `subject`; others are FastStream's log."""
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(subject.encode()):
            return line.decode()
    return "nothing"
