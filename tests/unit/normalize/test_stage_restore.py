"""The normalise stage between crash and restore: one history, whatever is lost."""

from pathlib import Path

import pytest

from bridge.streams.store import StateStore, StoreBrokenError
from tests.unit.normalize.raw_partition import (
    COMPLETE,
    CREATED,
    IN_TRANSIT,
    SUBJECT,
    TOPICS,
    Snapshots,
    Workers,
    assert_one_history,
    minimal,
)

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

    events = first.events + second.events
    assert_one_history([event for event in events if event.subject == SUBJECT])
    again = [event for event in second.events if event.subject == "redo/demo/r1"]
    assert again[0].sequence == 1


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

    assert successor.events[0].sequence == 1


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
