"""The publisher against a real Kafka: what it refuses, and what it survives."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer

from bridge.errors import UnavailableError
from bridge.platforms.contract import Observation
from bridge.streams.publisher import Publisher
from bridge.streams.raw import from_raw, to_raw
from bridge.streams.records import Outgoing, Record
from bridge.streams.topics import MESSAGE_LIMIT
from tests.support.broker import Broker, options_of
from tests.support.kafka_plugin import CreateTopics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

LONG, SHORT = timedelta(seconds=20), timedelta(milliseconds=900)
OBSERVATION = Observation(
    id="d-1",
    subject="redo/shop/r1",
    platform="redo",
    account="shop",
    channel="webhook",
    received_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    body=bytes(range(256)),
)


@pytest.fixture
async def publisher(kafka: Broker) -> AsyncIterator[Publisher]:
    publisher = Publisher(options_of(kafka))
    await publisher.start()
    yield publisher
    await publisher.stop()


async def first_of(broker: Broker, topic: str) -> Record:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        read = await consumer.getone()
        return Record(
            topic=read.topic,
            partition=read.partition,
            offset=read.offset,
            timestamp=read.timestamp,
            key=read.key,
            value=read.value,
            headers=dict(read.headers),
        )
    finally:
        await consumer.stop()


async def test_an_observation_comes_back_from_kafka_as_it_went(
    kafka: Broker, topics: CreateTopics, publisher: Publisher
) -> None:
    topic = (await topics(kafka)).raw

    await publisher.publish(to_raw(OBSERVATION, topic, "d-1"), LONG)

    assert from_raw(await first_of(kafka, topic)) == OBSERVATION


async def test_a_body_at_the_inbound_limit_fits(
    kafka: Broker, topics: CreateTopics, publisher: Publisher
) -> None:
    topic = (await topics(kafka)).raw

    await publisher.publish(Outgoing(topic, b"k", b"x" * 2 * 1024 * 1024), LONG)

    assert len((await first_of(kafka, topic)).value or b"") == 2 * 1024 * 1024


async def test_readiness_means_that_the_topic_has_leaders(
    kafka: Broker, topics: CreateTopics, publisher: Publisher
) -> None:
    topic = (await topics(kafka)).raw

    await wait_until(lambda: publisher.reachable(topic, SHORT), what="contact")

    assert not await publisher.reachable("no.such.topic", SHORT)


async def test_a_topic_that_is_missing_is_unavailable_and_others_go_on(
    kafka: Broker, topics: CreateTopics, publisher: Publisher
) -> None:
    topic = (await topics(kafka)).raw

    with pytest.raises(UnavailableError):
        await publisher.publish(Outgoing("no.such.topic", b"k", b"v"), SHORT)

    await publisher.publish(Outgoing(topic, b"k", b"v"), LONG)


async def test_a_record_that_kafka_never_takes_does_not_stop_the_next(
    kafka: Broker, topics: CreateTopics, publisher: Publisher
) -> None:
    names = await topics(kafka)
    too_large_for_the_client = b"x" * (MESSAGE_LIMIT + 1)
    too_large_for_the_broker = b"x" * 2 * 1024 * 1024  # links keep Kafka's 1 MiB

    for topic, value in (
        (names.raw, too_large_for_the_client),
        (names.links, too_large_for_the_broker),
    ):
        with pytest.raises(UnavailableError, match="refuses"):
            await publisher.publish(Outgoing(topic, b"k", value), LONG)
        await publisher.publish(Outgoing(topic, b"k", b"v"), LONG)


async def test_too_much_waiting_is_refused_at_once(
    kafka: Broker, topics: CreateTopics
) -> None:
    topic = (await topics(kafka)).raw
    publisher = Publisher(options_of(kafka), memory_limit=10_000)
    await publisher.start()

    with pytest.raises(UnavailableError, match="too much"):
        await publisher.publish(Outgoing(topic, b"k", b"x" * 10_000), LONG)
    await publisher.publish(Outgoing(topic, b"k", b"v"), LONG)

    await publisher.stop()


async def test_a_stopped_publisher_tells_that_nothing_was_stored(
    kafka: Broker, topics: CreateTopics
) -> None:
    topic = (await topics(kafka)).raw
    publisher = Publisher(options_of(kafka))
    await publisher.start()
    await publisher.publish(Outgoing(topic, b"k", b"v"), LONG)

    await publisher.stop()

    assert not await publisher.reachable(topic, SHORT)
    with pytest.raises(UnavailableError):
        await publisher.publish(Outgoing(topic, b"k", b"v"), SHORT)
