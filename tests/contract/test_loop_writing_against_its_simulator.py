"""Loop's target, care, poll and fetch against the simulated Loop, over HTTP.

What Loop answers in its odd ways (refusals with status 200, text for JSON, a page for
people, a command that is queued) has a clear outcome each.
"""

from collections.abc import AsyncIterator, Generator
from datetime import timedelta
from typing import TypeVar

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.draft import Part
from bridge.canonical.envelope import Event
from bridge.canonical.model import Return
from bridge.clock import SystemClock
from bridge.delivery.calls import Caller, Calls
from bridge.delivery.options import DeliveryOptions
from bridge.platforms.care import Registration
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Unauthorized,
)
from bridge.platforms.loop.options import LoopAccount, LoopTargetOptions
from bridge.platforms.loop.rules import Rule
from bridge.platforms.walk import Ask, Page
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.loop_switches import LoopSwitches
from tests.support import loopback
from tests.support.targets import event, snapshot

KEY = "key-of-tests"
HOOK = "https://bridge.example/hooks/demo"
Ended = TypeVar("Ended")
Talk = Generator[httpx.Request, httpx.Response, Ended]


class Bridge:
    """What the engines do with a conversation."""

    def __init__(self, simulator: LoopSimulator) -> None:
        self.simulator = simulator
        self.clock = SystemClock()
        self.account = LoopAccount(
            host=simulator.url,
            api_key=SecretStr(KEY),
            webhook_secrets=(SecretStr("hook"),),
        )
        self._caller = Caller(DeliveryOptions(), timedelta(seconds=10))

    async def hold(self, talk: Talk[Ended]) -> Ended:
        """Send what a conversation asks for until it ends."""
        try:
            request = next(talk)
            while True:
                response = await self._caller.send(request, Calls())
                request = talk.send(response)
        except StopIteration as end:
            ended: Ended = end.value
            return ended

    async def deliver(self, told: Event, *rules: Rule) -> Outcome:
        options = LoopTargetOptions(account="demo")
        if rules:
            options = LoopTargetOptions(account="demo", rules=rules)
        target = options.target("loop", self.account)
        return await self.hold(target.deliver(told, Context(1, self.clock.now())))

    async def tune(self, what: str, **changes: object) -> None:
        url = f"{self.simulator.url}/sandbox/{what}"
        async with loopback.client() as client:
            assert (await client.patch(url, json=changes)).status_code == 200

    async def make(self) -> LoopReturn:
        """Have a shopper make a return."""
        async with loopback.client() as client:
            made = await client.post(f"{self.simulator.url}/sandbox/returns")
        return_ = self.simulator.shop.find(made.json()["id"])
        assert return_ is not None
        return return_

    async def quiet(self) -> None:
        while not self.simulator.idle:
            await self.clock.sleep(timedelta(milliseconds=10))

    async def close(self) -> None:
        await self._caller.close()


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    options = LoopOptions(keys=LoopOptions.full_access(KEY), secret="hook")  # noqa: S106 of the simulator
    simulator = LoopSimulator(options)
    await simulator.start()
    made = Bridge(simulator)
    yield made
    await made.close()
    await simulator.stop()


def found(type_: str, return_: LoopReturn, **part: Part) -> Event:
    return event(type_, "loop", view=about(str(return_.id)), **part)


def about(id_: str) -> Return:
    ids = {"subject": f"loop/demo/{id_}", "native_id": id_}
    return snapshot("loop").model_copy(update=ids)


PROCESS = Rule(on="goods.completed", action="process")


async def test_a_return_is_noted_and_processed_once(bridge: Bridge) -> None:
    return_ = await bridge.make()

    noted = [await bridge.deliver(found("goods.received", return_)) for _ in range(2)]
    taken = await bridge.deliver(found("goods.completed", return_), PROCESS)
    await bridge.quiet()
    again = await bridge.deliver(found("goods.completed", return_), PROCESS)

    assert [type(outcome) for outcome in noted] == [Delivered, AlreadyApplied]
    assert [type(taken), type(again)] == [Delivered, AlreadyApplied]
    assert (return_.state, return_.refunded) == ("closed", True)
    mark = found("goods.received", return_).id
    assert sum(mark in note.content for note in return_.notes) == 1


async def test_what_is_queued_is_not_taken_for_done(bridge: Bridge) -> None:
    await bridge.tune("switches", processing="PT30S")
    return_ = await bridge.make()

    first = await bridge.deliver(found("goods.completed", return_), PROCESS)
    for plain in (False, True):
        await bridge.tune("temper", plain_errors=plain)
        second = await bridge.deliver(found("goods.completed", return_), PROCESS)

        assert second == Failed("refused_or_queued_already")
    assert isinstance(first, Delivered)


async def test_a_refusal_is_told_apart_from_a_success_with_200(bridge: Bridge) -> None:
    return_ = await bridge.make()
    bridge.simulator.shop.cancel(return_.id)

    outcome = await bridge.deliver(found("goods.completed", return_), PROCESS)

    assert outcome == Refused("unexpected_state", "state is cancelled")


@pytest.mark.parametrize("plain", [True, False])
async def test_a_return_that_loop_does_not_have(
    bridge: Bridge,
    plain: bool,  # noqa: FBT001 a parameter
) -> None:
    """As JSON it is refused; text says nothing, so it is tried again."""
    await bridge.tune("temper", plain_errors=plain)

    told = event("goods.completed", "loop", view=about("7"))
    outcome = await bridge.deliver(told, PROCESS)

    assert isinstance(outcome, Failed if plain else Refused)


async def test_a_page_for_people_is_neither_an_answer_nor_an_empty_list(
    bridge: Bridge,
) -> None:
    return_ = await bridge.make()
    await bridge.tune("temper", maintenance=True)
    now = bridge.clock.now()
    poll, fetch = bridge.account.polling("demo"), bridge.account.fetching("demo")
    care = bridge.account.caring("demo")
    assert poll is not None
    assert fetch is not None
    assert care is not None

    outcomes = [
        await bridge.deliver(found("goods.completed", return_), PROCESS),
        await bridge.hold(
            poll.page(Ask("open", now - timedelta(days=1), now, None, now))
        ),
        await bridge.hold(fetch.fetch(f"loop/demo/{return_.id}", now)),
        await bridge.hold(care.survey(now)),
    ]

    assert {type(outcome) for outcome in outcomes} == {Failed}
    assert return_.state == "open"


async def test_text_for_a_token_that_is_revoked_or_a_bad_query_is_understood(
    bridge: Bridge,
) -> None:
    await bridge.tune("temper", plain_errors=True)
    fetch = bridge.account.fetching("demo")
    assert fetch is not None
    now = bridge.clock.now()

    before = await bridge.hold(fetch.fetch("loop/demo/7", now))
    bridge.simulator.keys.revoke()
    after = await bridge.hold(fetch.fetch("loop/demo/7", now))

    assert not isinstance(before, Page)
    assert isinstance(after, Unauthorized)


async def test_care_makes_what_is_missing_and_leaves_foreign_webhooks_alone(
    bridge: Bridge,
) -> None:
    """The default status is `inactive`, and what was made shows no secret."""
    foreign = {
        "topic": "return",
        "trigger": "return.created",
        "url": "https://erp.example/loop",
    }
    async with loopback.client() as client:
        await client.post(f"{bridge.simulator.url}/sandbox/webhooks", json=foreign)
    care = bridge.account.caring("demo")
    assert care is not None
    now = bridge.clock.now()

    for change in care.changes(await listed(bridge), HOOK):
        await bridge.hold(care.mend(change, now))

    present = await listed(bridge)
    assert care.changes(present, HOOK) == ()
    assert [each.url for each in present].count(foreign["url"]) == 1
    ours = [each for each in present if each.url == HOOK]
    assert (len(ours), all(each.active for each in ours)) == (11, True)


async def listed(bridge: Bridge) -> tuple[Registration, ...]:
    care = bridge.account.caring("demo")
    assert care is not None
    present = await bridge.hold(care.survey(bridge.clock.now()))
    assert isinstance(present, tuple)
    return present


async def test_a_label_request_is_answered_by_whatever_id_it_has(
    bridge: Bridge,
) -> None:
    giving_up = Rule(on="label.requested", label_error="INVALID_ADDRESS")
    for uuids in (False, True):
        bridge.simulator.shop.switches = LoopSwitches(
            label_requests=True, label_request_uuids=uuids
        )
        return_ = await bridge.make()
        *_, request = bridge.simulator.shop.label_requests.values()
        told = found(
            "label.requested", return_, correlation_id=f"label_request/{request.id}"
        )

        outcome = await bridge.deliver(told, giving_up)

        assert isinstance(outcome, Delivered)
        assert (request.status, request.reason) == ("failed", "INVALID_ADDRESS")
