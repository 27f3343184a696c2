"""The ownership runtime on a real broker: fence, progress, handover, uncertain ends."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import REGISTRY

from bridge.clock import SystemClock
from bridge.errors import LostOwnership
from bridge.streams.bulk import write_all
from bridge.streams.commits import Commits, Runtime
from bridge.streams.member import Member, Part
from bridge.streams.offsets import Committed, CommittedOffsets
from bridge.streams.options import OwnershipOptions
from bridge.streams.owner import Owner
from bridge.streams.progress import Progress
from bridge.streams.records import Outgoing, Record
from bridge.streams.restore import read_to_end
from bridge.streams.topics import TopicNames
from bridge.streams.transactor import CommitUncertain, Transactor
from tests.support.broker import Broker, OwnBroker, options_of
from tests.support.kafka_plugin import CreateTopics
from tests.support.settling import settled
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timed]

KIB = 1024
FAST = OwnershipOptions(
    tick=timedelta(milliseconds=50),
    lease=timedelta(seconds=1),
    call_deadline=timedelta(seconds=1),
)


def runtime(
    broker: Broker, names: TopicNames, options: OwnershipOptions = FAST
) -> Runtime:
    kafka = options_of(broker)
    return Runtime(
        kafka=kafka,
        group=f"{names.prefix}-g",
        topic=names.events,
        options=options,
        clock=SystemClock(),
        offsets=CommittedOffsets(kafka, f"{names.prefix}-g"),
        slots=asyncio.Semaphore(4),
    )


class Copying:
    """A stage that copies each record to the snapshots topic, or leaves it open."""

    def __init__(self, owner: Owner, names: TopicNames, seen: list[int]) -> None:
        self._owner = owner
        self._names = names
        self._seen = seen
        self._outgoing: list[Outgoing] = []
        self.obeyed: list[int] = []
        self.leave_open: set[int] = set()
        self.clean: bool | None = None
        self.dropped = False

    async def restore(self, *, clean: bool) -> None:
        self.clean = clean

    def accept(self, record: Record) -> None:
        self._seen.append(record.offset)
        if record.offset in self.leave_open:
            return
        self._outgoing.append(
            Outgoing(self._names.snapshots, record.key, record.value, partition=0)
        )
        self._owner.finish(record.offset)

    def instruct(self, record: Record) -> None:
        self.obeyed.append(record.offset)
        self._owner.instructed(record.offset)

    def room(self) -> bool:
        return True

    def collect(self) -> list[Outgoing]:
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def committed(self, ends: Mapping[str, int]) -> None:
        pass

    async def drain(self, limit: timedelta) -> bool:
        return limit > timedelta() and not self.leave_open

    def drop(self) -> None:
        self.dropped = True


@contextlib.asynccontextmanager
async def member_of(
    broker: Broker, names: TopicNames, options: OwnershipOptions = FAST
) -> AsyncIterator[tuple[list[Copying], list[int]]]:
    works: list[Copying] = []
    seen: list[int] = []

    def make(owner: Owner) -> Copying:
        works.append(Copying(owner, names, seen))
        owner.listen(works[-1].instruct)
        return works[-1]

    part = Part(f"{names.prefix}-g", names.events, make, names.instructions)
    member = Member(options_of(broker), part, options, SystemClock())
    stop = asyncio.Event()
    running = asyncio.create_task(member.run(stop))
    try:
        yield works, seen
    finally:
        stop.set()
        await running


def failed(group: str) -> float:
    """Return how many commits Kafka did not confirm."""
    labels = {"group": group, "result": "failed"}
    return REGISTRY.get_sample_value("returns_bridge_commits_total", labels) or 0.0


async def produce(broker: Broker, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    for number in range(count):
        await producer.send(topic, f"{number}".encode(), key=b"k", partition=0)
    await producer.stop()


async def copies(broker: Broker, names: TopicNames) -> list[int]:
    found: list[int] = []

    def note(records: list[Record]) -> None:
        found.extend(int(record.value or b"-1") for record in records)

    await read_to_end(options_of(broker), names.snapshots, 0, start=0, apply=note)
    return found


async def taken_over(commits: Commits) -> bool:
    try:
        await commits.take_over()
    except KafkaError:  # a young broker makes its coordinator at the first question
        return False
    return True


async def marked(shared: Runtime, names: TopicNames, mark: str) -> None:
    """Wait for a commit that begins so: Kafka acknowledges one before it tells it."""

    async def told() -> bool:
        found = await shared.offsets.read(names.events, 0)
        return found is not None and found.metadata.startswith(mark)

    await wait_until(told, what=f"a commit marked {mark}")


async def test_a_successor_goes_on_where_a_released_owner_ended(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    await produce(kafka, names.events, 50)
    async with member_of(kafka, names) as (_, first):
        await wait_until(lambda: len(first) == 50, what="all records")
    await produce(kafka, names.events, 50)

    async with member_of(kafka, names) as (works, second):
        await wait_until(lambda: len(second) == 50, what="the new records")

    assert works[0].clean is True
    await settled(kafka, [names.snapshots])
    assert await copies(kafka, names) == list(range(50)) * 2


async def test_little_of_a_partition_is_read_at_a_time(
    kafka: Broker, topics: CreateTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = await topics(kafka, partitions=1)
    big = [
        Outgoing(names.events, b"k", b"x" * 8 * KIB, partition=0) for _ in range(300)
    ]
    await write_all(options_of(kafka), big)
    taken: list[int] = []
    really = Owner.take

    def take(owner: Owner, records: Sequence[Record]) -> None:
        taken.append(sum(len(record.value or b"") for record in records))
        really(owner, records)

    monkeypatch.setattr(Owner, "take", take)
    async with member_of(kafka, names) as (_, seen):
        await wait_until(lambda: len(seen) == 300, what="all records")

    assert max(taken) <= 512 * KIB  # a fetch, and a batch of the producer's besides


async def test_an_instruction_that_was_carried_out_is_not_read_again(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    await produce(kafka, names.instructions, 3)
    async with member_of(kafka, names) as (works, _):
        await wait_until(
            lambda: any(work.obeyed == [0, 1, 2] for work in works), what="the first"
        )
    await produce(kafka, names.instructions, 1)

    async with member_of(kafka, names) as (works, _):
        await wait_until(lambda: any(work.obeyed for work in works), what="the next")

    assert [work.obeyed for work in works] == [[3]]


async def test_finished_offsets_above_an_open_one_are_not_repeated(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    async with member_of(kafka, names) as (works, first):
        await wait_until(lambda: bool(works), what="an owner")
        works[0].leave_open = {3}
        await produce(kafka, names.events, 20)
        await wait_until(lambda: len(first) == 20, what="all records")

    async with member_of(kafka, names) as (works, second):
        await wait_until(lambda: 3 in second, what="the open record")
        await produce(kafka, names.events, 1)
        await wait_until(lambda: len(second) == 2, what="the new record")

    assert works[0].clean is False
    assert second == [3, 20]


async def test_a_fenced_owner_writes_nothing_and_lets_go(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    shared = runtime(kafka, names)
    old, new = Commits(shared, 0), Commits(shared, 0)
    await old.take_over()
    await new.take_over()

    with pytest.raises(LostOwnership):
        await old.write(
            lambda: [Outgoing(names.snapshots, b"k", b"99", partition=0)],
            Progress(0),
            released=False,
        )
    await new.write(
        lambda: [Outgoing(names.snapshots, b"k", b"1", partition=0)],
        Progress(0),
        released=False,
    )

    await settled(kafka, [names.snapshots])
    assert await copies(kafka, names) == [1]
    await old.close()
    await new.close()
    await shared.offsets.stop()


@pytest.fixture
async def successor(
    kafka: Broker, names: TopicNames, topics: CreateTopics
) -> AsyncIterator[tuple[Owner, Runtime]]:
    """Give an owner whose predecessor has not let go, and what it runs with."""
    await topics(kafka, partitions=1)
    shared = runtime(kafka, names)
    predecessor = Commits(shared, 0)
    await predecessor.take_over()
    await predecessor.write(list, Progress(0), released=False)
    yield Owner(shared, 0, lambda owner: Copying(owner, names, [])), shared
    await predecessor.close()
    await shared.offsets.stop()


async def test_an_owner_without_release_makes_its_successor_wait(
    successor: tuple[Owner, Runtime],
) -> None:
    (owner, _), clock = successor, SystemClock()

    await owner.open()
    fenced_at = clock.monotonic()
    await owner.permit()

    waited = clock.monotonic() - fenced_at
    assert waited >= 1.8  # lease + call deadline, less what opening took
    await owner.release()


async def test_an_owner_let_go_while_it_waits_makes_its_successor_wait_too(
    successor: tuple[Owner, Runtime], names: TopicNames
) -> None:
    owner, shared = successor
    await owner.open()

    await owner.release()

    await marked(shared, names, "rb1;o;")


async def test_an_idle_owner_proves_itself_before_a_call(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    shared = runtime(kafka, names)
    owner = Owner(shared, 0, lambda owner: Copying(owner, names, []))
    await owner.open()
    assert not owner.may_call()

    await owner.permit()

    assert owner.may_call()
    await marked(shared, names, "rb1;o;")
    await owner.release()
    await marked(shared, names, "rb1;r;")
    await shared.offsets.stop()


async def test_a_member_is_told_whose_calls_may_still_start(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    told: list[tuple[int, timedelta | None]] = []

    def member() -> Runtime:
        return replace(
            runtime(kafka, names),
            member=uuid.uuid4().hex[:8],
            took_over=lambda partition, quiet: told.append((partition, quiet)),
        )

    async def own(shared: Runtime, *, cleanly: bool) -> None:
        owner = Owner(shared, 0, lambda owner: Copying(owner, names, []))
        await owner.open()
        await owner.permit()
        await (owner.release() if cleanly else owner.close())
        await marked(shared, names, "rb1;r;" if cleanly else "rb1;o;")

    first, second, third = member(), member(), member()
    await own(first, cleanly=False)
    await own(first, cleanly=False)
    await own(second, cleanly=True)
    await own(third, cleanly=False)

    none_before, its_own, after_a_crash = None, None, FAST.lease
    assert told == [
        (0, none_before),
        (0, its_own),
        (0, after_a_crash),
        (0, timedelta()),
    ]
    for shared in (first, second, third):
        await shared.offsets.stop()


async def test_a_lost_owner_starts_no_call(kafka: Broker, topics: CreateTopics) -> None:
    names = await topics(kafka, partitions=1)
    shared = runtime(kafka, names)
    owner = Owner(shared, 0, lambda owner: Copying(owner, names, []))
    await owner.open()
    await owner.permit()
    successor = Commits(shared, 0)
    await successor.take_over()
    await successor.write(list, Progress(0), released=False)

    owner.note()
    await wait_until(lambda: owner.lost, what="the loss to be noticed")

    assert not owner.may_call()
    with pytest.raises(LostOwnership):
        await owner.permit()
    await owner.close()
    await successor.close()
    await shared.offsets.stop()


async def is_written_once(broker: Broker, names: TopicNames, shared: Runtime) -> None:
    """Assert that the 7 stands there once, with the progress that belongs to it."""
    await settled(broker, [names.snapshots])
    assert await copies(broker, names) == [7]
    found = await shared.offsets.read(names.events, 0)
    assert found is not None
    assert found.offset == 5


class LosingTheFirstAnswer:
    """What `Transactor.commit` does, but the first call ends without an answer."""

    def __init__(self, *, written: bool) -> None:
        self._written = written
        self._really = Transactor.commit
        self.tries = 0

    def method(self) -> Callable[..., Awaitable[dict[str, int]]]:
        async def commit(
            transactor: Transactor,
            batch: Sequence[Outgoing],
            positions: Mapping[str, Committed],
        ) -> dict[str, int]:
            self.tries += 1
            if self.tries > 1:
                return await self._really(transactor, batch, positions)
            if self._written:
                await self._really(transactor, batch, positions)
            raise CommitUncertain("no answer")

        return commit


@pytest.mark.parametrize("written", [False, True])
async def test_a_commit_whose_answer_is_lost_is_written_once(
    *,
    kafka: Broker,
    topics: CreateTopics,
    monkeypatch: pytest.MonkeyPatch,
    written: bool,
) -> None:
    names = await topics(kafka, partitions=1)
    shared = runtime(kafka, names)
    commits = Commits(shared, 0)
    await commits.take_over()
    await commits.write(list, Progress(0), released=False)
    losing = LosingTheFirstAnswer(written=written)
    monkeypatch.setattr(Transactor, "commit", losing.method())
    outgoing = [Outgoing(names.snapshots, b"k", b"7", partition=0)]
    await commits.write(lambda: outgoing, Progress(5), released=False)

    assert losing.tries == (1 if written else 2)
    assert failed(shared.group) == 1
    await is_written_once(kafka, names, shared)
    await commits.close()
    await shared.offsets.stop()


async def test_what_was_learned_survives_a_broker_that_was_away_too_long(
    own_kafka: OwnBroker, topics: CreateTopics
) -> None:
    names = await topics(own_kafka, partitions=1)
    kafka = options_of(own_kafka).model_copy(
        update={"request_timeout": timedelta(seconds=3)}
    )
    shared = runtime(own_kafka, names)
    shared = Runtime(
        kafka=kafka,
        group=shared.group,
        topic=shared.topic,
        options=shared.options,
        clock=shared.clock,
        offsets=CommittedOffsets(kafka, shared.group),
        slots=shared.slots,
    )
    commits = Commits(shared, 0)
    await wait_until(lambda: taken_over(commits), what="the first coordinator")
    await commits.write(list, Progress(0), released=False)
    await asyncio.to_thread(own_kafka.stop)
    writing = asyncio.create_task(
        commits.write(
            lambda: [Outgoing(names.snapshots, b"k", b"7", partition=0)],
            Progress(5),
            released=False,
        )
    )
    await asyncio.sleep(6)  # longer than the request time-out

    await asyncio.to_thread(own_kafka.start)
    async with asyncio.timeout(60):
        await writing

    await is_written_once(own_kafka, names, shared)
    await commits.close()
    await shared.offsets.stop()
