"""Reading state topics: a partition up to its present end, or single records again."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.clock import Clock
from bridge.streams.connection import KafkaOptions, unanswered
from bridge.streams.records import Record

_RETRY = timedelta(seconds=1)
#: A transaction just committed is readable a little later; what is gone never is. Seen
#: to be missing twice, so long apart, it is gone.
_PATIENCE = timedelta(seconds=5)
_FETCH = 512 * 1024  # bytes: what is read again is a few records


def as_record(message: ConsumerRecord) -> Record:
    """Return aiokafka's record as ours.

    Of equal headers the last one counts; a header without a value is an empty one.
    """
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.timestamp,
        message.key,
        message.value,
        {name: value or b"" for name, value in message.headers},
    )


async def read_to_end(
    kafka: KafkaOptions,
    topic: str,
    partition: int,
    *,
    start: int,
    apply: Callable[[list[Record]], None],
) -> int:
    """Feed every committed record from offset `start` on to `apply`, in batches.

    Returns the end: the next offset to come. Read-committed, so what a fenced
    predecessor left open is not seen; call it after the fence. A `start` before the
    first kept offset begins there.
    """
    place = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(
        **kafka.consumer_kwargs(),
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        consumer.assign([place])
        end = int((await consumer.end_offsets([place]))[place])
        first = int((await consumer.beginning_offsets([place]))[place])
        consumer.seek(place, max(start, first))
        while await consumer.position(place) < end:
            batches = await consumer.getmany(place, timeout_ms=100)
            apply([as_record(message) for message in batches.get(place, ())])
        return end
    finally:
        await consumer.stop()


async def read_once(
    kafka: KafkaOptions,
    topic: str,
    partition: int,
    apply: Callable[[list[Record]], None],
) -> None:
    """Feed all records of a partition to `apply`, for a command.

    Raises UnavailableError when Kafka does not answer.
    """
    try:
        await read_to_end(kafka, topic, partition, start=0, apply=apply)
    except KafkaError as failed:
        raise unanswered(kafka, failed) from failed


class Reader:
    """Reads single records of one topic's partitions again; one connection, kept.

    A broker that is away is waited for; what is gone from the topic is left out.
    """

    def __init__(self, kafka: KafkaOptions, topic: str, clock: Clock) -> None:
        self._kafka = kafka
        self._topic = topic
        self._clock = clock
        self._consumer: AIOKafkaConsumer | None = None
        self._reading = asyncio.Lock()

    async def read(self, partition: int, offsets: Sequence[int]) -> list[Record]:
        """Return the records at `offsets`, which rise and lie close together."""
        async with self._reading:
            while True:
                try:
                    return await self._read(partition, offsets)
                except KafkaError:
                    await self._close()
                    await self._clock.sleep(_RETRY)

    async def _read(self, partition: int, offsets: Sequence[int]) -> list[Record]:
        place = TopicPartition(self._topic, partition)
        consumer = await self._started()
        consumer.assign([place])
        consumer.seek(place, offsets[0])
        wanted, found = set(offsets), list[Record]()
        missing, looked_at = False, self._clock.monotonic()
        while await consumer.position(place) <= offsets[-1]:
            if self._clock.monotonic() - looked_at > _PATIENCE.total_seconds():
                # Silence tells nothing: this raises while the broker is away.
                end = int((await consumer.end_offsets([place]))[place])
                if missing and end <= offsets[-1]:
                    break
                missing, looked_at = end <= offsets[-1], self._clock.monotonic()
            batches = await consumer.getmany(place, timeout_ms=100)
            found += [
                as_record(message)
                for message in batches.get(place, ())
                if message.offset in wanted
            ]
        return found

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._kafka.consumer_kwargs(),
                fetch_max_wait_ms=10,
                max_partition_fetch_bytes=_FETCH,
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def close(self) -> None:
        """Close the connection."""
        async with self._reading:
            await self._close()
