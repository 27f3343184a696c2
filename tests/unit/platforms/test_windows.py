"""The windows of walks: where they begin and end, and what orders change."""

from datetime import UTC, datetime, timedelta

from bridge.platforms.cursor import Cursor, Walk
from bridge.platforms.walk import Pass, Rhythm
from bridge.platforms.windows import (
    ORDERS,
    begin,
    cancel,
    due_at,
    fill,
    history,
    rewind,
)

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RHYTHM = Rhythm(
    passes=(Pass("changed"),),
    every=MINUTE,
    overlap=2 * MINUTE,
    settle=timedelta(seconds=20),
    first=DAY,
    longest=30 * DAY,
)
UNTIL = NOW - RHYTHM.settle


def cursor(**marks: datetime) -> Cursor:
    return Cursor(platform="redo", marks=marks)


def live(begun: Cursor) -> Walk:
    walk = begun.live
    assert walk is not None
    return walk


def windows(walk: Walk) -> list[tuple[str, datetime, datetime]]:
    return [(step.pass_, step.since, step.until) for step in walk.steps]


def test_a_new_account_looks_back_as_far_as_it_is_told() -> None:
    begun = begin(cursor(), RHYTHM, NOW)

    assert windows(live(begun)) == [("changed", UNTIL - DAY, UNTIL)]


def test_a_window_overlaps_the_one_before() -> None:
    mark = NOW - 5 * MINUTE

    begun = begin(cursor(changed=mark), RHYTHM, NOW)

    assert windows(live(begun)) == [("changed", mark - 2 * MINUTE, UNTIL)]


def test_windows_go_by_the_platforms_clock() -> None:
    behind = cursor(changed=NOW - HOUR).model_copy(update={"skew": -10 * MINUTE})

    begun = begin(behind, RHYTHM, NOW)

    assert live(begun).steps[-1].until == UNTIL - 10 * MINUTE


def test_a_clock_set_back_makes_no_window_run_backwards() -> None:
    ahead = cursor(changed=NOW + HOUR)

    begun = begin(ahead, RHYTHM, NOW + 2 * HOUR)
    back = begin(ahead, RHYTHM, NOW)

    assert all(step.since < step.until for step in live(begun).steps)
    assert all(step.since < step.until for step in live(back).steps)


def test_a_clock_set_back_does_not_stop_polling() -> None:
    seen = cursor(changed=UNTIL + HOUR)

    assert due_at(seen, RHYTHM, NOW) == NOW
    assert windows(live(begin(seen, RHYTHM, NOW)))[0][2] == UNTIL


def test_a_long_window_is_cut_into_what_the_platform_takes() -> None:
    begun = begin(cursor(changed=NOW - 70 * DAY), RHYTHM, NOW)

    lengths = [until - since for _, since, until in windows(live(begun))]
    starts = [since for _, since, _ in windows(live(begun))]

    assert max(lengths) == 30 * DAY
    assert len(lengths) == 3
    assert starts == sorted(starts)
    assert live(begun).span == sum(lengths, timedelta())


def test_a_walk_is_due_one_round_after_the_last_began() -> None:
    first = due_at(cursor(), RHYTHM, NOW)
    later = due_at(cursor(changed=UNTIL), RHYTHM, NOW)
    under_way = due_at(begin(cursor(), RHYTHM, NOW), RHYTHM, NOW)

    assert first == NOW
    assert later == NOW + MINUTE
    assert under_way == NOW


def test_nothing_begins_before_it_is_due() -> None:
    young = cursor(changed=UNTIL)

    assert begin(young, RHYTHM, NOW) == young


def test_a_sweep_goes_along_only_when_its_time_has_come() -> None:
    sweep = Pass("deleted", every=HOUR)
    rhythm = Rhythm(passes=(Pass("changed"), sweep), every=MINUTE)
    swept = cursor(changed=NOW - 5 * MINUTE, deleted=NOW - 5 * MINUTE)
    stale = cursor(changed=NOW - 5 * MINUTE, deleted=NOW - 2 * HOUR)

    often = begin(swept, rhythm, NOW)
    seldom = begin(stale, rhythm, NOW)

    assert [step.pass_ for step in live(often).steps] == ["changed"]
    assert [step.pass_ for step in live(seldom).steps] == ["changed", "deleted"]


def test_a_wide_sweep_reaches_back_whatever_its_mark() -> None:
    rhythm = Rhythm(passes=(Pass("wide", every=DAY, reach=14 * DAY),))

    begun = begin(cursor(wide=NOW - 2 * DAY), rhythm, NOW)

    step = live(begun).steps[0]
    assert step.until - step.since == 14 * DAY


def test_a_backfill_walks_every_pass_that_has_a_history_window_by_window() -> None:
    sweep = Pass("wide", every=DAY, reach=DAY, history=False)
    rhythm = Rhythm(passes=(Pass("open"), Pass("closed"), sweep), longest=30 * DAY)

    steps = history(rhythm, NOW - 10 * DAY, NOW, chunk=7 * DAY)

    assert [step.pass_ for step in steps] == ["open", "closed", "open", "closed"]
    assert steps[0].since == NOW - 10 * DAY
    assert steps[-1].until == NOW


def test_a_backfill_runs_beside_the_live_walk() -> None:
    walking = begin(cursor(), RHYTHM, NOW)

    filling = fill(walking, "o1", history(RHYTHM, NOW - DAY, NOW), NOW)

    assert filling.live == walking.live
    assert filling.history is not None
    assert filling.orders == ("o1",)


def test_a_second_backfill_waits_behind_the_first() -> None:
    steps = history(RHYTHM, NOW - DAY, NOW)
    once = fill(cursor(), "o1", steps, NOW)

    twice = fill(once, "o2", steps, NOW)

    assert twice.history is not None
    assert twice.history.steps == tuple(steps + steps)
    assert twice.history.span == 2 * DAY


def test_an_order_is_taken_on_once() -> None:
    steps = history(RHYTHM, NOW - DAY, NOW)
    filling = fill(cursor(changed=NOW), "o1", steps, NOW)
    gone = cancel(filling, "o2")
    back = rewind(gone, "o3", NOW - DAY)

    assert fill(filling, "o1", steps, NOW) == filling
    assert cancel(filling, "o1") == filling
    assert rewind(back, "o3", NOW - 2 * DAY) == back
    assert gone.history is None
    assert fill(cursor(), "o4", [], NOW) == cursor()


def test_a_gap_poll_looks_back_and_begins_the_walk_anew() -> None:
    walking = begin(cursor(changed=NOW - 5 * MINUTE), RHYTHM, NOW)

    back = rewind(walking, "gap", NOW - HOUR)

    assert back.live is None
    assert back.marks == {"changed": NOW - HOUR}
    assert due_at(back, RHYTHM, NOW) < NOW


def test_old_orders_are_forgotten_in_the_end() -> None:
    many = cursor()
    for number in range(ORDERS + 5):
        many = rewind(many, f"o{number}", NOW)

    assert len(many.orders) == ORDERS
    assert many.orders[-1] == f"o{ORDERS + 4}"
