"""Writes many records fast and in order, for tools; nothing else is promised.

The door's publisher asks for each record's acknowledgement by itself, and owners
write in transactions; here a batch is handed over whole. Not for traffic: a failure
leaves the rest unwritten.
"""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bridge.errors import UnavailableError
from bridge.streams.connection import KafkaOptions
from bridge.streams.records import Outgoing
from bridge.streams.topics import MESSAGE_LIMIT

_BATCH = 256 * 1024
_AT_ONCE = 5_000


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
    sent: list[asyncio.Future[object]] = []
    try:
        await producer.start()
        for record in records:
            sent.append(await _send(producer, record))
            if len(sent) == _AT_ONCE:
                count += len(await asyncio.gather(*sent))
                sent.clear()
        # `flush` would wait as well, and say nothing of what was refused.
        count += len(await asyncio.gather(*sent))
    except (KafkaError, OSError) as broken:
        raise UnavailableError(
            f"Kafka at {kafka.address} took {count} records and then failed: {broken!r}"
        ) from broken
    finally:
        await producer.stop()
    return count


async def _send(producer: AIOKafkaProducer, record: Outgoing) -> asyncio.Future[object]:
    written: asyncio.Future[object] = await producer.send(
        record.topic,
        value=record.value,
        key=record.key,
        partition=record.partition,
        headers=list(record.headers),
    )
    return written
