"""Reading single records back: what is gone is told from a broker that is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bridge.streams.bulk import write_all
from bridge.streams.records import Outgoing, Record
from bridge.streams.restore import Reader
from tests.support.broker import OwnBroker, options_of
from tests.support.kafka_plugin import CreateTopics
from tests.support.leaping import LeapingClock
from tests.support.waiting import comes_true, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

AGES = timedelta(minutes=1)
A_WHILE = timedelta(seconds=1)
VALUES = [b"1", b"2", b"3"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A broker of one's own, three records in a partition, and who reads them."""

    broker: OwnBroker
    clock: LeapingClock
    reader: Reader

    def read(self, *offsets: int) -> asyncio.Task[list[Record]]:
        return asyncio.create_task(self.reader.read(0, offsets))


@pytest.fixture
async def scene(own_kafka: OwnBroker, topics: CreateTopics) -> AsyncIterator[Scene]:
    names = await topics(own_kafka, "wms", partitions=1)
    topic, kafka = names.parked("wms"), options_of(own_kafka)
    await write_all(kafka, [Outgoing(topic, b"k", value) for value in VALUES])
    clock = LeapingClock()
    reader = Reader(kafka, topic, clock)
    yield Scene(own_kafka, clock, reader)
    await reader.close()


async def test_a_broker_that_is_away_for_long_is_waited_for(scene: Scene) -> None:
    assert [record.value for record in await scene.read(0)] == VALUES[:1]

    await asyncio.to_thread(scene.broker.pause)
    reading = scene.read(0, 1, 2)
    gave_up = await comes_true(lambda: _ended(scene, reading), A_WHILE)
    await asyncio.to_thread(scene.broker.unpause)

    assert not gave_up
    assert [record.value for record in await reading] == VALUES


async def test_what_is_not_there_is_left_out(scene: Scene) -> None:
    reading = scene.read(1, 77)

    await wait_until(lambda: _ended(scene, reading), what="the end of the reading")

    assert [record.value for record in await reading] == VALUES[1:2]


def _ended(scene: Scene, reading: asyncio.Task[list[Record]]) -> bool:
    """Tell whether it has ended, and let ages pass if not."""
    scene.clock.leap(AGES)
    return reading.done()
