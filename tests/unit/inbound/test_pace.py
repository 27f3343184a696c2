"""How fast an account is polled: its limits hold, a backfill takes its share."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from bridge.inbound.pace import Pace
from bridge.platforms.cursor import Lane
from bridge.platforms.walk import PollOptions
from tests.support.simulated_time import LoopClock, simulate


async def spent(pace: Pace, lane: Lane, within: timedelta) -> Counter[int]:
    """Spend as fast as it goes; return the calls by the minute."""
    clock = LoopClock()
    began = clock.monotonic()
    calls: Counter[int] = Counter()
    while True:
        await pace.spend(lane)
        passed = clock.monotonic() - began
        if passed >= within.total_seconds():
            return calls
        calls[int(passed // 60)] += 1


def test_no_minute_has_more_calls_than_its_limit_and_a_burst() -> None:
    async def run() -> None:
        pace = Pace(PollOptions(calls_per_minute=60), LoopClock())

        calls = await spent(pace, "live", timedelta(minutes=10))

        assert max(calls.values()) <= 60 + 15
        assert sum(calls.values()) <= 600 + 15

    simulate(run)


def test_a_days_limit_is_spread_over_the_day() -> None:
    async def run() -> None:
        pace = Pace(PollOptions(calls_per_day=480), LoopClock())

        calls = await spent(pace, "live", timedelta(hours=12))

        total = sum(calls.values())
        assert 240 <= total <= 240 + 20
        assert sum(calls[minute] for minute in range(60)) <= 20 + 20

    simulate(run)


def test_a_backfill_takes_no_more_than_its_share() -> None:
    async def run() -> None:
        pace = Pace(PollOptions(calls_per_minute=60, backfill_share=0.25), LoopClock())

        calls = await spent(pace, "history", timedelta(minutes=20))

        assert 0.24 * 60 * 20 <= sum(calls.values()) <= 0.26 * 60 * 20 + 4

    simulate(run)


def test_a_pace_of_less_than_a_call_a_minute_still_moves() -> None:
    async def run() -> None:
        pace = Pace(PollOptions(calls_per_minute=1, backfill_share=0.1), LoopClock())

        calls = await spent(pace, "history", timedelta(hours=1))

        assert sum(calls.values()) == 6

    simulate(run)


def test_calls_by_the_second_never_come_at_once() -> None:
    async def run() -> None:
        options = PollOptions(calls_per_second=2, calls_per_minute=120)
        pace, clock = Pace(options, LoopClock()), LoopClock()
        moments = []

        for _ in range(10):
            await pace.spend("live")
            moments.append(clock.monotonic())

        gaps = [later - before for before, later in pairwise(moments)]
        assert min(gaps) >= 0.499

    simulate(run)
