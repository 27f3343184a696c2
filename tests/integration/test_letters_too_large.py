"""A dead letter that its topic does not take: the position is held, nothing is lost."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import JsonValue
from structlog.testing import capture_logs

from bridge import settings
from bridge.app.bridge import DELIVER, Bridge
from bridge.clock import SystemClock
from bridge.errors import UnavailableError
from bridge.streams.bulk import write_all
from bridge.streams.records import Outgoing
from bridge.streams.scan import partition_for
from bridge.streams.topics import TopicNames
from bridge.telemetry import events as facts
from tests.integration.test_topics_on_kafka import config_of
from tests.support.broker import Broker, options_of
from tests.support.histories import events, publish_events
from tests.support.kafka_plugin import CreateTopics
from tests.support.operating import Operator, Warehouse, write_config
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PARTITIONS = 4
BAD = events(0, 1)[0].subject
#: Another return, in another partition.
NUMBERS = (
    0,
    next(
        number
        for number in range(1, 50)
        if partition_for(events(number, 1)[0].subject.encode(), PARTITIONS)
        != partition_for(BAD.encode(), PARTITIONS)
    ),
)
GOOD = events(NUMBERS[1], 1)[0].subject
VERSIONS = 3
HEARD = [2, 4, 5]  # what the warehouse hears of each: the approval and two updates


async def limit(broker: Broker, topic: str, size: int) -> None:
    """Set the largest record that a topic takes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    configs = {"max.message.bytes": str(size)}
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs)
    await admin.alter_configs([resource])

    async def known() -> bool:
        return (await config_of(admin, topic))["max.message.bytes"] == str(size)

    await wait_until(known, what="the limit")
    await admin.close()


@contextlib.asynccontextmanager
async def delivering(config: Path) -> AsyncIterator[Bridge]:
    bridge = Bridge(settings.load(config), [DELIVER], clock=SystemClock())
    await bridge.start()
    try:
        yield bridge
    finally:
        await bridge.stop()


async def publish(ground: "Ground") -> None:
    for number in NUMBERS:
        only = range(number, number + 1)
        await publish_events(ground.broker.bootstrap, ground.names, only, VERSIONS)


@dataclass(frozen=True, slots=True)
class Ground:
    """A bridge that has to bury an event, and a topic that takes no such letter."""

    names: TopicNames
    broker: Broker
    warehouse: Warehouse
    operator: Operator

    async def takes(self, size: int) -> None:
        """Set the largest record that the topic of dead letters takes."""
        await limit(self.broker, self.names.dead("wms"), size)

    async def buried(self) -> None:
        """Return when the dead letter is written."""

        async def there() -> bool:
            return (await self.operator.says("dead", "list")).code == 0

        await wait_until(there, what="the letter")

    async def verified(self) -> Mapping[str, JsonValue]:
        """Return what `verify` says of the target; every promise must be kept."""
        proof = await self.operator.says("verify", "--json")
        assert proof.code == 0, proof.out
        return proof.rows()[1]


@pytest.fixture
async def ground(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> AsyncIterator[Ground]:
    names = await topics(kafka, "wms", partitions=PARTITIONS)
    warehouse = Warehouse()
    warehouse.refuses = lambda reference, _: BAD.rpartition("/")[2] in reference
    url = await warehouse.start()
    operator = Operator(write_config(tmp_path, kafka.bootstrap, names.prefix, url))
    yield Ground(names, kafka, warehouse, operator)
    await warehouse.stop()


def failures(lines: Sequence[Mapping[str, object]]) -> list[str]:
    """Return what the log says of commits that failed."""
    return [
        str(line["reason"]) for line in lines if line["event"] == facts.COMMIT_FAILED
    ]


def outcomes(lines: Sequence[Mapping[str, object]]) -> list[str]:
    """Return what calls about the bad return came to."""
    attempts = [line for line in lines if line["event"] == facts.DELIVERY_ATTEMPTED]
    told = [str(line["outcome"]) for line in attempts if line["subject"] == BAD]
    return [outcome for outcome in told if outcome != "skipped"]


async def test_a_letter_above_its_topics_limit_holds_the_position_until_it_fits(
    ground: Ground,
) -> None:
    await ground.takes(1_000)
    with capture_logs() as lines:
        async with delivering(ground.operator.config):
            await publish(ground)
            await wait_until(lambda: len(failures(lines)) > 1, what="a second try")
            held = await ground.verified()
            served = ground.warehouse.revisions(GOOD)

            await ground.takes(1_000_000)
            await ground.buried()
        buried = await ground.verified()

    assert "max.message.bytes" in failures(lines)[0]
    assert (held["held"], buried["held"]) == (0, 4)
    assert served == HEARD  # another partition
    assert outcomes(lines) == ["refused"]  # once, for as long as it took


async def test_a_commit_that_fails_again_and_again_is_no_flood(ground: Ground) -> None:
    clock = SystemClock()
    await ground.takes(1_000)
    with capture_logs() as lines:
        async with delivering(ground.operator.config):
            await publish(ground)
            await wait_until(lambda: bool(failures(lines)), what="the first try")
            began = clock.monotonic()
            await wait_until(lambda: len(failures(lines)) > 4, what="the fifth try")
            took = clock.monotonic() - began
            await ground.takes(1_000_000)
            await ground.buried()

    assert took > 0.5 + 1 + 2


async def test_a_record_that_is_refused_among_many_is_told(ground: Ground) -> None:
    kafka, topic = options_of(ground.broker), ground.names.dead("wms")
    small, large = (Outgoing(topic, b"k", b"x" * size) for size in (1, 5_000))
    await write_all(kafka, [small])  # from now on the topic is known everywhere
    await ground.takes(1_000)

    with pytest.raises(UnavailableError, match="MessageSizeTooLarge"):
        await write_all(kafka, [small, large, small])
