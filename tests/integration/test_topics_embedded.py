"""The embedded broker: it has no CreateTopics, only its numbers can be compared."""

from collections.abc import AsyncIterator

import pytest

from bridge.errors import ConfigError
from bridge.sandbox.broker import PARTITIONS, EmbeddedBroker
from bridge.streams.connection import KafkaOptions
from bridge.streams.topic_admin import check_topics
from bridge.streams.topics import TopicNames, specs


@pytest.fixture
async def embedded() -> AsyncIterator[KafkaOptions]:
    broker = EmbeddedBroker()
    yield KafkaOptions(bootstrap=(await broker.start(),), embedded=True)
    broker.stop()


async def test_the_embedded_broker_has_the_topics_as_soon_as_they_are_asked_for(
    embedded: KafkaOptions,
) -> None:
    wanted = specs(TopicNames(), ["wms"], partitions=PARTITIONS)

    await check_topics(embedded, wanted, embedded=True)


async def test_another_number_of_partitions_is_refused_there_too(
    embedded: KafkaOptions,
) -> None:
    wanted = specs(TopicNames(), ["wms"], partitions=PARTITIONS + 1)

    with pytest.raises(ConfigError, match="partitions is 4, wanted 5"):
        await check_topics(embedded, wanted, embedded=True)
