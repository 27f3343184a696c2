"""Ingest while its Kafka is stopped, killed or frozen: nothing accepted is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from bridge.clock import SystemClock
from bridge.inbound.health import health_app
from bridge.inbound.options import InboundOptions
from bridge.inbound.serve import HttpServer
from bridge.inbound.webhooks import Webhooks, route
from bridge.platforms.contract import InboundRequest, Observation, Reading
from bridge.streams.publisher import Publisher
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, OwnBroker, options_of
from tests.support.kafka_plugin import CreateTopics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

RECOVERY = timedelta(seconds=60)
READY = timedelta(milliseconds=900)


class OpenSource:
    """A platform that trusts everybody and keeps one history."""

    platform = "redo"
    account = "shop"

    def authenticate(self, request: InboundRequest) -> None:
        """Everybody is genuine here."""

    def locate(self, request: InboundRequest) -> str | None:
        return "redo/shop/" + request.headers["x-return"]

    def credible(self, request: InboundRequest) -> bool:
        del request
        return True

    def delivery_id(self, request: InboundRequest) -> str | None:
        return request.headers["x-delivery"]

    def read(self, observation: Observation) -> Reading:
        raise AssertionError(observation.id)


@dataclass
class Ingest:
    """A running door and what its senders were told."""

    sender: aiohttp.ClientSession
    accepted: set[bytes] = field(default_factory=set)
    refused: list[float] = field(default_factory=list)
    _number: int = 0

    async def post(self) -> int:
        """Send one webhook and note the answer; a refusal with its seconds."""
        self._number += 1
        body = b'{"number": %d}' % self._number
        begun = time.monotonic()
        headers = {
            "x-return": str(self._number % 50),
            "x-delivery": str(self._number),
        }
        async with self.sender.post("/hooks/shop", data=body, headers=headers) as told:
            if told.status == 202:
                self.accepted.add(body)
            else:
                assert told.status == 503
                assert told.headers["retry-after"]
                self.refused.append(time.monotonic() - begun)
            return told.status

    async def ready(self) -> bool:
        begun = time.monotonic()
        async with self.sender.get("/readyz") as told:
            assert time.monotonic() - begun < 1.5  # a second, and a busy machine
            return told.status == 200

    async def flood(self, until: asyncio.Event) -> None:
        """Send about 100 webhooks a second, whether they are answered or not."""
        async with asyncio.TaskGroup() as senders:
            while not until.is_set():
                senders.create_task(self.post())
                await asyncio.sleep(0.01)


@pytest.fixture
async def ingest(
    own_kafka: OwnBroker, topics: CreateTopics
) -> AsyncIterator[tuple[Ingest, str]]:
    """Give a door in front of a broker of its own, and its topic."""
    topic = (await topics(own_kafka)).raw
    async for running in started(own_kafka, topic):
        yield running, topic


async def started(broker: Broker, topic: str) -> AsyncIterator[Ingest]:
    publisher = Publisher(options_of(broker))

    async def ready() -> str | None:
        return None if await publisher.reachable(topic, READY) else "kafka_unavailable"

    options = InboundOptions(port=0, connection_limit=5_000)
    webhooks = Webhooks(
        {"shop": OpenSource()},
        publisher.publish,
        topics=TopicNames(topic.removesuffix(".raw")),
        options=options,
        clock=SystemClock(),
    )
    server = HttpServer(route(webhooks, health_app(ready)), options)
    await publisher.start()
    port = await server.start()
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}",
        connector=aiohttp.TCPConnector(limit=2_000),
        timeout=aiohttp.ClientTimeout(30),
    ) as sender:
        yield Ingest(sender)
    await server.stop()
    await publisher.stop()


async def stored(broker: Broker, topic: str) -> set[bytes]:
    """Return every body on the topic."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: set[bytes] = set()
        for place, end in ends.items():
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=500)).values():
                    found |= {record.value for record in records}
        return found
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("leave", "come_back"),
    [
        ("stop", "start"),
        ("kill", "start"),
        ("pause", "unpause"),
    ],
    ids=["stopped", "killed", "frozen"],
)
@pytest.mark.timed
async def test_kafka_away_is_told_in_time_and_nothing_accepted_is_lost(
    ingest: tuple[Ingest, str],
    own_kafka: OwnBroker,
    leave: str,
    come_back: str,
) -> None:
    door, topic = ingest
    await wait_until(door.ready, what="a first contact with Kafka", within=RECOVERY)
    enough = asyncio.Event()

    flood = asyncio.create_task(door.flood(enough))
    await wait_until(lambda: len(door.accepted) > 100, what="accepted webhooks")
    await asyncio.to_thread(getattr(own_kafka, leave))
    await wait_until(lambda: len(door.refused) > 300, what="refused webhooks")
    ready_meanwhile = await door.ready()
    before = len(door.accepted)
    await asyncio.to_thread(getattr(own_kafka, come_back))
    await wait_until(
        lambda: len(door.accepted) > before + 200, what="recovery", within=RECOVERY
    )
    await wait_until(door.ready, what="readiness", within=RECOVERY)
    enough.set()
    await flood

    assert not ready_meanwhile
    assert max(door.refused) < 5
    assert door.accepted <= await stored(own_kafka, topic)


async def test_ingest_starts_without_kafka_and_finds_it_later(
    own_kafka: OwnBroker, topics: CreateTopics
) -> None:
    topic = (await topics(own_kafka)).raw
    await asyncio.to_thread(own_kafka.stop)

    async for door in started(own_kafka, topic):
        ready_without = await door.ready()
        status_without = await door.post()
        await asyncio.to_thread(own_kafka.start)
        await wait_until(door.ready, what="readiness", within=RECOVERY)
        status_with = await door.post()

        assert (ready_without, status_without) == (False, 503)
        assert status_with == 202
        assert door.accepted <= await stored(own_kafka, topic)
