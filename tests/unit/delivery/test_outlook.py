"""The outlook: breaker, budget and waits as others may read them."""

from datetime import timedelta

from bridge.deadletters import standing
from bridge.deadletters.standing import Standing, WaitReason
from bridge.delivery.budget import Budget
from bridge.delivery.turns import Turns
from bridge.platforms.limits import Limit
from tests.support.clock import START, settle
from tests.support.events import make_event
from tests.support.fakes import Reply
from tests.unit.delivery.bench import Bench, MakeBench, Partition

A1, B1 = (make_event(f"redo/shop/{name}") for name in "ab")


def told(partition: Partition) -> list[Standing]:
    """Return what was said, in order."""
    records = partition.kept.records
    return [standing.decode(r.value) for r in records if standing.is_standing(r.key)]


async def test_where_nothing_waits_nothing_is_said(partition: Partition) -> None:
    await partition.feed(A1)
    partition.commit()

    assert told(partition) == []


async def test_waiting_lanes_are_told_every_ten_seconds_and_once_when_all_is_well(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=20)))
    await partition.feed(A1)

    for _ in range(5):
        partition.commit()
        await bench.wait(6)
    partition.commit()

    first, second, last = told(partition)
    assert first.waiting == second.waiting == {WaitReason.THROTTLED: 1}
    assert first.oldest == {WaitReason.THROTTLED: START}
    assert (first.worker, first.budget, first.breaker.state) == ("w1", None, "closed")
    assert last.waiting == {}


async def test_a_stopped_target_says_why_and_when_it_is_probed(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(401))
    await partition.feed(A1)

    partition.commit()

    (only,) = told(partition)
    assert only.breaker.state == "unauthorized"
    assert (only.breaker.reason, only.breaker.since) == ("http_401", START)
    assert only.breaker.next_probe_at == START + timedelta(seconds=15)


async def test_a_target_that_fails_is_told_at_once_when_it_changes(
    bench: Bench, partition: Partition
) -> None:
    many = [make_event(f"redo/shop/{number}") for number in range(30)]
    for event in many:
        bench.network.reply(event, Reply(500))
    await partition.feed(*many)
    partition.commit()
    await bench.wait(2)
    partition.commit()

    assert [one.breaker.state for one in told(partition)] == ["open", "closed"]


async def test_a_spent_budget_is_told(make_bench: MakeBench) -> None:
    bench = make_bench()
    limit = Limit(requests=1, per=timedelta(seconds=1))
    bench.desk.turns = Turns(Budget([limit]), bench.clock)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=60)))

    await partition.feed(A1, B1)
    partition.commit()

    (only,) = told(partition)
    assert only.budget is not None
    assert (only.budget.waiting, only.budget.per_second) == (1, 1.0)
    assert only.budget.blocked_until == START + timedelta(seconds=60)


async def test_who_waits_for_a_turn_is_let_go_at_once_when_the_partition_is(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    limit = Limit(requests=1, per=timedelta(hours=1))
    bench.desk.turns = Turns(Budget([limit]), bench.clock)
    partition = bench.partition()
    await partition.open()
    await partition.feed(A1, B1)

    ended = await partition.work.drain(timedelta(seconds=1))
    await settle()

    assert ended
    assert (bench.network.calls_of(A1), bench.network.calls_of(B1)) == (1, 0)
