"""Commit metadata that is not ours, or broken, on a real broker: nothing is lost."""

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bridge.streams.topics import TopicNames
from bridge.telemetry import events
from tests.integration.test_ownership import copies, member_of, produce
from tests.support.broker import Broker
from tests.support.kafka_plugin import CreateTopics
from tests.support.settling import settled
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

COUNT = 20
FOREIGN = {
    "another tool's": "committed by kafka-consumer-groups --reset-offsets",
    "another version's": "rb2;r;a1.7;00000000;AAAA",
    "a broken checksum": "rb1;r;a1.7;00000000;AAAA",
    "no text of any sort": "\u2028;;;;",
}


def ignored(group: str) -> float:
    name = "returns_bridge_progress_ignored_total"
    return REGISTRY.get_sample_value(name, {"group": group}) or 0.0


async def commit(broker: Broker, names: TopicNames, offset: int, text: str) -> None:
    """Commit as a foreign tool does, while nobody is in the group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap,
        group_id=f"{names.prefix}-g",
        enable_auto_commit=False,
    )
    await consumer.start()
    place = TopicPartition(names.events, 0)
    consumer.assign([place])
    await consumer.commit({place: OffsetAndMetadata(offset, text)})
    await consumer.stop()


@pytest.mark.parametrize("text", FOREIGN.values(), ids=list(FOREIGN))
async def test_foreign_metadata_is_told_and_every_record_above_the_offset_comes(
    kafka: Broker, topics: CreateTopics, text: str
) -> None:
    names = await topics(kafka, partitions=1)
    await produce(kafka, names.events, COUNT)
    await commit(kafka, names, 5, text)

    with capture_logs() as lines:
        async with member_of(kafka, names) as (works, seen):
            await wait_until(lambda: len(seen) == COUNT - 5, what="all records")

    assert seen == list(range(5, COUNT))
    assert works[0].clean is False  # it may be a crashed owner's: its calls are awaited
    assert ignored(f"{names.prefix}-g") == 1
    told = [line for line in lines if line["event"] == events.PROGRESS_IGNORED]
    assert [line["partition"] for line in told] == [0]
    await settled(kafka, [names.snapshots])
    assert await copies(kafka, names) == list(range(5, COUNT))


async def test_after_foreign_metadata_progress_is_ours_again(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, partitions=1)
    await produce(kafka, names.events, COUNT)
    await commit(kafka, names, 5, "somebody else's")
    async with member_of(kafka, names) as (_, first):
        await wait_until(lambda: len(first) == COUNT - 5, what="all records")

    with capture_logs() as lines:
        async with member_of(kafka, names) as (_, second):
            await produce(kafka, names.events, 1)
            await wait_until(lambda: bool(second), what="the new record")

    assert second == [COUNT]
    assert not [line for line in lines if line["event"] == events.PROGRESS_IGNORED]
