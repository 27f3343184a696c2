"""The normalise stage on one partition, with the real Redo source and a real store."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.canonical.envelope import Event, chain_next, chain_start
from bridge.canonical.envelope import from_headers as event_of
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.letter import from_headers as letter_of
from bridge.normalize.stage import LARGE_BODY, UNCOMMITTED_LIMIT, NormalizeWork, Setting
from bridge.normalize.state import decode
from bridge.normalize.steps import RECORD_LIMIT
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    Privacy,
    Reading,
    Source,
)
from bridge.platforms.redo.source import RedoSource
from bridge.streams.raw import to_raw
from bridge.streams.records import Outgoing, Record
from bridge.streams.store import StateStore, StoreBrokenError
from bridge.streams.topics import TopicNames
from tests.support.clock import START, FakeClock
from tests.support.fakes import FakeOwner

PAYLOADS = Path(__file__).parents[2] / "payloads" / "redo"
TOPICS = TopicNames()
SUBJECT = "redo/demo/f00d00000000000000001001"
REDO = RedoSource("demo", (SecretStr("token"),), Privacy(b"key"))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


CREATED = payload("return_created__refund")
IN_TRANSIT = payload("return_updated__in_transit")
COMPLETE = payload("return_updated__complete_refund")


def minimal(number: int, **more: object) -> bytes:
    return json.dumps({"return": {"id": f"r{number}", **more}}).encode()


class Snapshots:
    """One partition of the snapshots topic; only what was committed is in it."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.end = 0

    def write(self, outgoing: Outgoing) -> None:
        self.append(outgoing.key or b"", outgoing.value)

    def append(self, key: bytes, value: bytes | None) -> None:
        self.records.append(Record(TOPICS.snapshots, 0, self.end, 0, key, value))
        self.end += 2  # transaction markers take offsets too

    async def read(self, start: int, apply: Callable[[list[Record]], None]) -> int:
        apply([])
        for record in self.records:
            if record.offset >= start:
                apply([record])
        return self.end


@dataclass(slots=True)
class Partition:
    """One partition's work, what it read and what it wrote."""

    work: NormalizeWork
    owner: FakeOwner
    topic: Snapshots
    events: list[Event] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    raw: list[Outgoing] = field(default_factory=list)
    offset: int = 0

    async def read(self, *bodies: bytes, key: str | None = None) -> None:
        """Let the owner hand on webhooks of account `demo`."""
        for body in bodies:
            subject = key or REDO.locate(InboundRequest({}, body, START)) or "demo"
            await self.read_raw(observed(body, subject))

    async def read_raw(self, outgoing: Outgoing) -> None:
        key, value, headers = outgoing.key, outgoing.value, dict(outgoing.headers)
        record = Record(outgoing.topic, 0, self.offset, 7, key, value, headers)
        self.offset += 1
        self.work.accept(record)
        await self.owner.all_done()

    def collect(self) -> list[Outgoing]:
        """Return what the next commit has to write, and sort it."""
        outgoings = self.work.collect()
        for outgoing in outgoings:
            headers, value = dict(outgoing.headers), outgoing.value
            if outgoing.topic == TOPICS.events:
                self.events.append(event_of(headers, value or b""))
            elif outgoing.topic == TOPICS.dead_inbound:
                self.letters.append(letter_of(headers, outgoing.key, value))
            elif outgoing.topic == TOPICS.raw:
                self.raw.append(outgoing)
        return outgoings

    def write(self) -> dict[str, int]:
        """Let Kafka commit; the local store does not know of it yet."""
        for outgoing in self.collect():
            if outgoing.topic == TOPICS.snapshots:
                self.topic.write(outgoing)
        return {TOPICS.snapshots: self.topic.end}

    def commit(self) -> None:
        self.work.committed(self.write())


def observed(
    body: bytes, subject: str, account: str = "demo", trace: str | None = None
) -> Outgoing:
    observation = Observation(
        id="delivery-1",
        subject=subject,
        platform="redo",
        account=account,
        channel="webhook",
        received_at=START,
        body=body,
        traceparent=trace,
    )
    return to_raw(observation, TOPICS.raw)


class Workers:
    """Opens the partition again and again, over one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.topic = Snapshots()
        self._state_dir = state_dir
        self._open: list[Partition] = []

    async def open(
        self, cluster: str = "c1", source: Source = REDO, *, restored: bool = True
    ) -> Partition:
        setting = Setting(
            TOPICS, {"demo": source}, self._state_dir, cluster, FakeClock()
        )
        owner = FakeOwner()
        work = NormalizeWork(owner, setting, self.topic.read)
        if restored:
            await work.restore(clean=True)
        self._open.append(Partition(work, owner, self.topic))
        return self._open[-1]

    def close(self) -> None:
        for partition in self._open:
            partition.work.drop()


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path)
    yield workers
    workers.close()


@pytest.fixture
async def partition(workers: Workers) -> Partition:
    return await workers.open()


def assert_one_history(events: list[Event]) -> None:
    chain = chain_start(SUBJECT)
    for number, event in enumerate(events, 1):
        chain = chain_next(chain, event.id, event.type, event.body)
        assert (event.subject, event.sequence, event.chain) == (SUBJECT, number, chain)


# ------------------------------------------------------------- good news


async def test_an_observation_becomes_events_and_a_snapshot_in_one_batch(
    partition: Partition,
) -> None:
    await partition.read(CREATED)
    outgoings = partition.collect()

    assert {outgoing.topic for outgoing in outgoings} == {
        TOPICS.events,
        TOPICS.snapshots,
    }
    assert {outgoing.key for outgoing in outgoings} == {SUBJECT.encode()}
    assert {outgoing.partition for outgoing in outgoings} == {0}
    assert partition.events[0].type == "return.created"
    assert partition.events[0].causation_id == "delivery-1"
    state = decode(outgoings[-1].value or b"")
    assert (state.sequence, state.chain) == (
        partition.events[-1].sequence,
        partition.events[-1].chain,
    )
    assert partition.owner.finished == [0]


async def test_the_same_body_again_writes_nothing(partition: Partition) -> None:
    await partition.read(CREATED)
    partition.commit()

    await partition.read(CREATED)

    assert partition.collect() == []
    assert partition.owner.finished == [0, 1]


async def test_the_trace_of_the_webhook_is_carried_on(partition: Partition) -> None:
    await partition.read_raw(observed(CREATED, SUBJECT, trace=TRACE))
    partition.collect()

    assert partition.events[0].traceparent == TRACE


async def test_the_next_observation_sees_what_is_not_committed_yet(
    partition: Partition,
) -> None:
    await partition.read(CREATED, IN_TRANSIT)  # before the commit
    ends = partition.write()
    await partition.read(COMPLETE)  # during the commit
    partition.work.committed(ends)
    await partition.read(payload("return_updated__reopened_after_complete"))  # after
    partition.commit()

    assert_one_history(partition.events)
    assert partition.events[-1].type == "return.reopened"


async def test_very_many_subjects_are_told_apart_though_few_stay_in_memory(
    partition: Partition,
) -> None:
    for _ in range(2):  # created, then nothing new
        await partition.read(*(minimal(number) for number in range(200)))
        partition.commit()

    assert len(partition.events) == 200
    assert {event.sequence for event in partition.events} == {1}


async def test_a_state_pushed_out_of_memory_is_still_the_uncommitted_one(
    partition: Partition,
) -> None:
    await partition.read(CREATED)
    ends = partition.write()
    await partition.read(*(minimal(number) for number in range(100)))
    await partition.read(IN_TRANSIT)  # known from what is being written
    await partition.read(*(minimal(number) for number in range(100, 200)))
    await partition.read(COMPLETE)  # known from what was learned since
    partition.work.committed(ends)
    partition.commit()

    assert_one_history([e for e in partition.events if e.subject == SUBJECT])


async def test_a_body_without_a_located_subject_is_put_under_its_own_key(
    partition: Partition,
) -> None:
    await partition.read(CREATED, key="demo")
    (raw,) = partition.collect()
    await partition.read_raw(raw)
    partition.collect()

    assert (raw.topic, raw.partition) == (TOPICS.raw, None)
    assert (raw.key, raw.value) == (SUBJECT.encode(), CREATED)
    assert dict(raw.headers)["observation"] == b"delivery-1"
    assert partition.owner.finished == [0, 1]
    assert_one_history(partition.events)


async def test_a_large_body_is_read_aside_and_nothing_overtakes_it(
    partition: Partition,
) -> None:
    many = [{"id": f"i{n}", "quantity": 1, "sku": "S" * 500} for n in range(600)]
    body = minimal(1, items=many)
    assert len(body) > LARGE_BODY
    rooms = list[bool]()

    record = observed(body, "redo/demo/r1")
    partition.work.accept(
        Record(record.topic, 0, 0, 0, record.key, body, dict(record.headers))
    )
    rooms.append(partition.work.room())
    await partition.owner.all_done()
    rooms.append(partition.work.room())
    partition.commit()

    assert rooms == [False, True]
    assert partition.owner.finished == [0]
    assert partition.events[0].type == "return.created"


# ------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (b"<html>", "not_json", "$"),
        (b"", "not_json", "$"),
        (b"\xff\x00", "not_json", "$"),
        (payload("return_updated__lone_surrogate"), "not_json", "$"),
        (payload("return_updated__no_id"), "no_id", "$.return.id"),
        (
            payload("return_updated__quantity_is_a_word"),
            "shape",
            "$.return.items[0].quantity",
        ),
        (b"[" * LARGE_BODY + b"]", "not_json", "$"),
        (b'{"return": {}}' + b" " * LARGE_BODY, "no_id", "$.return.id"),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_what_cannot_be_read_is_kept_byte_for_byte_and_stops_nobody(
    partition: Partition, body: bytes, reason: str, path: str
) -> None:
    await partition.read(body, key="demo")
    await partition.read(CREATED)
    outgoings = partition.collect()

    (letter,) = partition.letters
    assert (letter.stage, letter.reason, letter.path) == ("normalize", reason, path)
    assert (letter.key, letter.value) == (b"demo", body)
    assert letter.headers == dict(observed(body, "demo").headers)
    assert (letter.origin.topic, letter.origin.offset) == (TOPICS.raw, 0)
    assert outgoings[0].partition == 0
    assert partition.owner.finished == [0, 1]
    assert partition.events[0].type == "return.created"


async def test_a_body_of_an_unknown_account_is_kept(partition: Partition) -> None:
    await partition.read_raw(observed(CREATED, SUBJECT, account="gone"))
    partition.collect()

    (letter,) = partition.letters
    assert (letter.reason, letter.value) == ("unknown_account", CREATED)
    assert partition.events == []


async def test_a_body_under_the_key_of_another_return_is_kept(
    partition: Partition,
) -> None:
    await partition.read(CREATED, key="redo/demo/another")
    partition.collect()

    assert [letter.reason for letter in partition.letters] == ["other_subject"]


@pytest.mark.parametrize(
    "headers", [{}, {"traceparent": b"\xff"}, {"account": b"\xff", "x": b"\x00"}]
)
async def test_a_foreign_record_is_kept(
    partition: Partition, headers: dict[str, bytes]
) -> None:
    partition.work.accept(Record(TOPICS.raw, 0, 5, 0, None, None, headers))
    partition.collect()

    (letter,) = partition.letters
    assert letter.reason == "not_an_observation"
    assert (letter.key, letter.value, letter.headers) == (None, None, headers)
    assert partition.owner.finished == [5]


async def test_a_record_that_kafka_would_not_take_is_refused_and_leaves_no_trace(
    partition: Partition,
) -> None:
    huge = minimal(1, items=[{"id": "i", "sku": "S" * (RECORD_LIMIT + 1)}])

    await partition.read(huge)
    await partition.read(minimal(1))
    partition.collect()

    assert [letter.reason for letter in partition.letters] == ["too_large"]
    assert [event.sequence for event in partition.events] == [1]


class BrokenSource(RedoSource):
    """A source with a mistake in it."""

    def read(self, observation: Observation) -> Reading:  # type: ignore[override] # wider than Redo's
        if observation.body == CREATED:
            raise KeyError("jane@example.com")
        return super().read(observation)


async def test_a_mistake_of_ours_buries_one_body_and_says_nothing_out_of_it(
    workers: Workers,
) -> None:
    source = BrokenSource("demo", (SecretStr("t"),), Privacy(b"k"))
    partition = await workers.open(source=source)

    await partition.read(CREATED, minimal(1))
    partition.collect()

    (letter,) = partition.letters
    assert (letter.reason, letter.detail) == ("internal_error", "KeyError")
    assert [event.subject for event in partition.events] == ["redo/demo/r1"]


async def test_a_subject_whose_snapshot_is_corrupt_is_not_begun_anew(
    workers: Workers,
) -> None:
    workers.topic.append(SUBJECT.encode(), b'{"sequence": "x"}')
    partition = await workers.open()

    await partition.read(CREATED, minimal(1))
    partition.collect()

    assert [letter.reason for letter in partition.letters] == ["corrupt_state"]
    assert [event.subject for event in partition.events] == ["redo/demo/r1"]


# ------------------------------------------------------------- crashes and restores


async def test_a_successor_goes_on_where_the_last_one_ended(workers: Workers) -> None:
    first = await workers.open()
    await first.read(CREATED)
    first.commit()
    first.work.drop()
    second = await workers.open()

    await second.read(IN_TRANSIT)
    second.commit()

    assert_one_history(first.events + second.events)


async def test_a_crash_between_kafka_and_the_local_write_heals_from_the_topic(
    workers: Workers,
) -> None:
    first = await workers.open()
    await first.read(CREATED)
    first.commit()
    await first.read(IN_TRANSIT)
    first.write()  # and no `committed` follows
    first.work.drop()
    second = await workers.open()

    await second.read(IN_TRANSIT, COMPLETE)
    second.commit()

    assert_one_history(first.events + second.events)
    assert second.events[-1].sequence > first.events[-1].sequence


async def test_a_crash_before_the_commit_makes_the_same_events_again(
    workers: Workers,
) -> None:
    first = await workers.open()
    await first.read(CREATED, IN_TRANSIT)
    first.collect()  # and Kafka never hears of it
    first.work.drop()
    second = await workers.open()

    await second.read(CREATED, IN_TRANSIT)
    second.commit()

    assert [e.id for e in second.events] == [e.id for e in first.events]
    assert [e.chain for e in second.events] == [e.chain for e in first.events]


async def test_a_commit_at_an_unknown_place_is_read_again_and_counts_once(
    workers: Workers,
) -> None:
    first = await workers.open()
    await first.read(CREATED)
    first.write()
    first.work.committed({})  # written, but Kafka did not say where
    await first.read(IN_TRANSIT)
    first.commit()
    first.work.drop()
    second = await workers.open()

    await second.read(COMPLETE)
    second.commit()

    assert_one_history(first.events + second.events)


async def test_a_lost_disk_is_rebuilt_from_the_topic(
    workers: Workers, tmp_path: Path
) -> None:
    first = await workers.open()
    await first.read(CREATED)
    first.commit()
    second_home = Workers(tmp_path / "elsewhere")
    second_home.topic = workers.topic
    second = await second_home.open()

    await second.read(IN_TRANSIT)
    second.commit()
    second_home.close()

    assert_one_history(first.events + second.events)


async def test_the_local_state_of_another_cluster_is_not_believed(
    workers: Workers,
) -> None:
    first = await workers.open("c1")
    await first.read(CREATED)
    first.commit()
    first.work.drop()
    workers.topic = Snapshots()
    second = await workers.open("c2")

    await second.read(CREATED)
    second.commit()

    assert_one_history(second.events)


async def test_a_topic_that_has_become_shorter_is_believed(workers: Workers) -> None:
    first = await workers.open()
    await first.read(CREATED, minimal(1), minimal(2))
    first.commit()
    first.work.drop()
    del workers.topic.records[1:]
    workers.topic.end = 2
    second = await workers.open()

    await second.read(IN_TRANSIT, minimal(1))
    second.commit()

    assert_one_history(first.events[:1] + second.events[:-1])
    assert (second.events[-1].subject, second.events[-1].sequence) == (
        "redo/demo/r1",
        1,
    )


async def test_a_broken_local_store_ends_the_ownership_and_is_rebuilt(
    workers: Workers, tmp_path: Path
) -> None:
    path = tmp_path / TOPICS.snapshots / "0"
    workers.topic.end = 5
    _fill_and_break(path)
    partition = await workers.open()

    with pytest.raises(StoreBrokenError):
        await partition.read(*(minimal(number) for number in range(1000)))
    partition.work.drop()
    successor = await workers.open()
    await successor.read(minimal(1))
    successor.commit()

    assert [event.sequence for event in successor.events] == [1]


def _fill_and_break(path: Path) -> None:
    store = StateStore.open(path, f"c1/{TOPICS.snapshots}/0")
    values = [(b"redo/demo/r%d" % number, bytes(1000)) for number in range(1000)]
    store.apply(values, 5)
    store.close()
    (table,) = path.glob("*.sst")
    content = bytearray(table.read_bytes())
    content[8000:8064] = bytes(64)
    table.write_bytes(content)


async def test_nothing_is_folded_before_the_state_is_restored(workers: Workers) -> None:
    partition = await workers.open(restored=False)

    with pytest.raises(RuntimeError, match="not restored"):
        await partition.read(CREATED)
    partition.work.drop()


# ------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    ("body", "key"),
    [(b"<" * 200_000, "demo"), (minimal(1, pad="x" * 200_000), "demo")],
    ids=["dead letters", "sent on"],
)
async def test_what_waits_for_a_commit_is_bounded_whatever_it_is(
    partition: Partition, body: bytes, key: str
) -> None:
    while partition.work.room():
        await partition.read(body, key=key)
    waiting = sum(len(o.value or b"") for o in partition.work.collect())

    assert UNCOMMITTED_LIMIT <= waiting < UNCOMMITTED_LIMIT + len(body)
    assert partition.work.room()


async def test_letting_go_takes_no_time(partition: Partition) -> None:
    assert await partition.work.drain(timedelta()) is True
    partition.work.drop()
    partition.work.drop()
