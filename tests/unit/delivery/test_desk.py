"""What a target's partitions share: counts for the metrics, one gate."""

from datetime import timedelta

from structlog.testing import capture_logs

from bridge.delivery.lanes import Lane, Lanes, Place
from bridge.telemetry import events, metrics
from tests.support.events import make_letter
from tests.unit.delivery.bench import Bench


def lane_of(lanes: Lanes, subject: str, offset: int = 0) -> Lane:
    lane = lanes.add(make_letter(subject, offset=offset))
    assert lane is not None
    return lane


def test_a_desk_without_events_is_idle(bench: Bench) -> None:
    assert bench.desk.busy == 0
    assert bench.desk.oldest_age() == 0.0


async def test_the_oldest_event_of_all_partitions_gives_the_age(bench: Bench) -> None:
    one, other = Lanes(), Lanes()
    bench.desk.lanes |= {one, other, Lanes()}
    lane_of(one, "redo/shop/1", offset=3_000)
    lane_of(other, "redo/shop/2", offset=1_000)

    await bench.wait(10)

    assert bench.desk.oldest_age() == 9.0


def test_an_event_from_a_clock_that_is_ahead_has_no_age(bench: Bench) -> None:
    lanes = Lanes()
    bench.desk.lanes.add(lanes)
    lane_of(lanes, "redo/shop/1", offset=5_000)

    assert bench.desk.oldest_age() == 0.0


def test_metrics_tell_how_the_lanes_stand(bench: Bench) -> None:
    one, other = Lanes(), Lanes()
    bench.desk.lanes |= {one, other}
    one.move(lane_of(one, "redo/shop/1"), Place.WAITING)
    other.move(lane_of(other, "redo/shop/2"), Place.WAITING)
    other.move(lane_of(other, "redo/shop/3"), Place.HELD)
    lane_of(other, "redo/shop/4")
    bench.desk.in_flight = 1

    exposed = metrics.render().decode()

    assert bench.desk.busy == 3
    assert 'returns_bridge_lanes_waiting{target="wms"} 2.0' in exposed
    assert 'returns_bridge_lanes_held{target="wms"} 1.0' in exposed
    assert 'returns_bridge_in_flight{target="wms"} 1.0' in exposed


def test_a_target_is_stopped_and_resumed_with_one_line_each(bench: Bench) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            bench.desk.shut("http_401")
        for _ in range(3):
            bench.desk.reopen()

    assert [line["event"] for line in lines] == [
        events.TARGET_STOPPED,
        events.TARGET_RESUMED,
    ]
    assert bench.desk.gate.wait(bench.clock.now()) == timedelta()
