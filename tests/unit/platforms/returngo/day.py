"""A day of the simulated ReturnGO and of the bridge's part in it.

Everything runs on a clock that stands still until it is moved. Hints are fetched and
pages polled as the stages do it, each within its share of the day.
"""

from collections.abc import Generator
from datetime import timedelta

import httpx
from pydantic import SecretStr

from bridge.normalize.fold import fold
from bridge.normalize.state import SubjectState, start
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    Privacy,
)
from bridge.platforms.cursor import Cursor
from bridge.platforms.pages import ask, turned
from bridge.platforms.returngo.options import ReturnGoAccount
from bridge.platforms.walk import Found, Page, PageOutcome
from bridge.platforms.windows import begin, due_at
from bridge.sandbox.journal import Journal
from bridge.sandbox.messenger import Unreliable
from bridge.sandbox.returngo import EVENTS, ReturnGoOptions, ReturnGoSimulator
from bridge.sandbox.returngo_shop import ReturnGoHabits
from tests.support.clock import START, FakeClock, settle

SHOP, KEY, HOOK = "one.example", "k1", "http://bridge.test/hook"
HOUR = timedelta(hours=1)
STEP = timedelta(minutes=3)
FETCHES = 750
DAY = timedelta(days=1)


class Day:
    """A shop, the bridge's part of it, and what the bridge has heard."""

    def __init__(self, webhooks: Unreliable, *, notify_only: bool = False) -> None:
        self.clock = FakeClock()
        self.account = ReturnGoAccount.model_validate(
            {
                "shop": SHOP,
                "api_key": SecretStr(KEY),
                "webhook_tokens": (SecretStr("token-of-the-path"),),
                "base_url": "http://returngo.test",
                "notify_only_refunds": notify_only,
            }
        )
        self.source = self.account.source("demo", Privacy(b"key"))
        self.simulator = ReturnGoSimulator(
            ReturnGoOptions(
                {KEY: frozenset({SHOP})},
                webhooks=webhooks,
                habits=ReturnGoHabits(notify_only=notify_only),
            ),
            clock=self.clock,
            journal=Journal(self.clock),
            transport=httpx.MockTransport(self.hear),
        )
        self.shop = self.simulator.shops[SHOP]
        for event in EVENTS:
            self.shop.register(HOOK, event)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.simulator.app)
        )
        self.hints: dict[str, None] = {}
        self.states: dict[str, SubjectState] = {}
        self.events: list[str] = []
        self.cursor = Cursor(platform="returngo")
        self.fetched = self.polled = 0

    def hear(self, request: httpx.Request) -> httpx.Response:
        """Take a webhook; hints of one return that wait together are one."""
        heard = InboundRequest({}, request.content, self.clock.now())
        subject = self.source.locate(heard)
        if subject is not None:
            self.hints[subject] = None
        return httpx.Response(202)

    def observe(self, found: Found) -> None:
        if found.body is None:
            self.hints[found.subject] = None
            return
        subject, at = found.subject, self.clock.now()
        seen = Observation("o", subject, "returngo", "demo", "poll", at, found.body)
        state = self.states.get(subject) or start(subject)
        folded = fold(state, seen, self.source.read(seen))
        self.states[subject] = folded.state
        self.events += [event.type for event in folded.events]

    # ------------------------------------------------------------ the bridge's day

    async def converse(
        self, paging: Generator[httpx.Request, httpx.Response, PageOutcome]
    ) -> tuple[PageOutcome, int]:
        calls = 0
        try:
            request = next(paging)
            while True:
                response = await self.client.send(request)
                calls += 1
                request = paging.send(response)
        except StopIteration as end:
            outcome: PageOutcome = end.value
            return outcome, calls

    async def fetch(self) -> None:
        """Fetch what is hinted at, spread over the day."""
        fetch = self.account.fetching("demo")
        assert fetch is not None
        while self.hints and self.fetched < self.allowed(FETCHES):
            subject = next(iter(self.hints))
            del self.hints[subject]
            outcome, calls = await self.converse(fetch.fetch(subject, self.clock.now()))
            self.fetched += calls
            assert isinstance(outcome, Page)
            for found in outcome.found:
                self.observe(found)

    async def poll(self) -> None:
        """Poll as far as the day allows."""
        poll = self.account.polling("demo")
        assert poll is not None
        now = self.clock.now()
        limit = self.account.poll.calls_per_day or 0
        while self.polled + 10 <= self.allowed(limit):
            if due_at(self.cursor, poll.rhythm, now) > now:
                return
            if self.cursor.live is None:
                self.cursor = begin(self.cursor, poll.rhythm, now)
            walk = self.cursor.live
            assert walk is not None
            wanted = ask(walk, now, self.cursor.memory)
            page, calls = await self.converse(poll.page(wanted))
            self.polled += calls
            assert isinstance(page, Page)
            for found in page.found:
                self.observe(found)
            self.cursor = turned(self.cursor, "live", page, poll.rhythm, now)

    async def pass_on(self) -> None:
        """Let the bridge work for a step of time."""
        await settle()
        await self.fetch()
        await self.poll()
        await self.clock.advance(STEP)

    def allowed(self, per_day: int) -> float:
        """A day's calls are spread over the day, an hour's worth may come at once."""
        return per_day * ((self.clock.now() - START) / DAY + 1 / 24)

    async def close(self) -> None:
        await self.client.aclose()
        await self.simulator.stop()
