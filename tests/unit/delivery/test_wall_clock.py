"""Somebody sets the clock an hour on or back: nothing comes early, nothing is lost.

Leases, waits, breakers and budgets go by the time since the machine started. Only what
survives a restart is written as a time of day, and is then held to what was planned.
"""

from datetime import timedelta

import pytest

from bridge.delivery.budget import Budget
from bridge.delivery.turns import Turns
from bridge.platforms.limits import Limit
from bridge.streams.lease import Lease
from tests.support.clock import FakeClock, settle
from tests.support.events import make_event
from tests.support.fakes import Reply
from tests.unit.delivery.bench import Bench, MakeBench, Partition

A, B = "redo/shop/a", "redo/shop/b"
A1, A2 = (make_event(A, number) for number in (1, 2))
B1 = make_event(B)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

both_ways = pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["on", "back"])


@both_ways
@pytest.mark.parametrize("asked", [90, 300], ids=["in the log", "parked"])
async def test_a_wait_is_as_long_as_it_was(
    bench: Bench, partition: Partition, asked: int, by: timedelta
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=asked * SECOND))
    await partition.feed(A1, A2)
    partition.commit()

    bench.clock.set_wall(by)
    await bench.wait(asked - 0.1)
    early = bench.network.calls_of(A1)
    await bench.wait(0.2)

    assert (early, bench.network.calls_of(A1)) == (1, 2)
    assert bench.network.calls_of(A2) == 1


@both_ways
async def test_a_wait_that_survives_a_restart_is_no_longer_than_it_was(
    bench: Bench, partition: Partition, by: timedelta
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=MINUTE))
    await partition.feed(A1)
    partition.commit()
    partition.work.drop()
    bench.clock.set_wall(by)

    successor = bench.partition(partition.kept)
    await successor.open()
    await bench.wait(61)

    assert bench.network.calls_of(A1) == 2


@both_ways
async def test_a_clock_set_during_a_call_costs_no_patience(
    make_bench: MakeBench, by: timedelta
) -> None:
    bench = make_bench(max_age=30 * MINUTE)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(500, after=2 * SECOND), Reply(500))

    await partition.feed(A1)
    await bench.wait(1)
    bench.clock.set_wall(by)
    await bench.wait(20)
    partition.commit()

    (receipt,) = partition.receipts
    assert receipt.outcome == "delivered"
    spans = [each.ended_at - each.started_at for each in receipt.attempts]
    assert spans == [2 * SECOND, timedelta(), timedelta()]


@both_ways
async def test_a_stopped_target_is_probed_when_it_was_to_be(
    bench: Bench, partition: Partition, by: timedelta
) -> None:
    bench.network.reply(A1, Reply(401))
    await partition.feed(A1, B1)

    bench.clock.set_wall(by)
    await bench.wait(14)
    early = len(bench.network.exchanges)
    await bench.wait(2)

    assert early == 2
    assert not bench.desk.stopped
    assert bench.network.calls_of(A1) == 2


@both_ways
async def test_a_budget_gives_nothing_for_a_clock_that_was_set(by: timedelta) -> None:
    clock = FakeClock()
    turns = Turns(Budget([Limit(requests=1, per=MINUTE)]), clock)
    await turns.take()
    await clock.advance(30 * SECOND)

    clock.set_wall(by)
    wait = turns.budget.wait(clock.monotonic())

    assert wait == 30 * SECOND


@both_ways
async def test_a_lease_is_neither_longer_nor_shorter(by: timedelta) -> None:
    clock = FakeClock()
    lease = Lease(clock, 5 * SECOND)
    lease.renew(clock.monotonic())

    clock.set_wall(by)
    await clock.advance(4 * SECOND)
    held = lease.holds()
    await clock.advance(SECOND)

    assert (held, lease.holds()) == (True, False)


@both_ways
async def test_events_of_a_future_and_of_a_past_are_delivered(
    bench: Bench, partition: Partition, by: timedelta
) -> None:
    bench.clock.set_wall(by)

    await partition.feed(A1, A2)
    await settle()
    partition.commit()

    assert [receipt.outcome for receipt in partition.receipts] == ["delivered"] * 2
    assert bench.desk.oldest_age() == 0.0
