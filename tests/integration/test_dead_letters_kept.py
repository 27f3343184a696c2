"""Operators at work on a real broker: stopped half-way, exporting, reading anew."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from bridge import settings
from bridge.app.bridge import DELIVER, Bridge
from bridge.clock import SystemClock
from bridge.deadletters.letter import DeadLetter, Position
from bridge.platforms.contract import Observation
from bridge.streams.raw import from_raw, to_raw
from bridge.streams.scan import Place, open_scanner, partition_for
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, options_of
from tests.support.histories import events, publish_events
from tests.support.kafka_plugin import CreateTopics
from tests.support.operating import Operator, Warehouse, nobody, write_config
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SUBJECT = events(0, 1)[0].subject
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def warehouse() -> AsyncIterator[Warehouse]:
    warehouse = Warehouse()
    yield warehouse
    await warehouse.stop()


@pytest.fixture
async def operator(
    kafka: Broker, topics: CreateTopics, warehouse: Warehouse, tmp_path: Path
) -> Operator:
    names = await topics(kafka, "wms", partitions=4)
    url = await warehouse.start()
    return Operator(write_config(tmp_path, kafka.bootstrap, names.prefix, url))


async def dead(operator: Operator) -> bool:
    return (await operator.says("dead", "list")).code == 0


@pytest.fixture
async def bridge(
    kafka: Broker, names: TopicNames, operator: Operator, warehouse: Warehouse
) -> AsyncIterator[Bridge]:
    """Run the bridge until one event is dead."""
    bridge = Bridge(settings.load(operator.config), [DELIVER], clock=SystemClock())
    await bridge.start()
    warehouse.refuses = lambda _reference, _document: True
    await publish_events(kafka.bootstrap, names, range(1), 2)
    await wait_until(lambda: dead(operator), what="death")
    yield bridge
    await bridge.stop()


@pytest.mark.usefixtures("bridge")
async def test_a_stopped_command_says_what_was_done_and_loses_nothing(
    operator: Operator, warehouse: Warehouse
) -> None:
    warehouse.refusal = 503
    words = ("-m", "bridge", "dead", "retry", "--yes", "--config", str(operator.config))
    command = await asyncio.create_subprocess_exec(
        sys.executable, *words, stderr=asyncio.subprocess.PIPE
    )

    async def obeyed() -> bool:
        return not await dead(operator)

    try:
        await wait_until(obeyed, what="the order", within=timedelta(seconds=60))
    finally:
        if command.returncode is None:
            command.send_signal(signal.SIGINT)
        _, said = await command.communicate()

    assert command.returncode == 130
    assert b"Stopped after 1 of 1." in said
    warehouse.refuses = nobody

    async def delivered() -> bool:
        return "nothing is waiting" in (await operator.says("why", SUBJECT)).out

    await wait_until(delivered, what="the delivery", within=timedelta(seconds=60))
    assert (await operator.says("verify")).code == 0


@pytest.mark.usefixtures("bridge")
async def test_what_is_dead_can_be_taken_out_whole(operator: Operator) -> None:
    file = operator.config.with_name("dead.jsonl")

    written = await operator.says("dead", "export", "--output", str(file))
    again = await operator.says("dead", "export", "--output", str(file))
    shown = await operator.says("dead", "show", SUBJECT, "--body", "--json")
    unmatched = await operator.says("dead", "export", "--reason", "http_400")

    (row,) = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert (written.code, again.code, unmatched.code) == (0, 2, 4)
    assert file.stat().st_mode & 0o777 == 0o600
    assert row["body"]["return"]["subject"] == SUBJECT
    assert shown.rows() == [row]


# ------------------------------------------------------------------ inbound

OBSERVATION = Observation(
    "delivery-1", "redo/shop/7", "redo", "shop", "webhook", NOW, b'{"half": '
)


async def bury(kafka: Broker, names: TopicNames) -> None:
    """Write the dead letter of an observation that could not be read."""
    raw = to_raw(OBSERVATION, names.raw)
    dead_ = DeadLetter(
        stage="normalize",
        reason="not_json",
        origin=Position(names.raw, 0, 0, 0),
        died_at=NOW,
        key=raw.key,
        value=raw.value,
        headers=dict(raw.headers),
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    await producer.send_and_wait(
        names.dead_inbound, dead_.value, dead_.key, headers=list(dead_.to_headers())
    )
    await producer.stop()


async def test_an_unreadable_body_is_read_anew_as_it_came(
    kafka: Broker, names: TopicNames, operator: Operator
) -> None:
    await bury(kafka, names)
    listed = await operator.says("dead", "list", "--inbound")
    elsewhere = await operator.says("dead", "list", "--inbound", "--account", "other")

    retried = await operator.says("dead", "retry", "--inbound", "--author", "ada")

    assert "not_json at $" in listed.out
    assert elsewhere.code == 4
    assert retried.code == 0
    assert "1 of 1 written again" in retried.err
    assert (await operator.says("dead", "list", "--inbound")).code == 4
    place = Place(names.raw, partition_for(b"redo/shop/7", 4))
    async with open_scanner(options_of(kafka)) as scanner:
        (seen,) = [from_raw(record) async for record in scanner.records(place)]
    assert (seen.id, seen.channel, seen.body) == ("delivery-1", "replay", b'{"half": ')


async def test_an_unreadable_body_can_be_given_up(
    kafka: Broker, names: TopicNames, operator: Operator
) -> None:
    await bury(kafka, names)
    words = ("dead", "discard", "--inbound", "--because", "a test of theirs")

    rehearsed = await operator.says(*words, "--dry-run")
    discarded = await operator.says(*words)
    exported = await operator.says("dead", "export", "--inbound")

    assert "delivery-1" in rehearsed.out
    assert discarded.code == 0
    assert exported.code == 4
