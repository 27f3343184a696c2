"""The real ReturnLogic source, fetch target and poll against the simulated one.

All on a clock that stands still until it is moved. Webhooks come shuffled, doubled
and a day late, some never; bearers end; the simulator counts the calls.
"""

import asyncio
from collections.abc import AsyncIterator, Generator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.envelope import Event
from bridge.canonical.goods import (
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
    Outcome,
)
from bridge.canonical.states import TERMINAL
from bridge.errors import UnreadableError
from bridge.normalize.fold import fold
from bridge.normalize.state import SubjectState, start
from bridge.platforms.contract import (
    Context,
    Delivered,
    GoodsReport,
    InboundRequest,
    Observation,
    Privacy,
    Skipped,
    Throttled,
    Version,
)
from bridge.platforms.returnlogic.look import ReturnLogicFetchOptions
from bridge.platforms.returnlogic.oauth import Pair
from bridge.platforms.returnlogic.options import (
    OAuthOptions,
    ReturnLogicAccount,
    ReturnLogicTargetOptions,
)
from bridge.platforms.returnlogic.seal import make_key
from bridge.platforms.walk import Ask, Page
from bridge.sandbox.journal import Journal
from bridge.sandbox.messenger import Unreliable
from bridge.sandbox.quota import MINUTE, SECOND, busiest
from bridge.sandbox.returnlogic import (
    ReturnLogicOptions,
    ReturnLogicSimulator,
    TeamShoppers,
)
from bridge.sandbox.returnlogic_team import COMMANDS, FACTS, TeamRma, to_json
from tests.support.clock import FakeClock, settle

HOOK = "http://bridge.test/hooks/demo/token-of-the-path"
HALF_SECOND = timedelta(milliseconds=500)
T = TypeVar("T")


class World:
    """ReturnLogic, the bridge's part of it without Kafka, and what came of it."""

    def __init__(self, folder: Path, webhooks: Unreliable) -> None:
        self.clock = FakeClock()
        self.simulator = ReturnLogicSimulator(
            ReturnLogicOptions(lifetime=timedelta(minutes=5), webhooks=webhooks),
            clock=self.clock,
            journal=Journal(self.clock),
            transport=httpx.MockTransport(self.hear),
        )
        for action in (*FACTS, *COMMANDS):
            self.simulator.team.register(action, HOOK)
        self.account = ReturnLogicAccount.model_validate(
            {
                "base_url": "http://returnlogic.test/v1",
                "webhook_tokens": (SecretStr("token-of-the-path"),),
                "oauth": OAuthOptions(
                    client_id="demo-client",
                    client_secret=SecretStr("demo-secret"),
                    token_file=folder / "tokens",
                    token_keys=(SecretStr(make_key()),),
                ),
                "poll": {"query": "/rmas?since={since}&page={page}"},
            }
        )
        self.source = self.account.source("demo", Privacy(b"key"))
        options = ReturnLogicFetchOptions(account="demo")
        self.target = options.target("fetch", self.account)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.simulator.api.app)
        )
        self.hints: dict[tuple[str, str], Event] = {}
        self.states: dict[str, SubjectState] = {}
        self.events: list[Event] = []
        self.unconfirmed = 0

    def hear(self, request: httpx.Request) -> httpx.Response:
        """Take a webhook in as the door does: all of them are hints."""
        asked = InboundRequest({}, request.content, self.clock.now())
        subject = self.source.locate(asked)
        assert subject is not None
        assert not self.source.credible(asked)
        delivery = self.source.delivery_id(asked) or "a-fact"
        self.hints[subject, delivery] = Event(
            id="h",
            type="hint.noted",
            subject=subject,
            sequence=0,
            chain="",
            time=self.clock.now(),
            source="hint",
            causation_id=delivery,
            body=b"{}",
        )
        return httpx.Response(202)

    async def install(self) -> None:
        """Trade the code of the installation for the first pair."""
        client, tokens = self.account.client(), self.account.tokens()
        assert client is not None
        assert tokens is not None
        pair = await self.converse(client.exchange("demo-code-1", self.clock.now()))
        assert isinstance(pair, Pair)
        tokens.keep(pair)

    async def converse(
        self, conversation: Generator[httpx.Request, httpx.Response, T]
    ) -> T:
        """Hold a conversation, a call each half second."""
        try:
            request = next(conversation)
            while True:
                await self.clock.advance(HALF_SECOND)
                request = conversation.send(await self.client.send(request))
        except StopIteration as end:
            outcome: T = end.value
            return outcome

    async def work(self, *, until: timedelta) -> None:
        """Answer hints as they come, for so long."""
        end = self.clock.now() + until
        while self.clock.now() < end:
            await settle()
            if not self.hints:
                await self.clock.advance(SECOND)
                continue
            key = next(iter(self.hints))
            context = Context(1, self.clock.now(), seen_at=self.clock.now())
            outcome = await self.converse(
                self.target.deliver(self.hints.pop(key), context)
            )
            assert not isinstance(outcome, Throttled)
            if isinstance(outcome, Delivered):
                for observation in outcome.publish:
                    self.observe(observation)

    async def poll(self) -> None:
        poll = self.account.polling("demo")
        assert poll is not None
        now = self.clock.now()
        token = None
        while True:
            ask = Ask("listed", now - timedelta(days=3), now, token, now)
            page = await self.converse(poll.page(ask))
            assert isinstance(page, Page)
            for found in page.found:
                self.observe(self.observed(found.subject, found.body or b""))
            if page.token is None:
                return
            token = page.token

    def context(self) -> Context:
        return Context(1, self.clock.now(), seen_at=self.clock.now())

    def restocks(self, rma: TeamRma) -> None:
        """Have a warehouse count everything of an RMA and put it back."""
        subject, now = f"returnlogic/demo/{rma.id}", self.clock.now()
        outcome = Outcome(
            key="o", quantity=rma.quantity, disposition=DispositionCode.RESTOCK
        )
        line = GoodsLine(
            line_key="1",
            sku=rma.sku,
            expected=rma.quantity,
            received=rma.quantity,
            outcomes=(outcome,),
        )
        document = GoodsDocument(
            system="generic",
            account="wms",
            return_id="w1",
            status=GoodsStatus.COMPLETED,
            occurred_at=now,
            lines=(line,),
        )
        news = Observation("w", subject, "warehouse", "wms", "webhook", now, b"")
        report = GoodsReport(document, Version("1", "", ""))
        folded = fold(self.states[subject], news, report)
        self.states[subject] = folded.state
        self.events += folded.events

    def observed(self, subject: str, body: bytes) -> Observation:
        now = self.clock.now()
        return Observation("o", subject, "returnlogic", "demo", "poll", now, body)

    def observe(self, observation: Observation) -> None:
        state = self.states.get(observation.subject) or start(observation.subject)
        try:
            folded = fold(state, observation, self.source.read(observation))
        except UnreadableError:
            self.unconfirmed += 1
            return
        self.states[observation.subject] = folded.state
        self.events += folded.events

    def count(self, type_: str) -> int:
        return sum(event.type == type_ for event in self.events)

    def behind(self) -> list[int]:
        """Return the RMAs of which the bridge does not know how they stand."""
        wrong = []
        for rma in self.simulator.team.rmas.values():
            state = self.states.get(f"returnlogic/demo/{rma.id}")
            view = state and state.return_
            status = to_json(rma)["workflowStatus"]
            if not view or view.state_raw != status or view.state not in TERMINAL:
                wrong.append(rma.id)
        return wrong

    def most_calls(self, window: timedelta) -> int:
        """Return the most calls of any window, over all tokens together."""
        times = [time for each in self.simulator.quota.times.values() for time in each]
        return busiest(times, window)

    async def close(self) -> None:
        await self.client.aclose()
        await self.simulator.stop()


@pytest.fixture
async def worlds() -> AsyncIterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        await world.close()


async def lived(world: World, returns: int) -> None:
    """Let so many RMAs go their way, each at a pace of minutes."""
    await world.install()
    people = TeamShoppers(world.simulator.team, world.clock, step=timedelta(minutes=7))
    async with asyncio.TaskGroup() as lives:
        for number in range(returns):
            lives.create_task(people.live(0.05 + number / returns))
        await world.work(until=timedelta(hours=2))


async def test_shuffled_and_doubled_webhooks_end_where_the_platform_stands(
    worlds: list[World], tmp_path: Path
) -> None:
    travel = Unreliable(twice=0.4, delayed=0.6, late=timedelta(minutes=20))
    worlds.append(World(tmp_path, travel))
    world = worlds[0]

    await lived(world, 20)

    assert world.behind() == []
    assert world.count("return.reopened") == 0
    assert world.simulator.grants.refreshes > 3
    assert world.most_calls(SECOND) <= 2
    assert world.most_calls(MINUTE) <= 120
    assert sum(world.simulator.quota.refused.values()) == 0


async def test_a_command_asks_once_however_often_it_comes(
    worlds: list[World], tmp_path: Path
) -> None:
    worlds.append(World(tmp_path, Unreliable()))
    world = worlds[0]
    await world.install()
    team = world.simulator.team
    rma = team.create()
    team.happen(rma, "received")
    for _ in range(2):
        correlation_id = team.command(rma, "ProcessRefund")
        for _ in range(3):
            await world.work(until=timedelta(seconds=5))
            team.repeat(rma, "ProcessRefund", correlation_id)
    await world.work(until=timedelta(seconds=5))

    assert world.count("refund.requested") == 2
    assert world.unconfirmed == 0


async def test_a_restock_whose_goods_come_later_is_acknowledged_when_they_do(
    worlds: list[World], tmp_path: Path
) -> None:
    worlds.append(World(tmp_path, Unreliable()))
    world = worlds[0]
    await world.install()
    team = world.simulator.team
    rma = team.create()
    team.happen(rma, "received")
    correlation_id = team.command(rma, "ProcessRestock")
    await world.work(until=timedelta(seconds=10))
    acks = ReturnLogicTargetOptions(account="demo").target("acks", world.account)
    told = list(world.events)

    world.restocks(rma)
    early = [await world.converse(acks.deliver(each, world.context())) for each in told]
    late = [
        await world.converse(acks.deliver(each, world.context()))
        for each in world.events[len(told) :]
    ]

    assert {type(outcome) for outcome in early} == {Skipped}
    assert any(isinstance(outcome, Delivered) for outcome in late)
    assert world.simulator.api.acknowledged == {(correlation_id, "success"): 1}
    assert correlation_id in team.answered


async def test_a_forged_command_about_a_decided_return_asks_nothing(
    worlds: list[World], tmp_path: Path
) -> None:
    worlds.append(World(tmp_path, Unreliable()))
    world = worlds[0]
    await world.install()
    team = world.simulator.team
    rma = team.create()
    team.happen(rma, "canceled")

    team.command(rma, "ProcessRefund")
    await world.work(until=timedelta(seconds=10))

    assert world.count("refund.requested") == 0
    assert world.unconfirmed == 1


async def test_a_poll_finds_what_webhooks_lost(
    worlds: list[World], tmp_path: Path
) -> None:
    worlds.append(World(tmp_path, Unreliable(lost=0.5)))
    world = worlds[0]
    await lived(world, 20)
    missed = world.behind()

    await world.poll()

    assert missed
    assert world.behind() == []
    assert world.most_calls(SECOND) <= 2
