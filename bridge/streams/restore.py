"""Reading one partition of a state topic up to its present end."""

from collections.abc import Callable

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from bridge.streams.connection import KafkaOptions
from bridge.streams.records import Record


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
    await consumer.start()
    try:
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
