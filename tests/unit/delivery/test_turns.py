"""Calls that wait for their turn at a credential."""

import asyncio
from datetime import timedelta

from bridge.delivery.budget import LIVE, REPLAY, Budget, Call
from bridge.delivery.turns import Turns
from bridge.platforms.contract import Throttled
from bridge.platforms.limits import Limit
from tests.support.clock import FakeClock, settle

SECOND = timedelta(seconds=1)


class Line:
    """Calls that come, each with a name, and the order in which they went."""

    def __init__(self, *limits: Limit) -> None:
        self.clock = FakeClock()
        self.budget = Budget(limits)
        self.turns = Turns(self.budget, self.clock)
        self.went: list[str] = []

    def come(self, name: str, call: Call = LIVE) -> asyncio.Task[None]:
        return asyncio.create_task(self._go(name, call))

    async def _go(self, name: str, call: Call) -> None:
        await self.turns.take(call)
        self.went.append(name)


async def test_a_call_within_the_budget_goes_at_once() -> None:
    line = Line(Limit(requests=1, per=SECOND))

    await line.turns.take()

    assert line.turns.waiting == 0
    assert line.budget.available(0.0) == 0


async def test_calls_go_in_the_order_they_came_as_fast_as_the_budget_lets_them() -> (
    None
):
    line = Line(Limit(requests=2, per=SECOND))
    tasks = [line.come(name) for name in "abcde"]
    await settle()

    assert line.went == ["a", "b"]
    assert line.turns.waiting == 3
    await line.clock.advance(SECOND)
    assert line.went == ["a", "b", "c", "d"]
    await line.clock.advance(SECOND)
    assert line.went == ["a", "b", "c", "d", "e"]
    await asyncio.gather(*tasks)
    assert line.turns.waiting == 0


async def test_a_cancelled_call_leaves_the_row_and_uses_nothing() -> None:
    line = Line(Limit(requests=1, per=SECOND))
    first, second, third = (line.come(name) for name in "abc")
    await settle()

    second.cancel()
    await line.clock.advance(SECOND)

    assert line.went == ["a", "c"]
    assert second.cancelled()
    await asyncio.gather(first, third)


async def test_the_last_waiting_call_may_be_cancelled_too() -> None:
    line = Line(Limit(requests=1, per=SECOND))
    await line.turns.take()
    waiting = line.come("a")
    await settle()

    waiting.cancel()
    await line.clock.advance(SECOND)
    await line.turns.take()

    assert line.turns.waiting == 0


async def test_a_call_cancelled_as_its_turn_comes_does_not_go() -> None:
    line = Line(Limit(requests=1, per=SECOND))
    await line.turns.take()
    waiting = line.come("a")
    await settle()

    async def cancel_in_time() -> None:
        while line.turns.waiting:  # noqa: ASYNC110 - in the very turn of the loop
            await asyncio.sleep(0)
        waiting.cancel()

    cancelling = asyncio.create_task(cancel_in_time())
    await line.clock.advance(SECOND)
    await cancelling

    assert waiting.cancelled()
    assert line.went == []


async def test_replays_have_their_share_while_live_traffic_waits() -> None:
    line = Line(Limit(requests=4, per=SECOND))
    tasks = [line.come(f"live {n}") for n in range(40)]
    tasks += [line.come(f"replay {n}", REPLAY) for n in range(40)]
    await settle()

    await line.clock.advance(SECOND * 5)

    assert sum(name.startswith("replay") for name in line.went[4:]) == 5
    await line.clock.advance(SECOND * 20)
    await asyncio.gather(*tasks)


async def test_a_replay_that_has_used_its_share_up_holds_no_live_call_back() -> None:
    line = Line(Limit(requests=4, per=timedelta(days=1)), Limit(requests=1, per=SECOND))
    replays = [line.come(f"replay {n}", REPLAY) for n in range(2)]
    await settle()
    live = [line.come(f"live {n}") for n in range(3)]

    await line.clock.advance(SECOND * 3)

    assert line.went == ["replay 0", "live 0", "live 1", "live 2"]
    await line.clock.advance(timedelta(days=1))
    await asyncio.gather(*live, *replays)


async def test_a_hold_that_comes_while_calls_wait_is_kept() -> None:
    line = Line(Limit(requests=1, per=SECOND))
    tasks = [line.come(name) for name in "ab"]
    await settle()

    line.budget.observe(Throttled(timedelta(minutes=5)), line.clock.monotonic())
    await line.clock.advance(timedelta(minutes=4))
    assert line.went == ["a"]
    await line.clock.advance(timedelta(minutes=1))

    assert line.went == ["a", "b"]
    await asyncio.gather(*tasks)
