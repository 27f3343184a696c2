"""One partition's fenced producer: everything is written in one transaction.

Starting it fences any predecessor with the same transactional id. It does not decide
what to write or when; `owner.py` does.
"""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from bridge.errors import BridgeError, LostOwnership
from bridge.streams.batches import ends, send_all
from bridge.streams.connection import KafkaOptions
from bridge.streams.offsets import Committed
from bridge.streams.records import Outgoing

#: Above every topic's message limit, so that the topic decides.
MAX_REQUEST = 16 * 1024 * 1024
#: aiokafka's 16 KiB hold two events: a commit would be many requests in a row.
BATCH = 256 * 1024


_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class CommitUncertain(BridgeError):
    """Kafka did not say what became of the transaction: ask it after a new fence."""

    reason = "commit_uncertain"


class Transactor:
    """The writes of one partition's owner in one consumer group."""

    def __init__(
        self, kafka: KafkaOptions, *, group: str, topic: str, partition: int
    ) -> None:
        self._kafka = kafka
        self._group = group
        self._partition = partition
        self._id = f"{group}-{topic}-{partition}"
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Start a new producer: any other with this id can write no more."""
        await self.close()
        producer = AIOKafkaProducer(
            **self._kafka.client_kwargs(),
            transactional_id=self._id,
            acks="all",
            max_request_size=MAX_REQUEST,
            max_batch_size=BATCH,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def commit(
        self, batch: Sequence[Outgoing], positions: Mapping[str, Committed]
    ) -> dict[str, int]:
        """Write `batch` and the position in each topic; return topic -> next offset.

        Raises LostOwnership when fenced, CommitUncertain when the end of the
        transaction is not known.
        """
        try:
            return await self._transact(batch, positions)
        except (ProducerFenced, InvalidProducerEpoch) as fenced:
            raise LostOwnership(f"{self._id} was fenced by its successor") from fenced
        except (KafkaError, AssertionError, TimeoutError) as broken:
            reason = f"{self._id}: {type(broken).__name__}{_remedy(broken)}"
            raise CommitUncertain(reason) from broken

    async def _transact(
        self, batch: Sequence[Outgoing], positions: Mapping[str, Committed]
    ) -> dict[str, int]:
        producer = self._producer
        if producer is None:
            raise LostOwnership(f"{self._id} has no producer")
        await producer.begin_transaction()
        sent = await send_all(producer, batch)
        places = {
            TopicPartition(topic, self._partition): OffsetAndMetadata(
                position.offset, position.metadata
            )
            for topic, position in positions.items()
        }
        progress = producer.send_offsets_to_transaction(places, self._group)
        await asyncio.gather(progress, *(sending.written for sending in sent))
        await producer.commit_transaction()
        return ends(sent)

    async def close(self) -> None:
        """Stop the producer, if there is one, without waiting for a dead broker."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(5):
                    await producer.stop()
            except (KafkaError, AssertionError, TimeoutError):
                return  # a fenced or cut-off producer cannot say good-bye


def _remedy(broken: Exception) -> str:
    """Say what to do where waiting will not help."""
    if isinstance(broken, _TOO_LARGE):
        return (
            ", a record is larger than its topic takes: see what `returns-bridge "
            "topics check` says of max.message.bytes; it is tried again until it fits"
        )
    return ""
