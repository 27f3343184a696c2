"""What a cursor tells, and that it survives being written down."""

from datetime import UTC, datetime, timedelta

from bridge.platforms.cursor import (
    Cursor,
    Step,
    Walk,
    called,
    forecast,
    left,
    synchronised,
    troubled,
)

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRESH = Cursor(platform="loop")


def step_of(length: timedelta) -> Step:
    window = {"pass_": "open", "since": NOON, "until": NOON + length}
    return Step.model_validate(window)


def test_a_cursor_reads_back_as_it_was_written() -> None:
    step = step_of(HOUR)
    walk = Walk(steps=(step,), began_at=NOON, span=HOUR)
    cursor = troubled(called(FRESH.with_walk("live", walk), NOON), "http_500", NOON)

    text = cursor.model_dump_json(exclude_defaults=True)

    assert Cursor.model_validate_json(text) == cursor


def test_calls_are_counted_by_the_day() -> None:
    today = called(called(FRESH, NOON), NOON)

    tomorrow = called(today, NOON + timedelta(days=1))

    assert (today.calls, tomorrow.calls) == (2, 1)


def test_the_forecast_goes_by_the_pace_so_far() -> None:
    half = called(FRESH, NOON, count=50)

    assert forecast(half, NOON) == 100
    assert forecast(half, NOON + timedelta(days=1)) == 0


def test_the_same_trouble_keeps_its_time() -> None:
    first = troubled(FRESH, "http_500", NOON)

    again = troubled(first, "http_500", NOON + HOUR)
    other = troubled(first, "http_502", NOON + HOUR)

    assert again == first
    assert other.trouble is not None
    assert other.trouble.since == NOON + HOUR


def test_the_platforms_clock_is_kept_as_a_difference() -> None:
    assert synchronised(FRESH, NOON + HOUR, NOON).skew == HOUR


def test_the_rest_of_a_walk_is_told_from_its_pace() -> None:
    step = step_of(HOUR)
    walk = Walk(steps=(step,), began_at=NOON, span=4 * HOUR)
    young = walk.model_copy(update={"span": HOUR})
    point = walk.model_copy(update={"span": timedelta()})

    assert walk.progress == 0.75
    assert left(walk, NOON + 3 * HOUR) == HOUR
    assert left(young, NOON + HOUR) is None
    assert point.progress == 0.0
