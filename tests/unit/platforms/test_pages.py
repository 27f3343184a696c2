"""How pages move a cursor, and what becomes of tokens that lead nowhere."""

from datetime import UTC, datetime, timedelta

from bridge.platforms.cursor import Cursor, Lane, Walk
from bridge.platforms.pages import EMPTY_PAGES, PAUSE, RESTARTS, ask, expired, turned
from bridge.platforms.walk import Found, Page, Pass, Rhythm
from bridge.platforms.windows import begin, due_at, fill, history

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SETTLE = timedelta(seconds=20)
RHYTHM = Rhythm(
    passes=(Pass("open"), Pass("closed")), every=MINUTE, overlap=2 * MINUTE, first=DAY
)
ROW = Found("redo/shop/1", b"{}")


def begun(rhythm: Rhythm = RHYTHM) -> Cursor:
    return begin(Cursor(platform="redo"), rhythm, NOW)


def page(
    cursor: Cursor, token: str | None, *found: Found, lane: Lane = "live"
) -> Cursor:
    return turned(cursor, lane, Page(found, token), RHYTHM, NOW)


def walk_of(cursor: Cursor, lane: Lane = "live") -> Walk:
    walk = cursor.walk(lane)
    assert walk is not None
    return walk


def test_a_page_with_a_token_goes_on_in_the_same_window() -> None:
    first = begun()

    second = page(first, "t1", ROW)

    before, after = ask(walk_of(first), NOW), ask(walk_of(second), NOW)
    assert (before.token, after.token) == (None, "t1")
    assert (before.since, before.until) == (after.since, after.until)
    assert (second.pages, second.found) == (1, 1)


def test_only_the_last_page_of_a_window_moves_its_mark() -> None:
    first = page(begun(), "t1", ROW)

    second = page(first, None, ROW)

    assert first.marks == {}
    assert second.marks == {"open": NOW - SETTLE}
    assert ask(walk_of(second), NOW).pass_ == RHYTHM.passes[1].name


def test_the_last_window_ends_the_walk() -> None:
    ended = page(page(begun(), None), None)

    assert ended.live is None
    assert set(ended.marks) == {"open", "closed"}
    assert ended.walks == 1


def test_an_empty_page_with_a_token_is_a_page_like_any_other() -> None:
    following = "t1"

    empty = page(begun(), following)

    assert ask(walk_of(empty), NOW).token == following
    assert empty.last_found_at is None


def test_a_mark_never_passes_the_platforms_clock() -> None:
    behind = begun().model_copy(update={"skew": -10 * MINUTE})

    ended = page(behind, None)

    assert ended.marks["open"] == NOW - 10 * MINUTE - SETTLE


def test_a_token_that_repeats_itself_begins_the_window_again() -> None:
    again = page(page(begun(), "t1", ROW), "t1", ROW)

    assert ask(walk_of(again), NOW).token is None
    assert walk_of(again).restarts == 1


def test_a_circle_of_tokens_is_found() -> None:
    cursor = begun()
    for number in range(100):
        cursor = page(cursor, f"t{number % 7}", ROW)
        if walk_of(cursor).restarts:
            break

    assert number < 30
    assert walk_of(cursor).restarts == 1


def test_tokens_that_all_differ_are_no_circle() -> None:
    cursor = begun()
    for number in range(2_000):
        cursor = page(cursor, f"t{number}", ROW)

    assert walk_of(cursor).place.pages == 2_000


def test_empty_pages_without_end_lead_nowhere() -> None:
    cursor = begun()
    for number in range(EMPTY_PAGES):
        cursor = page(cursor, f"t{number}")

    assert walk_of(cursor).restarts == 1


def test_a_token_that_expires_twice_halves_the_window() -> None:
    first = expired(begun(), "live", NOW)

    second = expired(first, "live", NOW)

    whole, halves = walk_of(first).steps[0], walk_of(second).steps[:2]
    assert (halves[0].since, halves[1].until) == (whole.since, whole.until)
    assert halves[0].until == halves[1].since
    assert walk_of(second).span == walk_of(first).span


def test_a_window_that_cannot_be_cut_is_given_up_and_keeps_its_mark() -> None:
    cursor = begun(Rhythm(passes=RHYTHM.passes, first=MINUTE))
    while cursor.given_up == 0:
        cursor = expired(cursor, "live", NOW)

    while cursor.live is not None:
        cursor = page(cursor, None)

    assert "open" not in cursor.marks
    assert cursor.marks["closed"] == NOW - SETTLE
    assert due_at(cursor, RHYTHM, NOW) == NOW + PAUSE


def test_a_platform_whose_tokens_never_count_is_not_asked_for_ever() -> None:
    cursor, calls = begun(), 0
    while cursor.live is not None:
        cursor, calls = expired(cursor, "live", NOW), calls + 1

    assert calls <= RESTARTS * 2


def test_a_backfill_moves_no_mark() -> None:
    steps = history(RHYTHM, NOW - DAY, NOW)
    cursor = fill(Cursor(platform="redo"), "o", steps, NOW)

    for _ in steps:
        cursor = page(cursor, None, ROW, lane="history")

    assert cursor.history is None
    assert cursor.marks == {}


def test_without_a_walk_nothing_moves() -> None:
    idle = Cursor(platform="redo")

    assert page(idle, None) == idle
    assert expired(idle, "live", NOW) == idle
