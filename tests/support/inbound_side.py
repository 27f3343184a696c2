"""The bridge's inbound side without Kafka: what comes is folded at once."""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from starlette.requests import Request
from starlette.responses import Response

from bridge.canonical.states import TERMINAL
from bridge.clock import Clock
from bridge.errors import AuthenticityError, UnreadableError
from bridge.normalize.fold import fold
from bridge.normalize.state import SubjectState, decode, start
from bridge.platforms.contract import (
    AccountOptions,
    Channel,
    InboundRequest,
    Observation,
    Privacy,
    Source,
)
from bridge.platforms.walk import Ask, Page, Polled

DAY = timedelta(days=1)


@dataclass
class InboundSide:
    """One account's webhooks and polls.

    `refused` counts what was not authentic, `unlocated` what names no return,
    `unreadable` holds the reasons of what could not be read, and `revived` counts
    returns that left their end.
    """

    account: AccountOptions
    clock: Clock
    states: dict[str, SubjectState] = field(default_factory=dict)
    refused: int = 0
    unlocated: int = 0
    unreadable: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    revived: int = 0

    @property
    def source(self) -> Source:
        return self.account.source("main", Privacy(b"key"))

    async def take(self, request: Request) -> Response:
        """Take a webhook in as the door does."""
        body = await request.body()
        headers = {name.lower(): text for name, text in request.headers.items()}
        asked = InboundRequest(headers, body, self.clock.now())
        try:
            self.source.authenticate(asked)
        except AuthenticityError:
            self.refused += 1
            return Response(status_code=401)
        subject = self.source.locate(asked)
        if subject is None:
            self.unlocated += 1
        else:
            self.observe(subject, body, "webhook")
        return Response(status_code=202)

    def observe(self, subject: str, body: bytes, channel: Channel) -> None:
        source, now = self.source, self.clock.now()
        observation = Observation(
            "o", subject, source.platform, "main", channel, now, body
        )
        state = self.states.get(subject) or start(subject)
        try:
            folded = fold(state, observation, source.read(observation))
        except UnreadableError as broken:
            self.unreadable.append(broken.reason)
            return
        if folded.snapshot is not None:
            self.states[subject] = decode(folded.snapshot)
        self._note_end(subject)

    def _note_end(self, subject: str) -> None:
        view = self.states[subject].return_
        assert view is not None
        if subject in self.ended and view.state not in TERMINAL:
            self.revived += 1
        if view.state in TERMINAL:
            self.ended.add(subject)

    async def poll(self, client: httpx.AsyncClient, *passes: str) -> None:
        """Walk once through the passes, by default through all, over the last days."""
        assert isinstance(self.account, Polled)
        poll = self.account.polling("main")
        assert poll is not None
        until = self.clock.now() + timedelta(minutes=1)
        for name in passes or [each.name for each in poll.rhythm.passes]:
            token: str | None = None
            while True:
                ask = Ask(name, until - 9 * DAY, until, token, until)
                page = await converse(client, poll.page(ask))
                assert isinstance(page, Page)
                for found in page.found:
                    assert found.body is not None
                    self.observe(found.subject, found.body, "poll")
                token = page.token
                if token is None:
                    break


async def converse(
    client: httpx.AsyncClient, talk: Generator[httpx.Request, httpx.Response, object]
) -> object:
    """Have a conversation over HTTP; return what it comes to."""
    try:
        request = next(talk)
        while True:
            request = talk.send(await client.send(request))
    except StopIteration as end:
        return end.value
