"""Reading topics as they stand: from the beginning, or a time, to the present end.

For inspection and tools; nothing is committed, no group is joined. Only committed
records are seen, one at a time, so that memory does not grow with the topic.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.structs import TopicPartition

from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, UnavailableError
from bridge.streams.connection import KafkaOptions, unanswered
from bridge.streams.records import Record
from bridge.streams.restore import as_record

_CLOCK: Clock = SystemClock()
_BATCH = 500
#: Without a single record for so long a scan gives up: its end is known to be there.
_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Place:
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition holds now: offsets `first` up to, not including, `end`."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Step:
    """How far a scan of one partition is: `position` of `end`, both offsets."""

    place: Place
    position: int
    end: int


Progress = Callable[[Step], None]


def silent(_step: Step) -> None:
    """Show no progress."""


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of `key` as Kafka's default partitioner places it."""
    return (int(murmur2(key)) & 0x7FFF_FFFF) % partitions


def time_of(record: Record) -> datetime:
    """Return when the record was written, aware, UTC."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


class Scanner:
    """Reads one partition at a time; made by `open_scanner`."""

    def __init__(
        self, kafka: KafkaOptions, consumer: AIOKafkaConsumer, clock: Clock
    ) -> None:
        self._kafka = kafka
        self._consumer = consumer
        self._clock = clock

    async def partitions(self, topic: str) -> int:
        """Return how many partitions `topic` has; raise ConfigError without it."""
        if topic in await self._consumer.topics():
            await self.extent(Place(topic, 0))  # so the consumer gets to know it
            return len(self._consumer.partitions_for_topic(topic))
        raise ConfigError(
            f"Kafka at {self._kafka.address} has no topic {topic}; "
            "create it with `returns-bridge topics apply`, or correct the prefix"
        )

    async def extent(self, place: Place) -> Extent:
        """Return what the partition holds now, committed records only."""
        where = TopicPartition(place.topic, place.partition)
        first = await self._consumer.beginning_offsets([where])
        end = await self._consumer.end_offsets([where])
        return Extent(int(first[where]), int(end[where]))

    async def records(
        self,
        place: Place,
        *,
        since: datetime | None = None,
        progress: Progress = silent,
    ) -> AsyncIterator[Record]:
        """Iterate a partition up to the end that it has when the iteration begins.

        `since` leaves out what was written before. Raises UnavailableError when the
        broker stops answering. One iteration at a time.
        """
        extent = await self.extent(place)
        start = extent.first
        if since is not None:
            start = await self._offset_at(place, since, extent.end)
        records = self._between(place, start, extent.end, progress)
        async with aclosing(records):
            async for record in records:
                yield record

    async def first_from(self, place: Place, offset: int) -> Record | None:
        """Return the first record at or after `offset`, None if there is none yet."""
        extent = await self.extent(place)
        start = max(offset, extent.first)
        records = self._between(place, start, extent.end, silent)
        async with aclosing(records):
            async for record in records:
                return record
        return None

    async def _offset_at(self, place: Place, time: datetime, end: int) -> int:
        where = TopicPartition(place.topic, place.partition)
        milliseconds = int(time.timestamp() * 1000)
        found = await self._consumer.offsets_for_times({where: milliseconds})
        return end if found[where] is None else int(found[where].offset)

    async def _between(
        self, place: Place, start: int, end: int, progress: Progress
    ) -> AsyncGenerator[Record]:
        if start >= end:
            return
        where = TopicPartition(place.topic, place.partition)
        self._consumer.assign([where])
        self._consumer.seek(where, start)
        position, heard = start, self._clock.monotonic()
        while position < end:
            batches = await self._consumer.getmany(
                where, timeout_ms=100, max_records=_BATCH
            )
            for message in batches.get(where, ()):
                if message.offset < end:
                    yield as_record(message)
            # Past aborted records and markers too, which `getmany` does not show.
            reached = int(await self._consumer.position(where))
            now = self._clock.monotonic()
            if reached == position and now - heard > _PATIENCE.total_seconds():
                raise UnavailableError(
                    f"{place.topic}, partition {place.partition}: nothing came for "
                    f"{_PATIENCE} at offset {position} of {end}; is Kafka well?"
                )
            heard = heard if reached == position else now
            position = reached
            progress(Step(place, min(position, end), end))


@asynccontextmanager
async def open_scanner(
    kafka: KafkaOptions, clock: Clock = _CLOCK
) -> AsyncIterator[Scanner]:
    """Connect to read; raises UnavailableError when Kafka does not answer."""
    # An idle fetch holds the connection, and with it every question for offsets.
    consumer = AIOKafkaConsumer(**kafka.consumer_kwargs(), fetch_max_wait_ms=10)
    try:
        await consumer.start()
        yield Scanner(kafka, consumer, clock)
    except KafkaError as failed:
        raise unanswered(kafka, failed) from failed
    finally:
        await let_go(consumer)


async def let_go(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, also one whose fetch is just being tried again.

    aiokafka 0.14 then cancels that fetch and lets its CancelledError out of `stop`,
    with the connections still open.
    """
    task = asyncio.current_task()
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        await consumer._client.close()  # noqa: SLF001 - no public way
        if task is not None and task.cancelling():
            raise  # it was meant for us
