"""Observations of another team, on a real broker."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from bridge.client.observations import Observation, Observations
from bridge.streams.raw import from_raw
from bridge.streams.restore import as_record
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker
from tests.support.clock import START

pytestmark = pytest.mark.integration

CreateTopics = Callable[..., Awaitable[TopicNames]]


async def test_an_observation_of_another_team_is_read_by_the_bridge(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka)
    observation = Observation(
        id="scan-1",
        subject="warehouse/east/W-1",
        platform="warehouse",
        account="east",
        channel="webhook",
        received_at=START,
        body=b'{"spec": "wms.return-snapshot/1"}\xff',
    )

    async with KafkaBroker(kafka.bootstrap, logger=None, acks="all") as broker:
        observations = Observations(broker, prefix=names.prefix)
        await broker.start()
        await observations.publish(observation)

    consumer = AIOKafkaConsumer(
        names.raw, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        record = as_record(await asyncio.wait_for(consumer.getone(), 10))
    finally:
        await consumer.stop()
    assert from_raw(record) == observation
