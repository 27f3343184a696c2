"""Following partitions from now on: for tools that wait for an answer.

Nothing is committed, no group is joined; only committed records are seen.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from bridge.streams.connection import KafkaOptions, unanswered
from bridge.streams.records import Record
from bridge.streams.restore import as_record
from bridge.streams.scan import Place, let_go


class Tail:
    """Partitions followed from where they ended when it was opened."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def next(self, within: timedelta) -> list[Record]:
        """Return what came, as soon as something did; empty after `within`."""
        milliseconds = max(int(within / timedelta(milliseconds=1)), 1)
        batches = await self._consumer.getmany(timeout_ms=milliseconds)
        return [as_record(message) for batch in batches.values() for message in batch]


@asynccontextmanager
async def open_tail(
    kafka: KafkaOptions, places: Collection[Place]
) -> AsyncIterator[Tail]:
    """Follow `places` from their present ends on, known before this returns.

    Raises UnavailableError when Kafka does not answer.
    """
    consumer = AIOKafkaConsumer(**kafka.consumer_kwargs(), fetch_max_wait_ms=50)
    where = [TopicPartition(place.topic, place.partition) for place in places]
    try:
        await consumer.start()
        consumer.assign(where)
        for place, end in (await consumer.end_offsets(where)).items():
            consumer.seek(place, end)
        yield Tail(consumer)
    except KafkaError as failed:
        raise unanswered(kafka, failed) from failed
    finally:
        await let_go(consumer)
