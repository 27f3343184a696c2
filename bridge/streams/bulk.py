"""Writes many records fast and in order, for tools; nothing else is promised.

The door's publisher asks for each record's acknowledgement by itself, and owners
write in transactions; here a batch is handed over whole. Not for traffic: a failure
leaves the rest unwritten.
"""

from collections.abc import Iterable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.errors import UnavailableError
from bridge.streams.connection import KafkaOptions
from bridge.streams.records import Outgoing
from bridge.streams.topics import MESSAGE_LIMIT

_BATCH = 256 * 1024


async def write_all(kafka: KafkaOptions, records: Iterable[Outgoing]) -> int:
    """Write the records in their order and return how many; all are acknowledged.

    Raises UnavailableError when Kafka does not answer or refuses one.
    """
    producer = AIOKafkaProducer(
        **kafka.client_kwargs(),
        acks="all",
        enable_idempotence=True,
        max_batch_size=_BATCH,
        max_request_size=MESSAGE_LIMIT,
    )
    count = 0
    try:
        await producer.start()
        for record in records:
            await producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            count += 1
        await producer.flush()
    except (KafkaError, OSError) as broken:
        raise UnavailableError(
            f"Kafka at {kafka.address} took {count} records and then failed: {broken!r}"
        ) from broken
    finally:
        await producer.stop()
    return count
