"""The deliver stage and its owner: permission, takeover, drain, drop, memory."""

import asyncio
from datetime import timedelta

from bridge.delivery.conversation import CallFailed
from bridge.delivery.lanes import RECEIPT, size_of
from bridge.delivery.last_look import PermissionLapsedError
from tests.support.clock import START, settle
from tests.support.events import make_event
from tests.support.fakes import Reply, paths
from tests.unit.delivery.bench import Bench, MakeBench, Partition

A, B = "redo/shop/a", "redo/shop/b"
A1, A2, A3 = (make_event(A, number) for number in (1, 2, 3))
B1, B2 = (make_event(B, number) for number in (1, 2))
FAILED, REFUSED, THROTTLED = Reply(500), Reply(422), Reply(429)
LOST = Reply(failure=CallFailed("read_timeout", sent=True))
UNSENT = Reply(failure=CallFailed("connect", sent=False))


async def test_no_call_starts_before_ownership_is_proved(bench: Bench) -> None:
    partition = bench.partition()
    partition.owner.withdraw()
    await partition.open()
    await partition.feed(A1, A2, B1)
    before = len(bench.network.exchanges)

    partition.owner.grant()
    await settle()

    assert (before, len(bench.network.exchanges)) == (0, 3)


async def test_no_call_starts_once_ownership_is_lost(bench: Bench) -> None:
    partition = bench.partition()
    partition.owner.withdraw()
    await partition.open()
    await partition.feed(A1)

    partition.owner.lose()
    await settle()

    assert bench.network.exchanges == []


async def test_each_call_needs_permission_of_its_own(
    bench: Bench, partition: Partition
) -> None:
    partition.owner.withdraw()

    await partition.feed(A1)
    before = len(bench.network.exchanges)
    partition.owner.grant()
    await settle()

    assert (before, bench.network.calls_of(A1)) == (0, 1)


async def test_a_call_held_up_on_its_way_out_goes_when_it_may(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(failure=PermissionLapsedError()))

    await partition.feed(A1)
    partition.commit()

    (receipt,) = partition.receipts
    assert (bench.network.calls_of(A1), receipt.outcome) == (2, "delivered")
    assert len(receipt.attempts) == 1  # nothing was sent the first time


async def test_a_conversation_without_permission_ends_without_a_trace(
    bench: Bench, partition: Partition
) -> None:
    partition.owner.withdraw()
    await partition.feed(A1)

    partition.owner.lose()
    partition.work.drop()
    await settle()
    partition.commit()

    assert (bench.network.exchanges, partition.receipts) == ([], [])
    assert (bench.desk.in_flight, bench.desk.memory.size) == (0, 0)


async def test_after_an_unclean_takeover_older_events_are_in_doubt(
    bench: Bench,
) -> None:
    partition = bench.partition()

    await partition.open(clean=False)
    await partition.feed(A1, written_at=START - timedelta(hours=1))
    await partition.feed(B1, offset=1, written_at=START + timedelta(seconds=6))

    (old,), (new,) = bench.target.contexts[A1.id], bench.target.contexts[B1.id]
    assert (old.answer_lost, new.answer_lost) == (True, False)


async def test_after_a_clean_takeover_nothing_is_in_doubt(
    bench: Bench, partition: Partition
) -> None:
    await partition.feed(A1, written_at=START - timedelta(hours=1))

    assert not bench.target.contexts[A1.id][0].answer_lost


async def test_draining_waits_for_calls_in_flight_and_starts_no_more(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED)
    await partition.feed(A1)
    await bench.wait(1)  # so that the partition has been idle before
    answer = asyncio.Event()
    bench.network.reply(B1, Reply(release=answer))
    await partition.feed(B1, B2, offset=1)

    drained = asyncio.create_task(partition.work.drain(timedelta(seconds=30)))
    await settle()
    assert not drained.done()
    answer.set()
    await settle()
    partition.commit()

    assert drained.result() is True
    assert [receipt.id for receipt in partition.receipts] == [A1.id, B1.id]
    assert bench.network.calls_of(B2) == 0


async def test_draining_an_idle_partition_takes_no_time(partition: Partition) -> None:
    assert await partition.work.drain(timedelta()) is True


async def test_draining_says_when_a_call_outlasts_it(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(release=asyncio.Event()))
    await partition.feed(A1)

    assert await partition.work.drain(timedelta(milliseconds=1)) is False


async def test_a_retry_that_comes_due_while_draining_is_not_made(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED)
    await partition.feed(A1)

    await partition.work.drain(timedelta(seconds=1))
    await bench.wait(10)

    assert bench.network.calls_of(A1) == 1


async def test_dropping_cuts_calls_short_and_forgets_them(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(release=asyncio.Event()))
    bench.network.reply(B1, FAILED)
    await partition.feed(A1, A2, B1)

    partition.work.drop()
    partition.work.drop()
    await bench.wait(10)
    partition.commit()

    assert paths(bench.network.exchanges) == [A, B]
    assert (partition.receipts, partition.owner.finished) == ([], [])
    assert (bench.desk.in_flight, bench.desk.memory.size, bench.desk.busy) == (0, 0, 0)


async def test_an_answer_that_comes_together_with_the_loss_changes_nothing(
    bench: Bench, partition: Partition
) -> None:
    answer = asyncio.Event()
    bench.network.reply(A1, Reply(release=answer))
    await partition.feed(A1, A2)

    answer.set()
    partition.work.drop()
    await settle()

    assert (bench.desk.memory.size, bench.desk.busy) == (0, 0)
    assert partition.owner.finished == []


async def test_another_partition_goes_on_when_one_is_dropped(
    bench: Bench, partition: Partition
) -> None:
    other = bench.partition()
    await other.open()
    bench.network.reply(A1, FAILED)
    bench.network.reply(B1, FAILED)
    await partition.feed(A1)
    await other.feed(B1)

    partition.work.drop()
    await bench.wait(1)

    assert paths(bench.network.exchanges) == [A, B, B]
    assert other.owner.finished == [0]


# ------------------------------------------------------------- memory


async def test_memory_is_accounted_for_while_events_wait(
    make_bench: MakeBench,
) -> None:
    limit = size_of(A1.body) + size_of(B1.body)
    bench = make_bench(memory_limit=limit)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, FAILED)
    bench.network.reply(B1, FAILED)

    await partition.feed(A1)
    assert partition.work.room()
    await partition.feed(B1, offset=1)
    assert (bench.desk.memory.size, partition.work.room()) == (limit, False)
    await bench.wait(1)
    unwritten = bench.desk.memory.size
    partition.commit()

    assert unwritten == 2 * RECEIPT
    assert (bench.desk.memory.size, partition.work.room()) == (0, True)
