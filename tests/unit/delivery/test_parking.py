"""Parking: what leaves the log and when, what survives a restart, what memory holds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.deadletters.parked import STATE, decode
from bridge.deadletters.standing import WaitReason
from bridge.delivery.conversation import CallFailed
from bridge.delivery.lanes import Absent, size_of
from bridge.delivery.shelf import CHUNK, PlaceLost
from tests.support.clock import settle
from tests.support.events import make_event
from tests.support.fakes import Reply, paths
from tests.support.waiting import wait_until
from tests.unit.delivery.bench import Bench, MakeBench, Partition

A, B = "redo/shop/a", "redo/shop/b"
A1, A2, A3, A4 = (make_event(A, number) for number in (1, 2, 3, 4))
B1, B2 = (make_event(B, number) for number in (1, 2))
FAILED, REFUSED = Reply(500), Reply(422)
LOST = Reply(failure=CallFailed("read_timeout", sent=True))


def kinds(partition: Partition) -> dict[str, str]:
    """Return what is kept, by event id: note or parked."""
    return {
        key: decode(key.encode(), record.value or b"", record.headers).state.kind
        for key, record in partition.kept.live().items()
        if STATE in record.headers
    }


async def restart(bench: Bench, former: Partition, *, clean: bool = True) -> Partition:
    """Let a successor take over what `former` has committed."""
    former.work.drop()
    successor = bench.partition(former.kept)
    await successor.open(clean=clean)
    return successor


# ------------------------------------------------------------- leaving the log


async def test_a_head_that_failed_is_noted_and_its_lane_stays_in_the_log(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED)

    await partition.feed(A1, A2)
    partition.commit()

    assert kinds(partition) == {A1.id: "note"}
    assert partition.owner.finished == []
    await bench.wait(1)
    partition.commit()
    assert kinds(partition) == {}
    assert partition.owner.finished == [0, 1]


async def test_hints_without_a_number_queue_behind_a_parked_one(
    bench: Bench, partition: Partition
) -> None:
    hints = [replace(A1, sequence=0, id=f"hint-{number}") for number in range(3)]
    bench.network.reply(hints[0], REFUSED)
    await partition.feed(hints[0])
    partition.commit()

    await partition.feed(*hints[1:], offset=1)
    partition.commit()

    assert kinds(partition) == {hint.id: "parked" for hint in hints}
    successor = await restart(bench, partition)
    (lane,) = successor.work.lanes
    assert [letter.event_id for letter in lane.letters] == [hint.id for hint in hints]


async def test_what_failed_and_worked_within_one_tick_leaves_no_trace(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED)

    await partition.feed(A1)
    await bench.wait(1)
    partition.commit()

    assert partition.kept.records == []


async def test_a_lane_whose_head_waits_for_long_leaves_the_log_and_comes_back(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=11)))

    await partition.feed(A1, A2)
    partition.commit()
    await partition.feed(A3, offset=2)
    partition.commit()

    assert kinds(partition) == dict.fromkeys((A1.id, A2.id, A3.id), "parked")
    assert partition.owner.finished == [0, 1, 2]
    await bench.wait(11)
    partition.commit()
    assert paths(bench.network.exchanges) == [A] * 4
    assert partition.kept.live() == {}
    await partition.feed(A4, offset=3)
    partition.commit()
    assert partition.kept.live() == {}
    assert [receipt.sequence for receipt in partition.receipts] == [1, 2, 3, 4]


async def test_a_crowd_leaves_the_log_once_its_head_has_failed_again(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(park_behind=2)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, FAILED, FAILED)

    await partition.feed(A1, A2, A3)
    after_one = list(partition.owner.finished)
    await bench.wait(0.7)

    assert after_one == []
    assert partition.owner.finished == [0, 1, 2]


async def test_a_crowd_that_grows_behind_a_failing_head_leaves_the_log(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(park_behind=1)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, FAILED, FAILED)
    await partition.feed(A1)
    await bench.wait(0.7)

    await partition.feed(A2, offset=1)

    assert partition.owner.finished == [0, 1]


async def test_a_nearly_full_window_is_emptied_by_parking_what_waits(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED)
    await partition.feed(A1, A2)

    partition.owner.crowded = True
    partition.commit()

    assert partition.owner.finished == [0, 1]
    assert kinds(partition) == dict.fromkeys((A1.id, A2.id), "parked")


async def test_an_event_that_is_parked_already_is_not_taken_on_again(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, REFUSED)
    await partition.feed(A1, A2)
    partition.commit()
    successor = await restart(bench, partition)

    await successor.feed(A1, A2)  # as if the commit's metadata had been lost
    await successor.feed(A3, offset=2)

    lane = successor.work.lanes.get(A)
    assert lane is not None
    assert [letter.sequence for letter in lane.letters] == [1, 2, 3]
    assert successor.owner.finished == [0, 1, 2]


# ------------------------------------------------------------- after a restart


async def test_attempts_and_the_next_try_survive_a_restart(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(max_attempts=4)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, *[FAILED] * 9)
    await partition.feed(A1, A2)
    await bench.wait(2.2)  # three failures; the next try is two seconds later
    partition.commit()

    successor = await restart(bench, partition)
    await successor.feed(A1, A2)
    early = bench.network.calls_of(A1)
    await bench.wait(3)
    successor.commit()

    assert (early, bench.network.calls_of(A1)) == (3, 4)
    assert [letter.reason for letter in successor.letters] == ["attempts_spent"]
    assert successor.letters[0].tries.count == 4


async def test_a_parked_lane_keeps_its_order_and_its_wait_after_a_restart(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=60)))
    await partition.feed(A1, A2)
    partition.commit()
    await bench.wait(20)

    successor = await restart(bench, partition)
    await successor.feed(A3, offset=2)
    await bench.wait(39)
    waiting = successor.work.lanes.waiting(WaitReason.THROTTLED)
    before = bench.network.calls_of(A1)
    await bench.wait(2)
    successor.commit()

    assert (waiting, before) == (1, 1)
    assert [receipt.sequence for receipt in successor.receipts] == [1, 2, 3]
    assert successor.kept.live() == {}


async def test_a_wait_that_was_over_during_the_restart_is_over(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=60)))
    await partition.feed(A1)
    partition.commit()
    partition.work.drop()
    await bench.wait(61)

    await restart(bench, partition)

    assert bench.network.calls_of(A1) == 2


async def test_a_doubt_survives_a_clean_release(
    bench: Bench, partition: Partition
) -> None:
    partition.work.drop()
    doubting = await restart(bench, partition, clean=False)
    doubting.commit()

    successor = await restart(bench, doubting, clean=True)
    await successor.feed(A1)

    assert bench.target.contexts[A1.id][0].answer_lost


async def test_a_lost_answer_is_remembered_after_a_restart(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, LOST)
    await partition.feed(A1)
    partition.commit()

    successor = await restart(bench, partition)
    await successor.feed(A1)
    await bench.wait(1)

    assert [context.answer_lost for context in bench.target.contexts[A1.id]] == [
        False,
        True,
    ]


# ------------------------------------------------------------- memory


async def test_parked_bodies_leave_memory_and_are_read_back_in_order(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(memory_limit=3 * size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=60)))

    await partition.feed(A1, A2, A3)
    partition.commit()
    held = bench.desk.memory.size
    await bench.wait(61)
    partition.commit()

    assert held == 0
    assert [list(places) for places in partition.kept.reads] == [[0, 1, 2]]
    assert [receipt.sequence for receipt in partition.receipts] == [1, 2, 3]


async def test_where_kafka_does_not_tell_the_place_the_body_stays_until_it_does(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(memory_limit=size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, REFUSED)
    partition.kept.told = False
    await partition.feed(A1)
    partition.commit()
    untold = bench.desk.memory.size

    partition.kept.told = True
    partition.commit()

    assert (untold, bench.desk.memory.size) == (size_of(A1.body), 0)
    written = [record.key for record in partition.kept.records]
    assert written.count(A1.id.encode()) == 2


async def test_a_letter_changed_during_a_commit_is_not_taken_for_what_was_written(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(memory_limit=size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=11)), REFUSED)
    await partition.feed(A1)
    for outgoing in partition.work.collect():
        partition.kept.write(outgoing)

    await bench.wait(12)  # it dies before the commit has ended
    partition.work.committed(partition.kept.ends())
    partition.commit()
    await partition.instruct("retry", A)

    assert [answer.applied for answer in partition.answers] == [True]
    assert bench.network.calls_of(A1) == 3


async def test_a_parked_record_that_is_not_in_its_place_is_not_guessed(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(memory_limit=size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, REFUSED)
    await partition.feed(A1)
    partition.commit()
    partition.kept.records[0] = replace(partition.kept.records[0], key=b"another")

    await partition.instruct("retry", A)

    with pytest.raises(PlaceLost):
        await partition.owner.all_done()
    assert bench.network.calls_of(A1) == 1


async def test_a_long_lane_is_read_back_piece_by_piece(make_bench: MakeBench) -> None:
    many = [make_event(A, number) for number in range(1, 2 * CHUNK)]
    bench = make_bench(memory_limit=len(many) * size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(many[0], Reply(429, retry_after=timedelta(seconds=60)))
    await partition.feed(*many)
    partition.commit()

    await bench.wait(61)
    for _ in range(10):
        await settle()
    calls = 1 + len(many)
    await wait_until(lambda: len(bench.network.exchanges) == calls, what="all calls")
    await settle()
    partition.commit()

    assert [len(places) for places in partition.kept.reads] == [CHUNK, CHUNK - 1]
    assert [receipt.sequence for receipt in partition.receipts] == [
        event.sequence for event in many
    ]


async def test_only_what_is_missing_before_a_letter_in_memory_is_read_back(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(memory_limit=2 * size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=60)))
    await partition.feed(A1, A2)
    partition.commit()

    await partition.feed(A3, offset=2)
    await bench.wait(61)
    for _ in range(10):
        await settle()
    await wait_until(lambda: len(bench.network.exchanges) == 4, what="all calls")
    await settle()
    partition.commit()

    assert [len(places) for places in partition.kept.reads] == [2]
    assert [receipt.sequence for receipt in partition.receipts] == [1, 2, 3]


async def test_after_a_restart_only_places_are_held_beyond_the_memory(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(memory_limit=2 * size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, REFUSED)
    await partition.feed(A1, A2, B1)
    partition.commit()

    successor = await restart(bench, partition)

    lane = successor.work.lanes.get(A)
    assert lane is not None
    assert [type(letter).__name__ for letter in lane.letters] == ["Letter", "Absent"]
    assert isinstance(lane.letters[1], Absent)


async def test_nothing_is_read_back_after_the_end(make_bench: MakeBench) -> None:
    bench = make_bench(memory_limit=size_of(A1.body))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=60)))
    await partition.feed(A1)
    partition.commit()

    await partition.work.drain(timedelta(seconds=1))
    await bench.wait(61)

    assert partition.kept.reads == []


# ------------------------------------------------------------- a flood of deaths


async def test_a_flood_of_dead_letters_stops_the_target_and_buries_no_more(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(dead_limit=2)
    partition = bench.partition()
    await partition.open()
    many = [make_event(f"redo/shop/{number}") for number in range(5)]
    for event in many:
        bench.network.reply(event, REFUSED)

    await partition.feed(*many)
    partition.commit()

    assert bench.desk.stopped
    assert len(partition.letters) == 2
    assert partition.work.lanes.waiting(WaitReason.BREAKER) == 3
