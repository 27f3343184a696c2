from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bridge.sandbox.broker import PARTITIONS, EmbeddedBroker


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker()
    yield made
    made.stop()


async def test_topics_asked_for_are_there_with_their_partitions(
    broker: EmbeddedBroker,
) -> None:
    address = await broker.start(("returns.raw", "returns.events"))

    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    topics = await consumer.topics()
    await consumer.stop()
    producer = AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    partitions = await producer.partitions_for("returns.raw")
    await producer.stop()

    assert topics == {"returns.raw", "returns.events"}
    assert len(partitions) == PARTITIONS


async def test_transactions_are_read_back_if_checksums_are_not_looked_at(
    broker: EmbeddedBroker,
) -> None:
    address = await broker.start()
    producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id="t-0")
    await producer.start()
    for value in (b"one", b"two"):
        async with producer.transaction():
            await producer.send("returns.events", value, partition=0)
    await producer.stop()

    consumer = AIOKafkaConsumer(
        bootstrap_servers=address,
        isolation_level="read_committed",
        check_crcs=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    consumer.assign([TopicPartition("returns.events", 0)])
    values = [(await consumer.getone()).value for _ in range(2)]
    await consumer.stop()

    assert values == [b"one", b"two"]


def test_a_broker_that_never_started_can_be_stopped(broker: EmbeddedBroker) -> None:
    broker.stop()
