"""The fetch target: a hint is answered by reading the return it points at.

To the delivery engine it is a target like any other, so it has its order, patience,
budget and dead letters; it reads `returns.hints` instead of events, and what it reads
is published to `returns.raw` in the transaction of its receipt.

Hints of one subject that wait together are answered by one call: a call that began
after a hint was seen tells all that the hint could. Both times are this process's own.
"""

import hashlib
from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from cachetools import LRUCache

from bridge.canonical.envelope import Event
from bridge.canonical.reference import subject_of
from bridge.errors import ConfigError
from bridge.platforms.contract import (
    AccountOptions,
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Failed,
    Observation,
    Outcome,
    Skipped,
    TargetOptions,
)
from bridge.platforms.walk import Expired, Fetch, Fetched, Found, Page

#: How long a return may be hinted at before its platform's API knows it.
APPEARS_WITHIN = timedelta(minutes=10)
#: Subjects remembered with the time of their last call.
REMEMBERED = 20_000


class FetchTarget:
    """One account's returns, read when somebody hints at them."""

    def __init__(self, name: str, fetch: Fetch) -> None:
        self.name = name
        self._fetch = fetch
        self._prefix = subject_of(fetch.platform, fetch.account, "")
        self._called: MutableMapping[str, datetime] = LRUCache(REMEMBERED)
        self._latest: datetime | None = None

    def deliver(self, event: Event, context: Context) -> Conversation:
        """Read the return, unless a call since has told what the hint could tell."""
        if not event.subject.startswith(self._prefix):
            return Skipped("other_account")
        self._notice(context.now)
        if self._has_been_read(event.subject, context.seen_at):
            return AlreadyApplied("read since the hint was seen")
        outcome = yield from self._fetch.fetch(event.subject, context.now)
        if not isinstance(outcome, Page):
            return Failed(outcome.reason) if isinstance(outcome, Expired) else outcome
        return self._brought(outcome, event, context)

    def _brought(self, page: Page, event: Event, context: Context) -> Outcome:
        if not page.found:
            return _missing(event, context)
        self._called[event.subject] = context.now
        observations = (self._observed(each, context) for each in page.found)
        return Delivered("read", publish=tuple(observations))

    def _notice(self, now: datetime) -> None:
        """Believe no call that lies in the future: our clock was set back."""
        if self._latest is not None and now < self._latest:
            self._called.clear()
        self._latest = now

    def _has_been_read(self, subject: str, seen_at: datetime | None) -> bool:
        called = self._called.get(subject)
        return called is not None and seen_at is not None and seen_at <= called

    def _observed(self, found: Found, context: Context) -> Observation:
        body = found.body or b""
        digest = hashlib.sha256(f"{self._fetch.account}\n{found.subject}\n".encode())
        digest.update(body)
        return Observation(
            id=digest.hexdigest()[:32],
            subject=found.subject,
            platform=self._fetch.platform,
            account=self._fetch.account,
            channel="fetch",
            received_at=context.now,
            body=body,
        )


def _missing(event: Event, context: Context) -> Outcome:
    """A return that its platform does not know: young ones may still appear."""
    if context.now - event.time < APPEARS_WITHIN:
        return Failed("no_such_return")
    return Skipped("no_such_return")


class FetchTargetOptions(TargetOptions):
    """`kind: fetch`: reads the returns of an account that is only hinted at."""

    reads: ClassVar[Literal["events", "hints"]] = "hints"

    kind: Literal["fetch"] = "fetch"

    def target(self, name: str, account: AccountOptions) -> FetchTarget:
        """Make the target; ConfigError if returns of the account cannot be read."""
        fetch = account.fetching(self.account) if isinstance(account, Fetched) else None
        if fetch is None:
            raise ConfigError(
                f"targets.{name}: returns of accounts.{self.account} cannot be read: "
                "set the key for its API there"
            )
        return FetchTarget(name, fetch)
