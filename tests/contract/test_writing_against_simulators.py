"""The targets of ReturnGO and ReturnLogic against the simulated platforms, over HTTP.

Answers are lost after their effect, calls are throttled and fail: whatever comes
between, each thing is written once.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.envelope import Event
from bridge.canonical.model import Return, Shipment, ShipmentState
from bridge.delivery.calls import Caller, Calls
from bridge.delivery.conversation import converse
from bridge.delivery.options import DeliveryOptions
from bridge.platforms.contract import (
    NOT_APPLIED,
    AlreadyApplied,
    Context,
    Delivered,
    Outcome,
    Skipped,
    Target,
    Throttled,
)
from bridge.platforms.returngo.options import ReturnGoAccount, ReturnGoTargetOptions
from bridge.platforms.returngo.target import ReturnGoTarget
from bridge.platforms.returnlogic.look import ReturnLogicFetchOptions
from bridge.platforms.returnlogic.oauth import Pair
from bridge.platforms.returnlogic.options import (
    OAuthOptions,
    ReturnLogicAccount,
    ReturnLogicTargetOptions,
)
from bridge.platforms.returnlogic.rules import Rule
from bridge.platforms.returnlogic.seal import make_key
from bridge.sandbox.calls import Call
from bridge.sandbox.checker import check_calls
from bridge.sandbox.returngo import ReturnGoOptions, ReturnGoSimulator
from bridge.sandbox.returngo_bodies import Rma
from bridge.sandbox.returnlogic import ReturnLogicOptions, ReturnLogicSimulator
from bridge.sandbox.returnlogic_team import TeamHabits
from bridge.sandbox.simulators import Manners
from tests.support.leaping import LeapingClock
from tests.support.targets import event, snapshot

SHOP, KEY, TOKEN = "one.example", "key-of-tests", SecretStr("token-of-the-path")
SECOND = timedelta(seconds=1)
HABITS = Manners(faults="many", seed=4, hold=timedelta(milliseconds=100))
MOST_ATTEMPTS = 20


class Bridge:
    """What the delivery engine does with a conversation, one call each second."""

    def __init__(self, clock: LeapingClock) -> None:
        self.clock = clock
        options = DeliveryOptions(
            connect_timeout=timedelta(seconds=5), read_timeout=timedelta(seconds=5)
        )
        self._caller = Caller(options, timedelta(seconds=10))

    async def call(self, request: httpx.Request) -> httpx.Response:
        self.clock.leap(SECOND)
        return await self._caller.send(request, Calls())

    async def attempt(self, target: Target, sample: Event, number: int = 1) -> Outcome:
        context = Context(number, self.clock.now(), answer_lost=number > 1)
        return await converse(target.deliver(sample, context), self.call)

    async def deliver(self, target: Target, sample: Event) -> Outcome:
        """Try until it is done, as often as it takes."""
        for number in range(1, MOST_ATTEMPTS):
            outcome = await self.attempt(target, sample, number)
            if isinstance(outcome, Delivered | AlreadyApplied | Skipped):
                return outcome
        raise AssertionError("never delivered")

    async def close(self) -> None:
        await self._caller.close()


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    made = Bridge(LeapingClock(hasty=True))
    yield made
    await made.close()


@pytest.fixture
async def returngo(bridge: Bridge) -> AsyncIterator[ReturnGoSimulator]:
    options = ReturnGoOptions({KEY: frozenset({SHOP})}, manners=HABITS)
    made = ReturnGoSimulator(options, clock=bridge.clock)
    await made.start()
    yield made
    await made.stop()


def about(platform: str, id_: str) -> Return:
    ids = {"subject": f"{platform}/demo/{id_}", "native_id": id_}
    return snapshot(platform).model_copy(update=ids)


def found(type_: str, rma: Rma) -> Event:
    """Return what a warehouse found of the parcel of an RMA."""
    (parcel,) = rma.parcels
    shipment = Shipment(key=parcel.id, group=parcel.id, state=ShipmentState.IN_TRANSIT)
    view = about("returngo", rma.id).model_copy(update={"shipments": (shipment,)})
    return event(type_, "returngo", view=view)


def writes(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.method != "GET"]


def target_of(simulator: ReturnGoSimulator) -> ReturnGoTarget:
    account = ReturnGoAccount(
        shop=SHOP,
        api_key=SecretStr(KEY),
        webhook_tokens=(TOKEN,),
        base_url=simulator.url,
    )
    return ReturnGoTargetOptions(account="demo").target("returngo", account)


async def test_returngo_hears_everything_once_whatever_comes_between(
    bridge: Bridge, returngo: ReturnGoSimulator
) -> None:
    shop = returngo.shops[SHOP]
    target = target_of(returngo)
    rmas = [shop.create() for _ in range(12)]

    for rma in rmas:
        shop.set_status(rma, "Approved")
        for type_ in ("goods.received", "goods.completed"):
            await bridge.deliver(target, found(type_, rma))

    marks = [found("goods.received", rma).id for rma in rmas]
    told = [
        sum(mark in remark.html for remark in rma.remarks)
        for rma, mark in zip(rmas, marks, strict=True)
    ]
    report = check_calls(writes(returngo.front.log.calls))
    assert told == [1] * len(rmas)
    assert {parcel.status for rma in rmas for parcel in rma.parcels} == {"Validated"}
    assert returngo.front.faults.injected["answer lost"] > 3
    assert report.ok
    assert report.excused == ()


async def test_a_probe_tells_what_returngo_knows(
    bridge: Bridge, returngo: ReturnGoSimulator
) -> None:
    target = target_of(returngo)
    sample = found("goods.received", returngo.shops[SHOP].create())

    async def probed() -> Outcome:
        for number in range(MOST_ATTEMPTS):
            context = Context(number + 1, bridge.clock.now())
            outcome = await converse(target.probe(sample, context), bridge.call)
            if outcome == NOT_APPLIED or isinstance(outcome, AlreadyApplied):
                return outcome
        raise AssertionError("never told")

    before = await probed()
    asked = writes(returngo.front.log.calls)
    await bridge.deliver(target, sample)

    assert before == NOT_APPLIED
    assert asked == []
    assert isinstance(await probed(), AlreadyApplied)


# ------------------------------------------------------------------- ReturnLogic

ACKNOWLEDGING = Rule(on="refund.requested", acknowledge="success")


@pytest.fixture
async def returnlogic(bridge: Bridge) -> AsyncIterator[ReturnLogicSimulator]:
    options = ReturnLogicOptions(
        api_key=KEY,
        manners=HABITS,
        lifetime=timedelta(minutes=10),
        habits=TeamHabits(acknowledged_at=("PUT", "/done/{id}/{kind}/{result}")),
    )
    made = ReturnLogicSimulator(options, clock=bridge.clock)
    made.api.temper.strict = True
    await made.start()
    yield made
    await made.stop()


def elsewhere(*rules: Rule) -> ReturnLogicTargetOptions:
    """Return the settings for a team whose paths are not those of the guess."""
    return ReturnLogicTargetOptions(
        account="demo",
        rules=rules,
        acknowledge_method="PUT",
        acknowledge_paths={"ProcessRefund.success": "/done/{id}/refund/success"},
    )


def asked(simulator: ReturnLogicSimulator) -> Event:
    """Have ReturnLogic ask for a refund; return the event that it becomes."""
    rma = simulator.team.create()
    correlation_id = simulator.team.command(rma, "ProcessRefund")
    return event(
        "refund.requested",
        "returnlogic",
        view=about("returnlogic", str(rma.id)),
        correlation_id=correlation_id,
    )


async def test_returnlogic_hears_of_every_command_whatever_comes_between(
    bridge: Bridge, returnlogic: ReturnLogicSimulator
) -> None:
    account = ReturnLogicAccount(
        api_key=SecretStr(KEY), webhook_tokens=(TOKEN,), base_url=returnlogic.url
    )
    target = elsewhere(ACKNOWLEDGING).target("acks", account)
    samples = [asked(returnlogic) for _ in range(40)]

    outcomes = [await bridge.deliver(target, sample) for sample in samples]

    report = check_calls(returnlogic.front.log.calls)
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert returnlogic.team.answered == returnlogic.team.asked.keys()
    assert report.effects == len(samples)
    assert report.ok
    assert returnlogic.front.faults.injected["answer lost"] > 2


async def installed(
    bridge: Bridge, simulator: ReturnLogicSimulator, folder: Path
) -> ReturnLogicAccount:
    """Return an account whose app was installed just now."""
    oauth = OAuthOptions(
        client_id="demo-client",
        client_secret=SecretStr("demo-secret"),
        token_file=folder / "tokens",
        token_keys=(SecretStr(make_key()),),
    )
    account = ReturnLogicAccount(
        oauth=oauth, webhook_tokens=(TOKEN,), base_url=simulator.url
    )
    client, tokens = account.client(), account.tokens()
    assert client is not None
    assert tokens is not None
    granting = client.exchange("demo-code-1", bridge.clock.now())
    with pytest.raises(StopIteration) as granted:
        granting.send(await bridge.call(next(granting)))
    pair = granted.value.value
    assert isinstance(pair, Pair)
    tokens.keep(pair)
    return account


async def test_targets_that_meet_an_ended_token_refresh_it_once(
    bridge: Bridge, tmp_path: Path
) -> None:
    simulator = ReturnLogicSimulator(
        ReturnLogicOptions(lifetime=timedelta(minutes=10)), clock=bridge.clock
    )
    await simulator.start()
    account = await installed(bridge, simulator, tmp_path)
    options = ReturnLogicTargetOptions(account="demo", rules=(ACKNOWLEDGING,))
    acks = options.target("acks", account)
    fetch = ReturnLogicFetchOptions(account="demo").target("fetch", account)
    samples = [asked(simulator) for _ in range(4)]
    bridge.clock.leap(timedelta(minutes=10))

    outcomes = await asyncio.gather(
        *(bridge.attempt(acks, sample) for sample in samples),
        *(bridge.attempt(fetch, sample) for sample in samples),
    )
    later = [await bridge.attempt(acks, sample) for sample in samples]
    await simulator.stop()

    assert simulator.grants.refreshes == 1
    assert Delivered in map(type, outcomes)
    assert {type(outcome) for outcome in outcomes} <= {Delivered, Throttled}
    assert {type(outcome) for outcome in later} == {Delivered}
