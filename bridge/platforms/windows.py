"""The windows of a walk and the orders that change what is walked; pure.

    mark ─overlap─┐                       ┌─settle─ the platform's present
                  since ───── window ───── until       fixed while the pass lasts

1. A pass keeps a *mark*: all that changed before it has been seen. Only the last page
   of a window moves it (`pages.py`).
2. A window longer than the platform takes is cut into steps, walked oldest first.
3. A backfill is a walk of its own beside the live one and moves no mark.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bridge.platforms.cursor import Cursor, Step, Walk
from bridge.platforms.walk import Pass, Rhythm

#: Orders remembered as taken on.
ORDERS = 32


def due_at(cursor: Cursor, rhythm: Rhythm, now: datetime) -> datetime:
    """Return when the next live walk should begin; `now` at the latest for a new one.

    A walk under way is due at once.
    """
    if cursor.live is not None:
        return now
    due = min(_due(cursor, rhythm, pass_, now) for pass_ in rhythm.passes)
    return due if cursor.not_before is None else max(due, cursor.not_before)


def _due(cursor: Cursor, rhythm: Rhythm, pass_: Pass, now: datetime) -> datetime:
    mark = cursor.marks.get(pass_.name)
    if mark is None:
        return now
    ours = mark + rhythm.settle - cursor.skew
    if ours > now + rhythm.every:
        return now  # our clock was set back: nothing was seen in the future
    return ours + (pass_.every or rhythm.every)


def begin(cursor: Cursor, rhythm: Rhythm, now: datetime) -> Cursor:
    """Begin the live walk that is due: every pass whose time has come, oldest first."""
    until = now + cursor.skew - rhythm.settle
    # What falls due within half a round goes along: one walk instead of two.
    soon = now + rhythm.every / 2
    steps = [
        step
        for pass_ in rhythm.passes
        if _due(cursor, rhythm, pass_, now) <= soon
        for step in _cut(_window(cursor, rhythm, pass_, until), rhythm.longest)
    ]
    return cursor.with_walk("live", _walk(steps, now)) if steps else cursor


def _window(cursor: Cursor, rhythm: Rhythm, pass_: Pass, until: datetime) -> Step:
    mark = cursor.marks.get(pass_.name)
    if pass_.reach is not None:
        since = until - pass_.reach
    elif mark is None:
        since = until - rhythm.first
    else:
        since = mark - rhythm.overlap
    # A clock set back makes no window run backwards.
    earliest = until - max(rhythm.overlap, timedelta(seconds=1))
    return Step(pass_=pass_.name, since=min(since, earliest), until=until)


def _cut(step: Step, longest: timedelta) -> Iterator[Step]:
    since = step.since
    while step.until - since > longest:
        yield Step(pass_=step.pass_, since=since, until=since + longest)
        since += longest
    yield Step(pass_=step.pass_, since=since, until=step.until)


def _walk(steps: list[Step], now: datetime) -> Walk:
    span = sum((step.until - step.since for step in steps), timedelta())
    return Walk(steps=tuple(steps), began_at=now, span=span)


# ---------------------------------------------------------------- orders


def history(
    rhythm: Rhythm, since: datetime, until: datetime, *, chunk: timedelta | None = None
) -> list[Step]:
    """Return the steps of a backfill over [since, until), oldest window first.

    `chunk` shortens the windows, so that its progress shows.
    """
    longest = min(rhythm.longest, chunk or rhythm.longest)
    passes = [pass_.name for pass_ in rhythm.passes if pass_.history]
    windows = _cut(Step(pass_="", since=since, until=until), longest)
    return [
        Step(pass_=name, since=window.since, until=window.until)
        for window in windows
        for name in passes
    ]


def fill(cursor: Cursor, order: str, steps: list[Step], now: datetime) -> Cursor:
    """Take on a backfill; behind the one under way if there is one. Once per order."""
    if order in cursor.orders or not steps:
        return cursor
    under_way = cursor.history
    fresh = _walk(steps, now)
    if under_way is not None:
        fresh = under_way.model_copy(
            update={
                "steps": under_way.steps + fresh.steps,
                "span": under_way.span + fresh.span,
            }
        )
    return _ordered(cursor.with_walk("history", fresh), order)


def cancel(cursor: Cursor, order: str) -> Cursor:
    """Give the backfill under way up. Once per order."""
    if order in cursor.orders:
        return cursor
    return _ordered(cursor.with_walk("history", None), order)


def rewind(cursor: Cursor, order: str, since: datetime) -> Cursor:
    """Let the next live walk look back to `since`: a gap poll. Once per order."""
    if order in cursor.orders:
        return cursor
    marks = {name: min(mark, since) for name, mark in cursor.marks.items()}
    back = cursor.model_copy(update={"marks": marks, "live": None})
    return _ordered(back, order)


def _ordered(cursor: Cursor, order: str) -> Cursor:
    return cursor.model_copy(update={"orders": (*cursor.orders, order)[-ORDERS:]})
