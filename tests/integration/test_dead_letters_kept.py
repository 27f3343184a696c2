"""Operators at work on a real broker: stopped half-way, exporting, reading anew."""

import asyncio
import contextlib
import math
import os
import pty
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from bridge import settings
from bridge.app.bridge import DELIVER, Bridge
from bridge.clock import SystemClock
from bridge.deadletters.instructions import decode
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
#: So many may die where four times as many are delivered: more would stop the target.
MANY, HALF = 240, 120
HEALTHY, VERSIONS = range(1_000, 1_030), 34
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
    config = write_config(
        *(tmp_path, kafka.bootstrap, names.prefix, url), dead_limit=2 * MANY
    )
    return Operator(config)


async def dead(operator: Operator) -> int:
    """Return how many events are dead."""
    return len((await operator.says("dead", "list", "--json")).rows())


@pytest.fixture
def deaths() -> int:
    """How many returns have a dead event; a test may say otherwise."""
    return 1


@pytest.fixture
async def bridge(
    kafka: Broker,
    names: TopicNames,
    operator: Operator,
    warehouse: Warehouse,
    deaths: int,
) -> AsyncIterator[Bridge]:
    """Run the bridge until an event of each return is dead."""
    bridge = Bridge(settings.load(operator.config), [DELIVER], clock=SystemClock())
    await bridge.start()
    if deaths > 1:
        await publish_events(kafka.bootstrap, names, HEALTHY, VERSIONS)
        delivered = len(HEALTHY) * VERSIONS
        await wait_until(lambda: len(warehouse.puts) == delivered, what="the healthy")
    warehouse.refuses = lambda _reference, _document: True
    await publish_events(kafka.bootstrap, names, range(deaths), 2)
    await until_dead(operator, deaths)
    yield bridge
    await bridge.stop()


async def until_dead(operator: Operator, count: int) -> None:
    async def there() -> bool:
        return await dead(operator) == count

    await wait_until(there, what=f"{count} dead", within=timedelta(seconds=60))


RETRY = ("dead", "retry", "--yes")


def a_terminal_as_it_is() -> dict[str, str]:
    """Return our environment without what tells programs to take it for another."""
    told = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    ours = {name: value for name, value in os.environ.items() if name not in told}
    return {**ours, "TERM": "xterm"}


async def begin(operator: Operator, *words: str, stderr: int = PIPE) -> Process:
    """Start a command as a process of its own; its stderr goes where it is told."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *words, "--config", str(operator.config)),
        stdout=PIPE,
        stderr=stderr,
        env=a_terminal_as_it_is(),
    )


@pytest.mark.usefixtures("bridge")
async def test_a_stopped_command_says_what_was_done_and_loses_nothing(
    operator: Operator, warehouse: Warehouse
) -> None:
    warehouse.refusal = 503
    command = await begin(operator, *RETRY)

    try:
        await until_dead(operator, 0)
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


@contextlib.asynccontextmanager
async def reading(kafka: Broker, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Read a topic from its beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(4)])
        yield consumer
    finally:
        await consumer.stop()


async def given(consumer: AIOKafkaConsumer, enough: float = math.inf) -> list[str]:
    """Return which events the instructions are about: all there are, or enough."""
    found: list[str] = []
    while len(found) < enough:
        batches = await consumer.getmany(timeout_ms=1_000)
        if not batches and enough == math.inf:
            break
        records = (record for batch in batches.values() for record in batch)
        found += [str(decode(record.key, record.value).event_id) for record in records]
    return found


@pytest.mark.usefixtures("bridge")
@pytest.mark.parametrize("deaths", [MANY])
async def test_a_retry_stopped_half_way_goes_on_with_the_rest(
    kafka: Broker, names: TopicNames, operator: Operator, warehouse: Warehouse
) -> None:
    warehouse.refusal = 503  # so the first step does not end, however slow we are
    words = (*RETRY, "--canary", f"{HALF},all")
    async with reading(kafka, names.instructions) as consumer:
        command = await begin(operator, *words)
        before = await given(consumer, enough=HALF // 2)
        command.send_signal(signal.SIGINT)
        _, said = await command.communicate()
        before += await given(consumer)
        warehouse.refuses = nobody
        await until_dead(operator, MANY - len(before))
        again = await operator.says(*words)
        after = await given(consumer)

    assert command.returncode == 130
    told = re.search(rf"Stopped after (\d+) of {MANY}\.", said.decode())
    assert told is not None, said
    # The last may have been on its way when it was stopped.
    assert len(before) - 1 <= int(told[1]) <= len(before) <= HALF
    assert again.code == 0, again
    assert again.err == f"{len(after)} delivered.\n"
    assert len({*before, *after}) == len(before + after) == MANY
    assert len(set(warehouse.puts)) == len(warehouse.puts)


def shown_on(terminal: int) -> bytes:
    """Return what is written on a terminal until nobody has it open."""
    seen = b""
    with contextlib.suppress(OSError):  # how Linux says that all have closed it
        while some := os.read(terminal, 65_536):
            seen += some
    return seen


@pytest.mark.usefixtures("bridge")
async def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(
    operator: Operator,
) -> None:
    ours, its = pty.openpty()
    command = await begin(operator, *RETRY, stderr=its)
    os.close(its)
    on_terminal = await asyncio.to_thread(shown_on, ours)
    os.close(ours)
    ends = [await command.wait()]
    await until_dead(operator, 1)
    command = await begin(operator, *RETRY)
    _, in_pipe = await command.communicate()
    ends.append(await command.wait())

    assert ends == [1, 1]  # it died again
    assert b"retry" in on_terminal
    assert b"0/1" in on_terminal
    assert "━".encode() in on_terminal
    assert in_pipe.decode() == "1 died again.\n"


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
