"""How pages move a cursor; pure.

1. The last page of a window moves the mark of its pass, never beyond the platform's
   own clock as it stood when the pass began: a clock of ours that is ahead skips
   nothing.
2. A token that no longer counts, or leads in a circle, makes its step begin again;
   the second time in halves, since a shorter walk needs fewer tokens. A step that
   cannot be cut further is given up for this walk: its mark stays, so that the next
   walk looks again, and `stuck` tells of it. Circles are found as Brent's algorithm
   does, with one token remembered.
"""

import hashlib
from datetime import datetime, timedelta

from bridge.platforms.cursor import Cursor, Lane, Place, Step, Walk
from bridge.platforms.walk import Ask, Page, Rhythm

#: A step is not cut below this; one that fails then is given up for the walk.
SHORTEST = timedelta(minutes=1)
#: Restarts of one walk; a step that would need another is given up.
RESTARTS = 24
#: How long after a walk that gave a window up the next one may begin.
PAUSE = timedelta(minutes=5)
#: Empty pages in a row, each with a new token, after which a pass leads nowhere.
EMPTY_PAGES = 1_000


def ask(walk: Walk, now: datetime, memory: str = "") -> Ask:
    """Return which page comes next."""
    step = walk.steps[0]
    token = walk.place.token
    return Ask(step.pass_, step.since, step.until, token, now, memory)


def turned(
    cursor: Cursor, lane: Lane, page: Page, rhythm: Rhythm, now: datetime
) -> Cursor:
    """Return the cursor after a page: at the next page, step, or end of the walk."""
    walk = cursor.walk(lane)
    if walk is None:
        return cursor
    count = len(page.found)
    walk = walk.model_copy(
        update={"pages": walk.pages + 1, "found": walk.found + count}
    )
    cursor = cursor.model_copy(
        update={
            "pages": cursor.pages + 1,
            "found": cursor.found + count,
            "trouble": None,
            "memory": cursor.memory if page.memory is None else page.memory,
            "last_found_at": now if count else cursor.last_found_at,
        }
    )
    place = _stepped(walk.place, page, now + cursor.skew)
    if page.token is None:
        return _end_step(cursor, lane, walk, place, rhythm)
    if _leads_nowhere(walk.place, place, page.token):
        return _again(cursor, lane, walk, now)
    return cursor.with_walk(lane, walk.model_copy(update={"place": place}))


def expired(cursor: Cursor, lane: Lane, now: datetime) -> Cursor:
    """Return the cursor after the platform has forgotten the token."""
    walk = cursor.walk(lane)
    return cursor if walk is None else _again(cursor, lane, walk, now)


def _stepped(place: Place, page: Page, there: datetime) -> Place:
    """Move on by one page; Brent: the anchor is renewed at powers of two."""
    token = page.token or ""
    renew = place.lap == place.power or not place.anchor
    return Place(
        token=page.token,
        pages=place.pages + 1,
        empty=0 if page.found else place.empty + 1,
        begun_at=place.begun_at or there,
        anchor=_hash(token) if renew else place.anchor,
        lap=1 if renew else place.lap + 1,
        power=place.power * 2 if place.lap == place.power else place.power,
    )


def _leads_nowhere(before: Place, after: Place, token: str) -> bool:
    circle = token == before.token or before.anchor == _hash(token)
    return circle or after.empty >= EMPTY_PAGES


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _end_step(
    cursor: Cursor, lane: Lane, walk: Walk, place: Place, rhythm: Rhythm
) -> Cursor:
    step = walk.steps[0]
    if lane == "live" and step.pass_ not in walk.stuck and place.begun_at is not None:
        mark = min(step.until, place.begun_at - rhythm.settle)
        cursor = cursor.model_copy(update={"marks": {**cursor.marks, step.pass_: mark}})
    return _next_step(cursor, lane, walk)


def _next_step(cursor: Cursor, lane: Lane, walk: Walk) -> Cursor:
    rest = walk.steps[1:]
    if rest:
        fresh = walk.model_copy(update={"steps": rest, "place": Place()})
        return cursor.with_walk(lane, fresh)
    ended = cursor.with_walk(lane, None)
    return ended.model_copy(update={"walks": ended.walks + 1})


def _again(cursor: Cursor, lane: Lane, walk: Walk, now: datetime) -> Cursor:
    """Begin the step again, in halves from the second time on, or give it up."""
    step, rest = walk.steps[0], walk.steps[1:]
    half = (step.until - step.since) / 2
    if walk.restarts >= RESTARTS or (step.again and half < SHORTEST):
        return _give_up(cursor, lane, walk, now)
    fresh = {
        "steps": (*_anew(step, half), *rest),
        "place": Place(),
        "restarts": walk.restarts + 1,
    }
    return cursor.with_walk(lane, walk.model_copy(update=fresh))


def _anew(step: Step, half: timedelta) -> tuple[Step, ...]:
    if not step.again:
        return (step.model_copy(update={"again": True}),)
    middle = step.since + half
    return (
        step.model_copy(update={"until": middle, "again": False}),
        step.model_copy(update={"since": middle, "again": False}),
    )


def _give_up(cursor: Cursor, lane: Lane, walk: Walk, now: datetime) -> Cursor:
    told = {"given_up": cursor.given_up + 1, "not_before": now + PAUSE}
    stuck = tuple(dict.fromkeys((*walk.stuck, walk.steps[0].pass_)))
    marked = walk.model_copy(update={"stuck": stuck})
    return _next_step(cursor.model_copy(update=told), lane, marked)
