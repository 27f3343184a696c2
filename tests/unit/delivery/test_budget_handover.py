"""A credential's limit while its partitions pass from process to process."""

import asyncio
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.delivery.budget import LIVE, Budget
from bridge.delivery.turns import Turns
from bridge.platforms.limits import Limit
from bridge.streams.holding import Holding
from tests.support.clock import FakeClock, settle

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
AT_ONCE = timedelta()
TWO_A_SECOND = Limit(requests=2, per=SECOND)
PARTITIONS = 12


def budget_with(*limits: Limit, mine: int) -> Budget:
    budget = Budget(limits)
    budget.own("target", mine, PARTITIONS)
    return budget


def take_over(budget: Budget, mine: int, now: float, *, of_others: int) -> None:
    budget.inherit(of_others, now, AT_ONCE)
    budget.own("target", mine, PARTITIONS)


def test_what_another_had_is_taken_for_used_a_short_window_long() -> None:
    budget = budget_with(TWO_A_SECOND, mine=0)

    take_over(budget, 12, 100.0, of_others=12)

    assert budget.available(100.0) == 0
    assert budget.wait(100.0) == SECOND
    assert budget.available(101.0) == 2


def test_while_calls_of_the_other_may_still_start_all_of_it_counts() -> None:
    budget = budget_with(TWO_A_SECOND, mine=0)

    budget.inherit(12, 0.0, timedelta(seconds=5))
    budget.own("target", 12, PARTITIONS)

    assert budget.wait(0.0) == timedelta(seconds=6)


def test_a_longer_window_is_taken_for_evenly_used_so_that_calls_go_on() -> None:
    budget = budget_with(Limit(requests=60, per=MINUTE), mine=0)

    take_over(budget, 12, 0.0, of_others=12)

    assert budget.wait(0.0) == SECOND
    assert [budget.available(second) for second in (1.0, 30.0, 60.0)] == [1, 30, 60]


def test_a_bucket_that_was_anothers_is_empty() -> None:
    budget = budget_with(Limit(requests=2, per=SECOND, burst=40), mine=0)

    budget.inherit(12, 0.0, timedelta(seconds=3))
    budget.own("target", 12, PARTITIONS)

    assert budget.wait(0.0) == timedelta(seconds=3.5)


def test_what_lasts_an_hour_is_left_to_the_record() -> None:
    budget = budget_with(Limit(requests=24, per=timedelta(hours=1)), mine=0)

    take_over(budget, 12, 0.0, of_others=12)

    assert budget.available(0.0) == 24


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 60),
    st.lists(st.tuples(st.floats(0.05, 2.5), st.integers(0, 12)), max_size=8),
)
def test_no_window_of_two_processes_holds_too_much_whoever_takes_over(
    seed: int, amount: int, handovers: list[tuple[float, int]]
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a schedule
    now, shares = 0.0, (12, 0)
    two = [budget_with(Limit(requests=amount, per=SECOND), mine=n) for n in shares]
    went: list[float] = []

    for lasts, first in handovers:
        went += greedy(working(two, shares), now, now + lasts, dice)
        now += lasts
        new = (first, 12 - first)
        for budget, mine, before in zip(two, new, shares, strict=True):
            budget.own("target", min(mine, before), PARTITIONS)
        for budget, mine, before in zip(two, new, shares, strict=True):
            if mine > before:
                take_over(budget, mine, now, of_others=mine - before)
        shares = new
    went += greedy(working(two, shares), now, now + 3, dice)

    went.sort()
    ends = [at + 1.0 - 1e-6 for at in went]
    most = max(
        sum(1 for at in went if start <= at < end)
        for start, end in zip(went, ends, strict=True)
    )
    assert most <= amount


def working(budgets: list[Budget], shares: tuple[int, int]) -> list[Budget]:
    """Return those of processes that have something to call about."""
    return [budget for budget, mine in zip(budgets, shares, strict=True) if mine]


def greedy(
    budgets: list[Budget], begin: float, end: float, dice: random.Random
) -> list[float]:
    """Let each process call whenever it may; return when calls went."""
    went, now = [], begin
    while now < end:
        for budget in dice.sample(budgets, len(budgets)):
            while not budget.wait(now):
                budget.take(now)
                went.append(now)
        now += dice.uniform(0.001, 0.2)
    return went


# ------------------------------------------------------------ in line


async def test_who_waits_hears_of_a_greater_share() -> None:
    clock = FakeClock()
    turns = Turns(Budget([TWO_A_SECOND]), clock)
    turns.own("target", Holding(1, PARTITIONS))
    await turns.take()
    waiting = asyncio.create_task(turns.take())
    await settle()

    before = turns.budget.wait(clock.monotonic())
    turns.own("target", Holding(12, PARTITIONS))

    assert before == timedelta(seconds=6)
    await clock.advance(SECOND)
    assert waiting.done()


async def test_the_line_waits_while_what_was_anothers_counts() -> None:
    clock = FakeClock()
    turns = Turns(Budget([TWO_A_SECOND]), clock)

    turns.own("target", Holding(12, 12, inherited=12))

    assert turns.budget.wait(clock.monotonic()) == SECOND


@pytest.mark.parametrize(
    ("held_up", "counts"), [(0.0, 1.0), (0.2, 1.2)], ids=["not at all", "a moment"]
)
async def test_a_call_held_up_a_moment_goes_at_once_and_counts_from_then(
    held_up: float, counts: float
) -> None:
    clock = FakeClock()
    turns = Turns(Budget([TWO_A_SECOND]), clock)
    at = await turns.take()
    await clock.advance(timedelta(seconds=held_up))

    again = await turns.late(LIVE, at)

    assert again == clock.monotonic()
    assert turns.budget.available(counts - 0.01) == 1
    assert turns.budget.available(counts) == 2


async def test_calls_held_up_together_do_not_go_together() -> None:
    clock = FakeClock()
    turns = Turns(Budget([TWO_A_SECOND]), clock)
    ats = []
    for _ in range(6):
        ats.append(await turns.take())
        ats.append(await turns.take())
        await clock.advance(SECOND)

    late = [asyncio.create_task(turns.late(LIVE, at)) for at in ats[:4]]
    await settle()
    at_once = sum(each.done() for each in late)
    await clock.advance(2 * SECOND)

    assert at_once == 2
    assert all(each.done() for each in late)


def test_a_moved_call_that_has_passed_counts_all_the_same() -> None:
    budget = budget_with(TWO_A_SECOND, mine=12)

    budget.move(0.0, 5.0)

    assert budget.available(5.0) == 1


def test_a_moved_call_takes_nothing_from_what_another_used() -> None:
    budget = budget_with(TWO_A_SECOND, mine=6)
    budget.take(0.0)
    budget.inherit(6, 0.01, timedelta(seconds=8))
    budget.own("target", 12, PARTITIONS)

    budget.move(0.0, 0.1)

    assert budget.available(2.0) == 0
    assert budget.available(9.1) == 2


def test_what_lasts_or_is_a_bucket_is_not_moved() -> None:
    bucket = Limit(requests=2, per=SECOND, burst=4)
    budget = budget_with(bucket, Limit(requests=9, per=timedelta(hours=1)), mine=12)
    budget.take(0.0)

    budget.move(0.0, 0.2)

    assert budget.available(3600.0) == 4
