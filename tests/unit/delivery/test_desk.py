"""What a target's partitions share: counts for the metrics, breaker, budget."""

from datetime import timedelta

from structlog.testing import capture_logs

from bridge.deadletters.standing import WaitReason
from bridge.delivery.budget import Budget
from bridge.delivery.lanes import Lane
from bridge.delivery.turns import Turns
from bridge.platforms.contract import Delivered, Refused, Throttled, Unauthorized
from bridge.platforms.limits import Limit
from bridge.streams.holding import Holding
from bridge.telemetry import events, metrics
from tests.support.events import make_letter
from tests.unit.delivery.bench import Bench, Partition


def lane_of(partition: Partition, subject: str, offset: int = 0) -> Lane:
    return partition.work.lanes.open(make_letter(subject, offset=offset))


def test_a_desk_without_events_is_idle(bench: Bench) -> None:
    assert bench.desk.busy == 0
    assert bench.desk.oldest_age() == 0.0


async def test_the_oldest_event_of_all_partitions_gives_the_age(bench: Bench) -> None:
    one, other, idle = (bench.partition() for _ in range(3))
    bench.desk.partitions |= {one.work, other.work, idle.work}
    lane_of(one, "redo/shop/1", offset=3_000)
    lane_of(other, "redo/shop/2", offset=1_000)

    await bench.wait(10)

    assert bench.desk.oldest_age() == 9.0


async def test_an_event_from_a_clock_that_is_ahead_has_no_age(
    bench: Bench, partition: Partition
) -> None:
    lane_of(partition, "redo/shop/1", offset=5_000)

    assert bench.desk.oldest_age() == 0.0


async def test_metrics_tell_how_the_lanes_stand(bench: Bench) -> None:
    one, other = bench.partition(), bench.partition()
    bench.desk.partitions |= {one.work, other.work}
    for partition, subject, why in (
        (one, "redo/shop/1", WaitReason.RETRY),
        (other, "redo/shop/2", WaitReason.RETRY),
        (other, "redo/shop/3", WaitReason.DEAD),
    ):
        partition.work.lanes.wait(lane_of(partition, subject), why, 0.0)
    lane_of(other, "redo/shop/4")
    other.work.lanes.restore("redo/shop/5", [make_letter("redo/shop/5")])
    bench.desk.in_flight = 1

    exposed = metrics.render().decode()

    assert bench.desk.busy == 4
    assert 'returns_bridge_lanes_waiting{reason="retry",target="wms"} 2.0' in exposed
    assert 'returns_bridge_lanes_waiting{reason="dead",target="wms"} 1.0' in exposed
    assert 'returns_bridge_lanes_held{target="wms"} 1.0' in exposed
    assert 'returns_bridge_parked_events{target="wms"} 1.0' in exposed
    assert 'returns_bridge_in_flight{target="wms"} 1.0' in exposed
    assert 'returns_bridge_breaker_open{target="wms"} 0.0' in exposed


def test_a_target_is_stopped_and_resumed_with_one_line_each(bench: Bench) -> None:
    desk, refused = bench.desk, Unauthorized("http_401")
    passes = [desk.breaker.admit(0.0, subject) or 0 for subject in "abc"]

    with capture_logs() as lines:
        for pass_ in passes:
            desk.learn(pass_, refused, "redo/shop/1")
        stopped = desk.stopped, desk.stop_reason
        probe = desk.breaker.admit(1_000.0, "d")
        desk.learn(probe or 0, Delivered(), "redo/shop/1")

    assert stopped == (True, WaitReason.UNAUTHORIZED)
    assert [line["event"] for line in lines] == [
        events.TARGET_STOPPED,
        events.TARGET_RESUMED,
    ]
    assert not desk.stopped


def test_too_many_dead_letters_stop_the_target_instead(bench: Bench) -> None:
    with capture_logs() as lines:
        buried = [bench.desk.may_bury("invalid") for _ in range(60)]

    assert 0 < buried.count(True) <= bench.desk.options.dead_limit
    assert bench.desk.stop_reason is WaitReason.BREAKER
    assert [line["event"] for line in lines] == [events.TARGET_STOPPED]


def test_the_budget_hears_of_owned_partitions_and_of_outcomes(bench: Bench) -> None:
    limit = Limit(requests=12, per=timedelta(seconds=1))
    turns = bench.desk.turns = Turns(Budget([limit]), bench.clock)

    bench.desk.own(Holding(3, 12))
    bench.desk.learn(0, Throttled(timedelta(seconds=90)), "redo/shop/1")

    assert turns.budget.share == 0.25
    assert turns.budget.wait(bench.clock.monotonic()) == timedelta(seconds=90)


def test_without_a_budget_nothing_is_limited(bench: Bench) -> None:
    bench.desk.own(Holding(3, 12))
    bench.desk.learn(0, Refused("invalid"), "redo/shop/1")

    assert bench.desk.turns is None
