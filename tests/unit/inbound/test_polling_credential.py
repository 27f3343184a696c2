"""Polling and the targets of an account are one credential to the platform."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import httpx
import pytest

from bridge.canonical.envelope import Event
from bridge.delivery.calls import Calls
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.platforms.contract import Context, Conversation, Delivered, Throttled
from bridge.platforms.limits import Limit
from tests.support.simulated_time import simulate
from tests.unit.inbound.polls import ACCOUNT, Rig, listing

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Target:
    """A target of the polled account."""

    name = "back"

    def deliver(self, event: Event, context: Context) -> Conversation:
        del event, context
        yield httpx.Request("POST", "http://redo.test")
        return Delivered()


def target_of(rig: Rig) -> Desk:
    """Give the account a target in the same process as its polling."""

    async def send(request: httpx.Request, _calls: Calls) -> httpx.Response:
        return httpx.Response(200, request=request)

    options, turns = DeliveryOptions(), rig.turns[ACCOUNT]
    return Desk(Target(), options, rig.clock, send, turns)


async def next_turn(rig: Rig) -> timedelta:
    """Return how long a target's call has to wait now."""
    before: datetime = rig.clock.now()
    await rig.turns[ACCOUNT].take()
    return rig.clock.now() - before


THROTTLED: list[tuple[int, Mapping[str, str], int]] = [
    (429, {"Retry-After": "40"}, 40),
    (503, {"Retry-After": "40"}, 40),
    (429, {}, 1),
    (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"}, 40),
    (200, {"RateLimit": "limit=10, remaining=0, reset=40"}, 40),
]


@pytest.mark.parametrize(("status", "headers", "seconds"), THROTTLED)
def test_what_a_poll_hears_of_the_rate_holds_the_targets_back(
    status: int, headers: Mapping[str, str], seconds: int
) -> None:
    async def run() -> None:
        rig = Rig()
        page = listing()
        page.headers.update(headers)
        page.status_code = status
        rig.redo.next_answers.append(page)
        stage = await rig.stage()
        await rig.pass_time(seconds=0.1)

        waited = await next_turn(rig)

        assert waited.total_seconds() == pytest.approx(seconds, abs=0.2)
        await stage.crash()

    simulate(run)


@pytest.mark.parametrize("status", [500, 401])
def test_what_says_nothing_of_the_rate_holds_nobody_back(status: int) -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.next_answers.append(httpx.Response(status))
        stage = await rig.stage()
        await rig.pass_time(seconds=0.1)

        waited = await next_turn(rig)

        assert waited < timedelta(milliseconds=1)
        await stage.crash()

    simulate(run)


def test_throttlings_without_a_time_grow_until_a_page_comes() -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.next_answers.extend([httpx.Response(429)] * 3)
        stage = await rig.stage()
        budget = rig.turns[ACCOUNT].budget
        holds = []
        for _ in range(3):
            await seen(rig, len(rig.redo.calls) + 1)
            holds.append(round(budget.wait(rig.clock.monotonic()).total_seconds()))
        await seen(rig, 6)  # a page for each pass
        rig.redo.next_answers.append(httpx.Response(429))
        await seen(rig, 7)
        holds.append(round(budget.wait(rig.clock.monotonic()).total_seconds()))

        assert holds == [1, 2, 4, 1]
        await stage.crash()

    simulate(run)


async def seen(rig: Rig, calls: int) -> None:
    """Wait until the platform has answered so many calls."""
    while len(rig.redo.calls) < calls:
        await rig.pass_time(milliseconds=10)
    await rig.pass_time(milliseconds=60)


def test_a_target_that_is_throttled_holds_polling_back() -> None:
    async def run() -> None:
        rig = Rig()
        stage = await rig.stage()
        await rig.pass_time(seconds=30)
        before = len(rig.redo.calls)
        at = rig.clock.now()

        target_of(rig).learn(0, Throttled(timedelta(minutes=5)), "redo/shop/a")
        await rig.pass_time(minutes=8)

        after = [call_at - at for call_at, _ in rig.redo.calls[before:]]
        assert after[0] >= timedelta(minutes=5)
        await stage.crash()

    simulate(run)


def test_a_restart_does_not_use_the_calls_of_a_day_again() -> None:
    async def run() -> None:
        rig = Rig(every=timedelta(seconds=10))
        rig.limits = (Limit(requests=200, per=DAY),)

        for _ in range(6):  # each is killed, with what it has not committed
            stage = await rig.stage()
            await rig.pass_time(minutes=7)
            await stage.crash()

        most_for_reserves = 6
        assert len(rig.redo.calls) <= 200
        assert len(rig.redo.calls) >= 200 - most_for_reserves
        await rig.pass_time(hours=25)
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        assert len(rig.redo.calls) > 200
        await stage.crash()

    simulate(run)


def test_a_call_of_a_lasting_limit_goes_only_when_it_is_on_record() -> None:
    async def run() -> None:
        rig = Rig()
        rig.limits = (Limit(requests=200, per=DAY),)
        stage = await rig.stage()
        stage.owner.paused.clear()  # Kafka takes nothing
        await rig.pass_time(minutes=5)
        waiting = len(rig.redo.calls)

        stage.owner.paused.set()
        await rig.pass_time(minutes=1)

        assert waiting == 0
        assert len(rig.redo.calls) > 0
        await stage.crash()

    simulate(run)


def test_calls_of_targets_are_on_record_a_second_later() -> None:
    async def run() -> None:
        rig = Rig(every=timedelta(hours=1))
        rig.limits = (Limit(requests=2_000, per=DAY),)
        first = await rig.stage()
        await rig.pass_time(minutes=2)
        polled = len(rig.redo.calls)
        for _ in range(300):
            await rig.turns[ACCOUNT].take()
        await rig.pass_time(seconds=2)
        await first.crash()

        second = await rig.stage()

        left = rig.turns[ACCOUNT].budget.available(rig.clock.monotonic())
        assert left == 2_000 - 300 - polled - 10
        await second.crash()

    simulate(run)


def test_who_lets_go_in_order_leaves_a_record_of_the_last_call() -> None:
    async def run() -> None:
        rig = Rig(every=timedelta(hours=1))
        rig.limits = (Limit(requests=2_000, per=DAY),)
        first = await rig.stage()
        await rig.pass_time(minutes=2)
        for _ in range(3):  # too few for a record of their own
            await rig.turns[ACCOUNT].take()
        before = _used(rig)
        await first.work.drain(MINUTE)
        rig.log.append(first.work.collect())
        await first.crash()

        second = await rig.stage()

        assert _used(rig) == before + 10
        await second.crash()

    simulate(run)


def _used(rig: Rig) -> float:
    budget, now = rig.turns[ACCOUNT].budget, rig.clock.monotonic()
    return 2_000 - budget.available(now)


def test_the_owner_of_short_limits_writes_no_more_than_without_any() -> None:
    commits: list[int] = []

    async def run(*limits: Limit) -> None:
        rig = Rig(every=timedelta(seconds=10))
        rig.limits = limits
        stage = await rig.stage()
        await rig.pass_time(minutes=5)
        await stage.crash()
        commits.append(stage.owner.commits)
        assert rig.log.cursor().spent == ()

    simulate(run)
    simulate(partial(run, Limit(requests=100, per=timedelta(seconds=1))))

    assert commits[0] == commits[1]
