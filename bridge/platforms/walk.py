"""How a platform is polled: what it offers for it, as values and pure conversations.

A *walk* looks through everything that changed in a window. It is made of *passes*
(Loop lists one state at a time; a sweep looks for what update times hide), a pass of
*pages*. A platform knows how one page is asked for and read; windows, overlap, order
of passes, cursors and sweeps are `cursor.py`'s, budgets and waiting the stage's.

A page is a generator that yields requests and is sent their responses, as a target's
conversation is (`contract.py`). It never raises for what a platform answers.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Protocol, runtime_checkable

import httpx
from pydantic import Field, PositiveInt

from bridge.platforms.contract import (
    Failed,
    Options,
    Refused,
    Throttled,
    Unauthorized,
)


@dataclass(frozen=True, slots=True)
class Found:
    """One return on a page; a row that names none has the account as its subject.

    `body` is the body of an observation as the source reads it, None where the list
    tells only that the return has changed: it is then hinted at, to be fetched.
    `stamp` is the platform's update time, aware, None where it gives none.
    """

    subject: str
    body: bytes | None = field(repr=False)
    stamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `token` leads to the next, None ends the pass.

    An empty page with a token is a page like any other. `memory` replaces what the
    platform remembers from page to page and walk to walk; None leaves it.
    """

    found: tuple[Found, ...]
    token: str | None = None
    memory: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Expired:
    """The platform no longer knows the token: the pass begins again."""

    reason: str = "token_expired"


PageOutcome = Page | Expired | Failed | Throttled | Refused | Unauthorized
Paging = Generator[httpx.Request, httpx.Response, PageOutcome]


@dataclass(frozen=True, slots=True)
class Pass:
    """One way of looking through a window.

    A pass with `every` is a sweep: it is made that often instead of in every walk.
    With `reach` its window begins that long before its end, instead of where the last
    one ended. Without `history` a backfill leaves it out.
    """

    name: str
    every: timedelta | None = None
    reach: timedelta | None = None
    history: bool = True


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a platform is walked through, and in which windows.

    `every` lies between the beginnings of two walks. Each window overlaps the one
    before by `overlap` and ends `settle` before the platform's present, so that
    webhooks have their time and late writes are seen. A new account looks back
    `first`. No window is longer than `longest`.
    """

    passes: tuple[Pass, ...]
    every: timedelta = timedelta(minutes=1)
    overlap: timedelta = timedelta(minutes=2)
    settle: timedelta = timedelta(seconds=20)
    first: timedelta = timedelta(days=1)
    longest: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ask:
    """Which page is wanted: of which pass and window, behind which token.

    `since` is inclusive, `until` exclusive and fixed for the whole pass. `now` is the
    bridge's time, for Retry-After and for signing. `memory` is the platform's own, at
    most 256 KiB, kept in the cursor.
    """

    pass_: str
    since: datetime
    until: datetime
    token: str | None
    now: datetime
    memory: str = field(default="", repr=False)


class Poll(Protocol):
    """One account's polling; made from its settings, pure afterwards."""

    platform: str
    account: str
    rhythm: Rhythm

    def page(self, ask: Ask) -> Paging:
        """Ask for one page and read it.

        A token counts only with the same pass and window.
        """
        ...


@runtime_checkable
class Polled(Protocol):
    """Settings of an account that can be polled."""

    def polling(self, account: str) -> Poll | None:
        """Make its polling; None if the settings switch it off or lack a key."""
        ...


class Fetch(Protocol):
    """One account's way to read a single return; pure, as `Poll` is."""

    platform: str
    account: str

    def fetch(self, subject: str, now: datetime) -> Paging:
        """Ask for one return; a page of one, of none if there is no such return."""
        ...


@runtime_checkable
class Fetched(Protocol):
    """Settings of an account whose returns can be read one by one."""

    def fetching(self, account: str) -> Fetch | None:
        """Make its fetching; None if the settings lack a key."""
        ...


Positive = Annotated[timedelta, Field(gt=timedelta(0))]


class PollOptions(Options):
    """`accounts.<name>.poll`: when and how fast an account is polled.

    `calls_per_second` (never two at once), `calls_per_minute` and `calls_per_day`
    bound what polling may use of the platform's limit; `backfill_share` is what a
    backfill may use of that. A budget by the day is spread over the day.
    """

    enabled: bool = True
    every: Positive = timedelta(minutes=1)
    overlap: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(minutes=2)
    settle: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=20)
    first: Positive = timedelta(days=1)
    sweep_every: Positive = timedelta(hours=1)
    calls_per_second: PositiveInt | None = None
    calls_per_minute: PositiveInt = 60
    calls_per_day: PositiveInt | None = None
    backfill_share: Annotated[float, Field(gt=0, le=1)] = 0.25

    def rhythm(self, *passes: Pass, longest: timedelta) -> Rhythm:
        """Return the rhythm of `passes` with these numbers."""
        return Rhythm(
            passes=passes,
            every=self.every,
            overlap=self.overlap,
            settle=self.settle,
            first=self.first,
            longest=longest,
        )
