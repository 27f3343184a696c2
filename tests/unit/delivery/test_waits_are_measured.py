"""Each wait has its reason in the metrics, and all of them are part of the latency."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from bridge.deadletters.standing import WaitReason
from bridge.delivery.budget import Budget
from bridge.delivery.turns import Turns
from bridge.platforms.limits import Limit
from tests.support.events import make_event
from tests.support.fakes import Reply
from tests.unit.delivery.bench import Bench, Partition

A1, A2 = (make_event("redo/shop/a", number) for number in (1, 2))
B1 = make_event("redo/shop/b")


TARGET = {"target": "wms"}


def metric(name: str, **labels: str) -> float:
    sample = f"returns_bridge_{name}"
    return REGISTRY.get_sample_value(sample, {**TARGET, **labels}) or 0.0


def waiting() -> dict[str, float]:
    """Return how many lanes wait for which reasons, those without left out."""
    found = {why.value: metric("lanes_waiting", reason=why) for why in WaitReason}
    return {why: count for why, count in found.items() if count}


class Counted:
    """What was counted since this was made: metrics are the process's."""

    def __init__(self) -> None:
        self._before = self._now()

    @staticmethod
    def _now() -> dict[str, float]:
        waited = {
            why.value: metric("waited_seconds_total", reason=why) for why in WaitReason
        }
        latency = ("delivery_seconds_sum", "delivery_seconds_count")
        return {**waited, **{name: metric(name) for name in latency}}

    def __getitem__(self, name: str) -> float:
        return self._now()[name] - self._before[name]


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(429, retry_after=timedelta(seconds=300)), WaitReason.THROTTLED),
        (Reply(500, retry_after=timedelta(seconds=300)), WaitReason.RETRY),
        (Reply(425), WaitReason.NOT_YET),
        (Reply(401), WaitReason.UNAUTHORIZED),
    ],
)
async def test_a_wait_is_seen_counted_and_part_of_the_latency(
    bench: Bench, partition: Partition, reply: Reply, why: WaitReason
) -> None:
    counted = Counted()
    bench.network.reply(A1, reply)
    wait = (reply.retry_after or timedelta(seconds=0.3)).total_seconds()

    await partition.feed(A1)
    seen = waiting()
    await bench.wait(301)
    partition.commit()

    assert seen == {why: 1}
    assert waiting() == {}
    assert counted[why] >= wait - 1e-6  # the difference of two sums of floats
    latency = counted["delivery_seconds_sum"]
    assert latency == pytest.approx(counted[why])


async def test_the_time_that_what_is_parked_spends_behind_its_head_counts(
    bench: Bench, partition: Partition, counted: Counted
) -> None:
    bench.network.reply(A1, Reply(429, retry_after=timedelta(seconds=300)))

    await partition.feed(A1, A2)
    await bench.wait(301)
    partition.commit()

    assert counted["delivery_seconds_count"] == 2
    assert counted["delivery_seconds_sum"] == pytest.approx(2 * 300, rel=0.01)


async def test_who_stands_in_line_for_the_budget_waits_for_the_budget(
    bench: Bench, counted: Counted
) -> None:
    limit = Limit(requests=1, per=timedelta(seconds=60))
    bench.desk.turns = Turns(Budget([limit]), bench.clock)
    partition = bench.partition()
    await partition.open()

    await partition.feed(A1, B1)
    seen = waiting()
    await bench.wait(61)
    partition.commit()

    assert seen == {WaitReason.BUDGET: 1}
    assert waiting() == {}
    assert counted["budget"] == pytest.approx(60)
    assert counted["delivery_seconds_sum"] == pytest.approx(60)


async def test_a_stopped_target_a_pause_and_a_death_have_their_reasons(
    bench: Bench, partition: Partition
) -> None:
    many = [make_event(f"redo/shop/{number}") for number in range(30)]
    for event in many:
        bench.network.reply(event, Reply(500))
    bench.network.reply(A1, Reply(422))

    await partition.feed(A1)
    await partition.instruct("pause", B1.subject)
    await partition.feed(B1, *many)

    seen = waiting()
    assert (seen[WaitReason.DEAD], seen[WaitReason.PAUSED]) == (1, 1)
    assert seen[WaitReason.BREAKER] > 0


async def test_a_handover_is_a_wait_too(bench: Bench, counted: Counted) -> None:
    partition = bench.partition()
    partition.owner.withdraw()
    await partition.open()

    await partition.feed(A1)
    seen = waiting()
    await bench.wait(20)
    partition.owner.grant()
    await bench.wait(0)

    assert seen == {WaitReason.HANDOVER: 1}
    assert counted["handover"] == pytest.approx(20)
