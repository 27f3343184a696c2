"""The care of a platform's webhooks: what is registered, what should be; pure.

A platform can list its registrations, tell what is wrong with them, and mend one
thing at a time, each as a conversation that yields requests and is sent their
responses. Doing nothing where all is well makes every command repeatable. Who calls,
and when, is not known here.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import httpx

from bridge.platforms.contract import Failed, Refused, Throttled, Unauthorized

Failure = Failed | Throttled | Refused | Unauthorized


@dataclass(frozen=True, slots=True)
class Registration:
    """One webhook that a platform sends: what (`events`), where to, and whether.

    `active` is None where the platform does not tell, `name` our own name for it
    where the platform keeps one.
    """

    id: str
    events: str
    url: str
    active: bool | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to mend: `what` for people, the rest for the platform's own code."""

    kind: Literal["create", "update", "activate"]
    events: str
    url: str
    id: str | None = None

    @property
    def what(self) -> str:
        """The change as a sentence."""
        return f"{self.kind} {self.events} to {self.url}"


@dataclass(frozen=True, slots=True)
class Done:
    """It was done; `note` tells what is left to a person, if anything."""

    note: str = ""


Survey = Generator[httpx.Request, httpx.Response, tuple[Registration, ...] | Failure]
Mending = Generator[httpx.Request, httpx.Response, Done | Failure]


class Care(Protocol):
    """One account's webhooks; made from its settings, pure afterwards."""

    platform: str
    account: str

    def survey(self, now: datetime) -> Survey:
        """List what is registered, also by others."""
        ...

    def changes(self, present: Sequence[Registration], url: str) -> tuple[Change, ...]:
        """Return what must change so that every event of interest comes to `url`.

        Nothing where all is well; registrations of others are left alone.
        """
        ...

    def mend(self, change: Change, now: datetime) -> Mending:
        """Make one change."""
        ...

    def replay(
        self, present: Sequence[Registration], url: str, since: datetime, now: datetime
    ) -> Mending | None:
        """Ask for everything since then once more; None if the platform cannot."""
        ...


@runtime_checkable
class CaredFor(Protocol):
    """Settings of an account whose webhooks can be looked after by API."""

    hook_url: str | None

    def caring(self, account: str) -> Care | None:
        """Make the care of its webhooks; None if the settings lack a key."""
        ...
