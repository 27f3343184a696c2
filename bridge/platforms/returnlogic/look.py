"""Reading one RMA of ReturnLogic, for hints and for commands."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import httpx

from bridge.canonical.envelope import Event
from bridge.canonical.reference import subject_of
from bridge.errors import ConfigError
from bridge.platforms.care import Failure
from bridge.platforms.contract import (
    AccountOptions,
    Context,
    Conversation,
    Delivered,
    Failed,
    Observation,
    Outcome,
)
from bridge.platforms.fetching import FetchTarget, FetchTargetOptions
from bridge.platforms.reading import is_object
from bridge.platforms.returnlogic.api import Api
from bridge.platforms.returnlogic.commands import Command, command_in, to_body
from bridge.platforms.returnlogic.translate import PLATFORM
from bridge.platforms.walk import Fetched, Found, Page, Paging

Reading = Generator[httpx.Request, httpx.Response, bytes | Failure | None]


@dataclass(slots=True)
class ReturnLogicReader:
    """One team's RMAs, read one by one: the account's `Fetch`.

    `path` holds `{id}`: how an RMA is read is a guess of the sheet.
    """

    account: str
    api: Api
    path: str
    platform: str = PLATFORM

    def fetch(self, subject: str, now: datetime) -> Paging:
        """Ask for one RMA; an empty page where there is none, or none is named."""
        body = yield from self.rma(subject, now)
        if body is None:
            return Page(())
        return Page((Found(subject, body),)) if isinstance(body, bytes) else body

    def rma(self, subject: str, now: datetime) -> Reading:
        """Return the RMA's body; None where ReturnLogic has none of it.

        What is no JSON object, as a page of maintenance, is asked for again.
        """
        prefix = subject_of(PLATFORM, self.account, "")
        if not subject.startswith(prefix):
            return None
        rma_id = quote(subject.removeprefix(prefix), safe="")
        path = self.path.replace("{id}", rma_id)
        answer = yield from self.api.call("GET", path, now)
        if not isinstance(answer, httpx.Response):
            return answer
        if not answer.is_success:
            return None
        body = answer.content
        return body if is_object(body) else Failed("unreadable_answer")


class ReturnLogicFetchTarget:
    """Answers hints: commands one by one, everything else as any fetch does.

    A command is never answered by another's read: each makes a request of its own.
    """

    def __init__(self, name: str, reader: ReturnLogicReader) -> None:
        self.name = name
        self._reader = reader
        self._prefix = subject_of(PLATFORM, reader.account, "")
        self._plain = FetchTarget(name, reader)

    def deliver(self, event: Event, context: Context) -> Conversation:
        """Read the RMA; with a command, publish both."""
        command = command_in(event.causation_id)
        if command is None or not event.subject.startswith(self._prefix):
            return (yield from self._plain.deliver(event, context))
        return (yield from self._confirm(command, event, context))

    def _confirm(
        self, command: Command, event: Event, context: Context
    ) -> Conversation:
        body = yield from self._reader.rma(event.subject, context.now)
        if body is None:
            return Failed("no_such_return")
        return self._told(command, event, context, body)

    def _told(
        self, command: Command, event: Event, context: Context, body: bytes | Failure
    ) -> Outcome:
        if not isinstance(body, bytes):
            return body
        observation = Observation(
            id=event.causation_id,
            subject=event.subject,
            platform=PLATFORM,
            account=self._reader.account,
            channel="fetch",
            received_at=context.now,
            body=to_body(command, event.time, body),
        )
        return Delivered("read for a command", publish=(observation,))


class ReturnLogicFetchOptions(FetchTargetOptions):
    """`kind: fetch` for ReturnLogic: also confirms its commands."""

    def target(self, name: str, account: AccountOptions) -> ReturnLogicFetchTarget:  # type: ignore[override] # both are targets
        """Make the target; ConfigError if RMAs of the account cannot be read."""
        fetch = account.fetching(self.account) if isinstance(account, Fetched) else None
        if not isinstance(fetch, ReturnLogicReader):
            raise ConfigError(
                f"targets.{name}: RMAs of accounts.{self.account} cannot be read: set "
                "its api_key, or oauth, there"
            )
        return ReturnLogicFetchTarget(name, fetch)
