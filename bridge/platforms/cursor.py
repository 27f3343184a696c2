"""Where a poll left off: the record of `returns.cursors`, one per account; pure.

How windows are laid stands in `windows.py`, how pages move a cursor in `pages.py`.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Lane = Literal["live", "history"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Step(_Frozen):
    """One window of one pass; `since` inclusive, `until` exclusive.

    `again` tells that it was begun a second time.
    """

    pass_: str
    since: AwareDatetime
    until: AwareDatetime
    again: bool = False


class Place(_Frozen):
    """Where within a step: the token of the page to ask for, and what led there.

    `anchor` is the hash of a former token, replaced after `lap` reached `power`.
    """

    token: str | None = None
    pages: int = 0
    empty: int = 0
    begun_at: AwareDatetime | None = None
    anchor: str = ""
    lap: int = 0
    power: int = 1


class Walk(_Frozen):
    """A walk under way: `steps` are what is left, the first is being walked.

    `span` is the length of all windows together, for its progress. `stuck` names the
    passes given up for this walk, `restarts` counts how often a step was begun again.
    """

    steps: tuple[Step, ...]
    place: Place = Place()
    restarts: int = 0
    began_at: AwareDatetime
    span: timedelta
    pages: int = 0
    found: int = 0
    stuck: tuple[str, ...] = ()

    @property
    def progress(self) -> float:
        """The part that is done, 0 to 1, by windows; pages within one are unknown."""
        left = sum((step.until - step.since for step in self.steps), timedelta())
        return 1 - left / self.span if self.span else 0.0


class Order(_Frozen):
    """What an operator wants of an account's polling: a record beside its cursor.

    `backfill` walks [since, until) as history, `gap` looks back to `since` in the next
    live walk, `cancel` gives a backfill up. Each is taken on once, by its id.
    """

    version: Literal[1] = 1
    id: str
    account: str
    kind: Literal["backfill", "gap", "cancel"]
    since: AwareDatetime
    until: AwareDatetime
    issued_at: AwareDatetime


class Trouble(_Frozen):
    """Why no page comes: the outcome's short reason, and since when."""

    reason: str
    since: AwareDatetime


class Spent(_Frozen):
    """What is used of one lasting limit of the account's credential, told at `at`.

    `calls` are pairs: in how many seconds they count no more, and how many they are.
    """

    limit: str
    at: AwareDatetime
    calls: tuple[tuple[int, float], ...] = ()


class Cursor(_Frozen):
    """One account's polling, as `returns.cursors` keeps it.

    `skew` is the platform's clock minus ours. `calls` are those of `day` (UTC).
    `well_at` is when its webhooks were last found to be switched on, `gap_since` from
    when on news may be missing that nobody has looked for yet. `given_up` counts the
    windows that no walk got to the end of; after one the next walk has to wait until
    `not_before`. `spent` is told ahead: it holds calls that are still to come.
    """

    version: Literal[1] = 1
    platform: str
    marks: dict[str, AwareDatetime] = Field(default_factory=dict)
    skew: timedelta = timedelta()
    live: Walk | None = None
    history: Walk | None = None
    orders: tuple[str, ...] = ()
    trouble: Trouble | None = None
    walks: int = 0
    pages: int = 0
    found: int = 0
    given_up: int = 0
    not_before: AwareDatetime | None = None
    last_found_at: AwareDatetime | None = None
    well_at: AwareDatetime | None = None
    gap_since: AwareDatetime | None = None
    memory: str = Field(default="", repr=False)
    day: date | None = None
    calls: int = 0
    spent: tuple[Spent, ...] = ()

    def walk(self, lane: Lane) -> Walk | None:
        """Return the walk under way in a lane, None between walks."""
        return self.live if lane == "live" else self.history

    def with_walk(self, lane: Lane, walk: Walk | None) -> "Cursor":
        return self.model_copy(update={lane: walk})


# ---------------------------------------------------------------- what it tells


def synchronised(cursor: Cursor, there: datetime, now: datetime) -> Cursor:
    """Note what the platform's clock says, `there`, at `now` by ours."""
    return cursor.model_copy(update={"skew": there - now})


def called(cursor: Cursor, now: datetime, *, count: int = 1) -> Cursor:
    """Count calls, by the day (UTC)."""
    today = now.astimezone(UTC).date()
    before = cursor.calls if cursor.day == today else 0
    return cursor.model_copy(update={"day": today, "calls": before + count})


def troubled(cursor: Cursor, reason: str, now: datetime) -> Cursor:
    """Note why no page came; the same reason keeps its time."""
    known = cursor.trouble
    if known is not None and known.reason == reason:
        return cursor
    return cursor.model_copy(update={"trouble": Trouble(reason=reason, since=now)})


def forecast(cursor: Cursor, now: datetime) -> int:
    """Return how many calls the day will have seen at its end, at its pace so far."""
    now = now.astimezone(UTC)
    if cursor.day != now.date():
        return 0
    begin_of_day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    part = max((now - begin_of_day) / timedelta(days=1), 1 / 24)
    return round(cursor.calls / part)


def left(walk: Walk, now: datetime) -> timedelta | None:
    """Return how long the walk may still take at its pace so far; None: unknown."""
    done = walk.progress
    return (now - walk.began_at) / done * (1 - done) if done > 0 else None
