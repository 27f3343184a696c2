"""Any changes, any clocks, tokens that expire: every last change is found."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.platforms.cursor import Cursor
from bridge.platforms.pages import ask, expired, turned
from bridge.platforms.walk import Ask, Expired, Found, Page, Pass, Rhythm
from bridge.platforms.windows import begin, due_at

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RHYTHM = Rhythm(passes=(Pass("all"),), every=10 * MINUTE, overlap=2 * MINUTE)
PAGE = 3

Told = list[tuple[int, int]]


@st.composite
def changes(draw: st.DrawFn) -> Told:
    """Draw (return, second of its change) over two hours."""
    change = st.tuples(st.integers(0, 9), st.integers(0, 7_200))
    return sorted(draw(st.lists(change, max_size=40)), key=lambda each: each[1])


class Platform:
    """Returns with their last change, listed in pages; tokens sometimes expire."""

    def __init__(self, told: Told, skew: timedelta, expires: Iterator[bool]) -> None:
        self.seen: dict[int, int] = {}
        self._told = told
        self._skew = skew
        self._expires = expires

    def answer(self, wanted: Ask) -> Page | Expired:
        if wanted.token is not None and next(self._expires, False):
            return Expired()
        rows = self._rows(wanted)
        rest = sorted(who for who in rows if who > int(wanted.token or -1))
        self.seen.update({who: rows[who] for who in rest[:PAGE]})
        found = tuple(Found(f"r/s/{who}", b"{}") for who in rest[:PAGE])
        return Page(found, str(rest[PAGE - 1]) if len(rest) > PAGE else None)

    def _rows(self, wanted: Ask) -> dict[int, int]:
        there = wanted.now + self._skew
        last = {who: at for who, at in self._told if self._time(at) <= there}
        return {
            who: at
            for who, at in last.items()
            if wanted.since <= self._time(at) < wanted.until
        }

    def _time(self, second: int) -> datetime:
        return NOW + self._skew + timedelta(seconds=second)


def one_page(
    cursor: Cursor, platform: Platform, skew: timedelta, now: datetime
) -> Cursor:
    if due_at(cursor, RHYTHM, now) > now:
        return cursor
    cursor = cursor if cursor.live else begin(cursor, RHYTHM, now)
    assert cursor.live is not None
    answer = platform.answer(ask(cursor.live, now))
    cursor = cursor.model_copy(update={"skew": skew})
    if isinstance(answer, Expired):
        return expired(cursor, "live", now)
    return turned(cursor, "live", answer, RHYTHM, now)


@given(changes(), st.integers(-900, 900), st.lists(st.booleans(), max_size=60))
def test_every_last_change_is_found_whatever_clocks_and_tokens_do(
    told: Told, seconds: int, expires: list[bool]
) -> None:
    skew = timedelta(seconds=seconds)
    platform = Platform(told, skew, iter(expires))
    cursor, now = Cursor(platform="redo"), NOW

    while now < NOW + timedelta(hours=3):
        cursor = one_page(cursor, platform, skew, now)
        now += timedelta(seconds=20)

    assert platform.seen == dict(told)
