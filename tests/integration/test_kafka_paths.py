"""The ways to a Kafka that the shared broker of a run does not prove by itself."""

import asyncio
import shutil
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, BrokerMissing, OwnBroker
from tests.support.choice import WANTED, kafka_is_required
from tests.support.kafka_plugin import CreateTopics
from tests.support.maven_broker import MavenBroker

pytestmark = pytest.mark.integration


@pytest.fixture
def jars_kafka() -> Iterator[OwnBroker]:
    has_tools = shutil.which("java") and shutil.which("mvn")
    if not has_tools and not kafka_is_required():
        pytest.skip(f"{WANTED}: Java and Maven are not installed")
    broker = MavenBroker()
    try:
        broker.open()
        yield broker
    except BrokerMissing as missing:
        if kafka_is_required():
            raise
        pytest.skip(f"{WANTED}: {missing}")
    finally:
        broker.close()


async def write(broker: Broker, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"k")
    finally:
        await producer.stop()


async def read(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        group_id=f"{topic}-readers",
        check_crcs=broker.kind != "embedded",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.embedded_ok
async def test_the_shared_broker_keeps_what_it_is_given(
    kafka: Broker, names: TopicNames, topics: CreateTopics
) -> None:
    await topics(kafka, "wms")

    await write(kafka, names.events, b"one")

    assert await read(kafka, names.events, 1) == [b"one"]


async def test_a_broker_from_maven_jars_survives_sigkill(
    jars_kafka: OwnBroker, names: TopicNames, topics: CreateTopics
) -> None:
    await topics(jars_kafka, "wms")
    await write(jars_kafka, names.events, b"before")

    await asyncio.to_thread(jars_kafka.kill)
    await asyncio.to_thread(jars_kafka.start)
    await write(jars_kafka, names.events, b"after")

    assert await read(jars_kafka, names.events, 2) == [b"before", b"after"]


async def test_a_broker_of_ones_own_survives_stop_kill_and_pause(
    own_kafka: OwnBroker, names: TopicNames, topics: CreateTopics
) -> None:
    await topics(own_kafka, "wms")
    await write(own_kafka, names.events, b"one")

    for end in (own_kafka.stop, own_kafka.kill):
        await asyncio.to_thread(end)
        await asyncio.to_thread(own_kafka.start)
    await asyncio.to_thread(own_kafka.pause)
    await asyncio.to_thread(own_kafka.unpause)
    await write(own_kafka, names.events, b"two")

    assert await read(own_kafka, names.events, 2) == [b"one", b"two"]
