"""The normalise stage on one partition, with the real Redo source and a real store."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from bridge.normalize.stage import LARGE_BODY, UNCOMMITTED_LIMIT
from bridge.normalize.state import decode
from bridge.normalize.steps import RECORD_LIMIT
from bridge.platforms.contract import (
    Observation,
    Privacy,
    Reading,
)
from bridge.platforms.loop.source import LoopSource
from bridge.platforms.redo.source import RedoSource
from bridge.streams.records import Record
from tests.unit.normalize.raw_partition import (
    COMPLETE,
    CREATED,
    IN_TRANSIT,
    SUBJECT,
    TOPICS,
    TRACE,
    Partition,
    Workers,
    assert_one_history,
    minimal,
    observed,
    payload,
)

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
    assert "return.reopened" in {event.type for event in partition.events}


async def test_very_many_subjects_are_told_apart_though_few_stay_in_memory(
    partition: Partition,
) -> None:
    for _ in range(2):  # created, then nothing new
        await partition.read(*(minimal(number) for number in range(200)))
        partition.commit()

    created = [e for e in partition.events if e.type == "return.created"]
    assert len(created) == 200
    assert {event.sequence for event in created} == {1}


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


async def test_a_request_without_a_located_subject_is_put_under_its_own_key(
    workers: Workers,
) -> None:
    loop = LoopSource("demo", (), Privacy(b"key"))
    partition = await workers.open(source=loop)
    card = b'{"topic": "giftcard", "id": 9, "return_id": null}'

    await partition.read_raw(observed(card, "demo"))
    (raw,) = partition.collect()
    await partition.read_raw(raw)
    partition.collect()

    assert raw.key == b"loop/demo/giftcard-9"
    assert [event.type for event in partition.events][-1] == "credit.requested"


async def test_a_large_body_is_put_under_its_own_key_too(partition: Partition) -> None:
    body = minimal(1, pad="x" * LARGE_BODY)

    await partition.read(body, key="demo")
    partition.collect()

    assert [outgoing.key for outgoing in partition.raw] == [b"redo/demo/r1"]
    assert partition.owner.finished == [0]


async def test_a_move_of_the_state_that_nobody_expects_is_told_and_counted(
    partition: Partition,
) -> None:
    before = unexpected_moves()

    await partition.read(
        minimal(1, status="rejected", updatedAt="2027-01-01T00:00:00Z"),
        minimal(1, status="deleted", updatedAt="2027-01-02T00:00:00Z"),
    )
    partition.collect()

    assert unexpected_moves() == before + 1
    assert "return.deleted" in {event.type for event in partition.events}


def unexpected_moves() -> float:
    name, labels = "returns_bridge_unexpected_moves_total", {"platform": "redo"}
    return REGISTRY.get_sample_value(name, labels) or 0.0


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
            "$.return.items[1].quantity",
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
    assert partition.events[0].sequence == 1


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
    assert {event.subject for event in partition.events} == {"redo/demo/r1"}


async def test_a_subject_whose_snapshot_is_corrupt_is_not_begun_anew(
    workers: Workers,
) -> None:
    workers.topic.append(SUBJECT.encode(), b'{"sequence": "x"}')
    partition = await workers.open()

    await partition.read(CREATED, minimal(1))
    partition.collect()

    assert [letter.reason for letter in partition.letters] == ["corrupt_state"]
    assert {event.subject for event in partition.events} == {"redo/demo/r1"}


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
