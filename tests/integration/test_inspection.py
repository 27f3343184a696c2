"""`verify`, `trace` and `lag` on the topics of a real broker, and the scans below."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from bridge.canonical.envelope import (
    Cause,
    Event,
    chain_start,
    from_headers,
    seal,
    to_headers,
)
from bridge.deadletters.letter import About, DeadLetter, Position
from bridge.deadletters.parked import (
    Death,
    ParkedEvent,
    Pause,
    State,
    Trouble,
    encode,
    encode_pause,
)
from bridge.errors import ConfigError, UnavailableError
from bridge.inspection.asking import why
from bridge.inspection.findings import Kind
from bridge.inspection.lag import lag
from bridge.inspection.read import verify
from bridge.inspection.trace import trace
from bridge.platforms.contract import Hint, Observation
from bridge.streams.groups import deliver_group
from bridge.streams.hints import to_hint
from bridge.streams.progress import Mark, Progress
from bridge.streams.raw import to_raw
from bridge.streams.receipts import DEAD, Attempt, Receipt, Sheet, encode_sheet
from bridge.streams.records import Outgoing
from bridge.streams.scan import Place, Step, open_scanner, partition_for
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, free_port, options_of
from tests.support.choice import GivenBroker
from tests.support.histories import published
from tests.support.kafka_plugin import CreateTopics
from tests.support.settling import settled
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

PARTITIONS = 4
NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)


class Writer:
    """Writes records in transactions, as the stages do."""

    def __init__(
        self, producer: AIOKafkaProducer, names: TopicNames, broker: Broker
    ) -> None:
        self._producer = producer
        self._names = names
        self._broker = broker

    async def write(self, *records: Outgoing) -> None:
        async with self._producer.transaction():
            await self._send(records)
        await settled(self._broker, {record.topic for record in records})

    async def abort(self, *records: Outgoing) -> None:
        await self._producer.begin_transaction()
        await self._send(records)
        await self._producer.abort_transaction()
        await settled(self._broker, {record.topic for record in records})

    async def commit(self, topic: str, partition: int, progress: Progress) -> None:
        offsets = {
            TopicPartition(topic, partition): (
                progress.position,
                progress.encode(Mark(released=False, owner="o")),
            )
        }
        group = deliver_group(self._names.prefix, "wms")
        async with self._producer.transaction():
            await self._producer.send_offsets_to_transaction(offsets, group)

    async def _send(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            await self._producer.send_and_wait(
                record.topic,
                record.value,
                key=record.key,
                headers=list(record.headers),
                partition=record.partition,
            )


@pytest.fixture
async def writer(
    kafka: Broker, names: TopicNames, topics: CreateTopics
) -> AsyncIterator[Writer]:
    await topics(kafka, "wms", partitions=PARTITIONS)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=names.prefix
    )
    await producer.start()
    yield Writer(producer, names, kafka)
    await producer.stop()


def history(subject: str, count: int) -> list[Event]:
    cause = Cause("/redo/shop", NOW, "delivery-1")
    bodies = [("return.updated", b"{}")] * count
    return seal(subject, 0, chain_start(subject), cause, bodies)


def place_of(event: Event) -> int:
    return partition_for(event.subject.encode(), PARTITIONS)


def receipted(
    names: TopicNames, event: Event, outcome: str = "delivered", at: int = 0
) -> Outgoing:
    began = NOW + (at or event.sequence) * SECOND
    attempt = Attempt(began, began + SECOND / 2, outcome, "http_200")
    receipt = Receipt(
        event.id,
        event.subject,
        event.sequence,
        event.chain,
        event.type,
        outcome,
        (attempt,),
        attempt.ended_at,
    )
    partition = place_of(event)
    value = encode_sheet(Sheet("worker-1", "wms", partition, (receipt,)))[0]
    return Outgoing(names.receipts("wms"), None, value, partition=partition)


def buried(names: TopicNames, event: Event) -> Outgoing:
    dead = DeadLetter(
        stage="deliver",
        reason="refused",
        detail="no such item",
        origin=Position(names.events, 0, 0, 0),
        died_at=NOW + timedelta(minutes=1),
        key=event.subject.encode(),
        value=event.body,
        target="wms",
        about=About(event.id, event.subject, event.sequence, event.type),
    )
    return Outgoing(
        names.dead("wms"),
        dead.key,
        dead.value,
        dead.to_headers(),
        partition=place_of(event),
    )


def parked(names: TopicNames, event: Event) -> Outgoing:
    """Park a dead event, as the engine does."""
    trouble = Trouble(tried=1, last_outcome="refused", last_tried_at=NOW)
    death = Death("refused", "no such item", "refused", NOW)
    state = State("parked", event.subject, event.sequence, 0, 0, NOW, trouble, death)
    kept = ParkedEvent(event.id, state, event.body, dict(to_headers(event)))
    key, value, headers = encode(kept)
    return Outgoing(names.parked("wms"), key, value, headers, place_of(event))


async def test_sound_topics_of_many_subjects_are_proven_sound(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    histories = [history(f"redo/shop/{number}", 3) for number in range(20)]
    everything = [event for events in histories for event in events]
    await writer.write(*(published(names, event) for event in everything))
    await writer.write(
        *(receipted(names, event) for event in everything if event.sequence < 3)
    )
    await writer.abort(*(receipted(names, event) for event in everything))
    seen: list[Step] = []

    report = await verify(options_of(kafka), names, ["wms"], progress=seen.append)

    target = report.targets[0]
    assert report.ok
    assert (report.history.subjects, report.history.events) == (20, 60)
    assert (target.delivered, target.waiting) == (40, 20)
    assert {step.place.topic for step in seen} == {
        names.events,
        names.receipts("wms"),
    }
    assert all(step.position <= step.end for step in seen)


async def test_planted_violations_and_a_held_subject_are_told(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    torn, held = history("redo/shop/torn", 3), history("redo/shop/held", 3)
    await writer.write(*(published(names, event) for event in [*torn, *held]))
    await writer.write(receipted(names, torn[0]), receipted(names, torn[2]))
    await writer.write(
        receipted(names, held[0], DEAD), buried(names, held[0]), parked(names, held[0])
    )
    await writer.write(
        Outgoing(names.events, b"k", b"{}"),
        Outgoing(names.receipts("wms"), None, b"{}"),
        Outgoing(names.dead("wms"), b"k", b"{}"),
    )

    report = await verify(options_of(kafka), names, ["wms"])

    target = report.targets[0]
    assert not report.ok
    assert report.history.findings.counts == {Kind.FOREIGN: 3}
    assert target.findings.counts == {Kind.GAP: 1}
    assert (target.given_up, target.held, target.parked) == (0, 3, 1)


async def test_a_later_beginning_leaves_older_records_out(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    events = history("redo/shop/1", 4)
    await writer.write(published(names, events[0]), published(names, events[1]))
    await writer.write(receipted(names, events[0]), receipted(names, events[1]))
    since = datetime.now(UTC) + timedelta(milliseconds=1)  # records carry whole ones
    await wait_until(lambda: datetime.now(UTC) > since, what="the next millisecond")
    await writer.write(published(names, events[2]), published(names, events[3]))
    await writer.write(receipted(names, events[2]))

    report = await verify(options_of(kafka), names, ["wms"], since)

    target = report.targets[0]
    assert report.ok
    assert (report.history.events, target.delivered, target.waiting) == (2, 1, 1)


async def test_a_missing_topic_is_told_with_its_remedy(kafka: Broker) -> None:
    with pytest.raises(ConfigError, match="topics apply"):
        await verify(options_of(kafka), TopicNames("nobody-made-this"), ["wms"])


async def test_a_broker_that_is_away_is_told(names: TopicNames) -> None:
    nobody = options_of(GivenBroker(f"127.0.0.1:{free_port()}"))

    with pytest.raises(UnavailableError, match="does not answer"):
        await verify(nobody, names, ["wms"])


async def test_a_trace_tells_one_return_from_all_topics_in_order_of_time(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    mine, others = history("redo/shop/7", 2), history("redo/shop/8", 2)
    observation = Observation(
        "delivery-1", "redo/shop/7", "redo", "shop", "webhook", NOW - SECOND, b"{}"
    )
    await writer.write(to_raw(observation, names.raw))
    await writer.write(*(published(names, event) for event in [*mine, *others]))
    await writer.write(receipted(names, mine[0]), receipted(names, others[0]))
    await writer.write(receipted(names, mine[1], DEAD), buried(names, mine[1]))

    steps = await trace(options_of(kafka), names, ["wms"], "redo/shop/7")

    assert [(step.what, step.sequence) for step in steps] == [
        ("observation", None),
        ("event", 1),
        ("event", 2),
        ("attempt", 1),
        ("receipt", 1),
        ("attempt", 2),
        ("receipt", 2),
        ("dead letter", 2),
    ]
    assert steps[0].detail == "webhook delivery-1, 2 bytes"
    assert steps[3].detail == "delivered http_200, 500 ms"
    assert steps[-1].detail == "refused at $: no such item"
    assert not await trace(options_of(kafka), names, ["wms"], "redo/shop/unheard")


async def test_a_trace_tells_what_is_kept_of_an_event_without_a_receipt(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    event = history("redo/shop/7", 1)[0]
    pause = Pause(event.subject, "i-1", "ada", "recount", NOW + SECOND)
    key, value = encode_pause(pause)
    paused = Outgoing(names.parked("wms"), key, value, partition=place_of(event))
    await writer.write(published(names, event), parked(names, event), paused)

    steps = await trace(options_of(kafka), names, ["wms"], event.subject)

    assert [(step.what, step.detail) for step in steps[1:]] == [
        ("tried", "tried once, last: refused"),
        ("parked", "waits for an operator"),
        ("pause", "since then, by ada: recount"),
    ]


async def test_why_is_answered_from_the_topics_alone(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    dead, sound = history("redo/shop/7", 3), history("redo/shop/8", 1)
    await writer.write(*(published(names, event) for event in [*dead, *sound]))
    await writer.write(receipted(names, dead[0], DEAD), parked(names, dead[0]))
    await writer.write(receipted(names, sound[0]))

    (waiting,) = await why(options_of(kafka), names, ["wms"], "redo/shop/7")
    (nothing,) = await why(options_of(kafka), names, ["wms"], "redo/shop/8")

    assert (waiting.waiting_for, waiting.sequence, waiting.behind) == ("dead", 1, 2)
    assert (nothing.waiting_for, nothing.last and nothing.last.sequence) == (
        "nothing",
        1,
    )
    assert not await why(options_of(kafka), names, ["wms"], "redo/shop/unheard")


async def test_lag_counts_what_is_unfinished_and_how_old_it_is(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    events = history("redo/shop/1", 5)
    partition = place_of(events[0])
    await writer.write(*(published(names, event) for event in events))
    progress = Progress(0)
    for offset in range(5):
        progress.deliver(offset)
    for offset in (0, 1, 3):
        progress.finish(offset)
    await writer.commit(names.events, partition, progress)

    rows = await lag(options_of(kafka), names, ["wms"])

    behind = {(row.group, row.partition): row for row in rows}
    group = deliver_group(names.prefix, "wms")
    row = behind.pop((group, partition))
    assert (row.committed, row.end, row.lag) == (2, 6, 3)
    assert row.oldest_seconds is not None
    assert 0 <= row.oldest_seconds < 60
    assert len(behind) == 2 * PARTITIONS - 1
    assert {(other.lag, other.oldest_seconds) for other in behind.values()} == {
        (0, None)
    }


def hinted(names: TopicNames, number: int) -> tuple[Outgoing, Event]:
    hint = Hint("returngo/shop/7", "webhook", f"d-{number}", NOW - SECOND)
    record = to_hint(hint, names.hints)
    return record, from_headers(dict(record.headers), record.value or b"")


async def test_hints_of_a_fetch_target_are_told_by_all_of_them(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    records, hints = zip(*(hinted(names, number) for number in range(4)), strict=True)
    await writer.write(*records)
    await writer.write(
        receipted(names, hints[0]), receipted(names, hints[1], "already_applied", at=1)
    )
    await writer.write(receipted(names, hints[2], DEAD, at=2), parked(names, hints[2]))
    broker, subject = options_of(kafka), "returngo/shop/7"

    report = await verify(broker, names, [], fetching=["wms"])
    (answer,) = await why(broker, names, [], subject, fetching=["wms"])
    steps = await trace(broker, names, [], subject, fetching=["wms"])
    rows = await lag(broker, names, [], fetching=["wms"])

    (fetch,) = report.targets
    assert report.ok
    assert (fetch.delivered, fetch.collapsed, fetch.held) == (1, 1, 2)
    assert (answer.waiting_for, answer.event_id) == ("dead", hints[2].id)
    assert (answer.sequence, answer.behind) == (None, 1)
    told = Counter(step.what for step in steps)
    assert told == {"hint": 4, "attempt": 3, "receipt": 3, "tried": 1, "parked": 1}
    assert steps[0].detail == f"webhook, {hints[0].id}"
    assert {step.sequence for step in steps} == {None}
    (row,) = [row for row in rows if row.topic == names.hints and row.lag]
    assert (row.lag, row.dead, row.waits) == (5, 1, {"dead": 1})


async def test_a_lost_hint_is_told(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    record, hint = hinted(names, 1)
    await writer.write(record)
    await writer.commit(names.hints, place_of(hint), Progress(1))

    report = await verify(options_of(kafka), names, [], fetching=["wms"])

    assert report.targets[0].findings.counts == {Kind.LOST: 1}


async def test_a_finished_partition_has_no_lag_for_its_markers(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    event = history("redo/shop/1", 1)[0]
    await writer.write(published(names, event))
    await writer.commit(names.events, place_of(event), Progress(1))

    rows = await lag(options_of(kafka), names, ["wms"])

    assert sum(row.lag for row in rows) == 0


async def test_a_scan_ends_at_the_end_it_began_with(
    kafka: Broker, names: TopicNames, writer: Writer
) -> None:
    first = Outgoing(names.raw, b"k", b"1", partition=0)
    await writer.write(first)
    values = []

    async with open_scanner(options_of(kafka)) as scanner:
        async for record in scanner.records(Place(names.raw, 0)):
            values.append(record.value)
            await writer.write(Outgoing(names.raw, b"k", b"2", partition=0))

    assert values == [b"1"]


@pytest.mark.parametrize("key", [b"redo/shop/1", b"redo/shop/22", b"x", "ö/ü".encode()])
async def test_our_partitioner_is_the_producers(
    kafka: Broker, names: TopicNames, writer: Writer, key: bytes
) -> None:
    await writer.write(Outgoing(names.raw, key, b""))
    place = Place(names.raw, partition_for(key, PARTITIONS))

    async with open_scanner(options_of(kafka)) as scanner:
        keys = [record.key async for record in scanner.records(place)]

    assert keys == [key]
