"""What is used of lasting limits, on record for the next owner."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.budget import LIVE, REPLAY, Budget
from bridge.platforms.cursor import Cursor, Spent
from bridge.platforms.limits import Limit
from tests.support.clock import START

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
A_DAY = Limit(requests=2_000, per=DAY)
RESERVE = 10  # of 2,000
ELSEWHERE = 5_000.0  # what another process's monotonic clock shows


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def record(budget: Budget, now: float = 0.0) -> tuple[Spent, ...]:
    """Put on record what is used, as a cursor does: in bytes."""
    spent = budget.books.write(now, START + at(now))
    budget.books.wrote()
    cursor = Cursor(platform="returngo", spent=spent)
    return Cursor.model_validate_json(cursor.model_dump_json()).spent


def successor(spent: tuple[Spent, ...], *, after: float = 0.0) -> Budget:
    """Give the budget of a process that begins so many seconds after `START`."""
    budget = Budget((A_DAY,))
    budget.books.restore(spent, ELSEWHERE + after, START + at(after))
    return budget


def test_a_successor_knows_what_was_used_and_counts_the_reserve_as_used() -> None:
    first = Budget((A_DAY,))
    first.take(0.0, calls=1_500)

    second = successor(record(first))

    assert second.available(ELSEWHERE) == 500 - RESERVE


def test_what_was_used_counts_until_its_day_has_passed() -> None:
    first = Budget((A_DAY,))
    first.take(0.0, calls=1_500)
    first.take(3_600.0, calls=400)
    second = successor(record(first, 3_600.0), after=7_200.0)
    now = ELSEWHERE + 7_200.0

    assert second.available(now) == 100 - RESERVE
    assert second.available(now + 22 * 3_600 + 1) == 1_600 - RESERVE
    assert second.available(now + 23 * 3_600 + 1) == 2_000


def test_calls_are_covered_up_to_the_reserve_and_a_record_is_due_at_half_of_it() -> (
    None
):
    budget = Budget((A_DAY,))
    seen = []

    record(budget)
    for call in range(1, RESERVE + 2):
        budget.take(float(call))
        seen.append((call, budget.books.covered, budget.books.due))

    assert [call for call, covered, _ in seen if not covered] == [RESERVE + 1]
    assert next(call for call, _, due in seen if due) == RESERVE // 2 + 1
    record(budget, 20.0)
    assert budget.books.covered
    assert not budget.books.due


@pytest.mark.parametrize("calls", [0, 1])
def test_without_a_record_no_call_is_covered(calls: int) -> None:
    budget = Budget((A_DAY,))

    budget.take(0.0, calls=calls)

    assert budget.books.covered == (calls == 0)
    assert budget.books.due == (calls == 1)


def test_a_record_that_was_not_written_covers_nothing() -> None:
    budget = Budget((A_DAY,))
    budget.take(0.0)

    budget.books.write(0.0, START)

    assert not budget.books.covered


def test_what_came_while_a_record_was_written_is_not_on_it() -> None:
    budget = Budget((A_DAY,))
    record(budget)
    spent = budget.books.write(0.0, START)
    budget.take(1.0, calls=RESERVE + 1)

    budget.books.wrote()

    assert not budget.books.covered
    assert successor(spent).available(ELSEWHERE) == 2_000 - RESERVE


def test_an_account_that_comes_back_counts_its_own_calls_once() -> None:
    one = Budget((A_DAY,))
    one.take(0.0, calls=100)
    other = successor(record(one), after=60.0)
    other.take(ELSEWHERE + 70.0, calls=30)
    one.take(80.0, calls=7)  # targets go on here while the other one polls
    spent = other.books.write(ELSEWHERE + 90.0, START + at(90.0))

    one.books.restore(spent, 90.0, START + at(90.0))

    reserves = 2 * RESERVE  # one for each of the two that let go
    assert one.available(90.0) == 2_000 - 100 - 30 - 7 - reserves
    assert not one.books.covered  # of the seven no record tells


def test_a_cursor_without_a_record_takes_nothing_away() -> None:
    budget = Budget((A_DAY,))
    budget.take(0.0, calls=100)
    record(budget)

    budget.books.restore((), 0.0, START)

    assert budget.available(0.0) == 1_900


def test_limits_that_are_short_buckets_or_gone_are_not_on_record() -> None:
    second, hourly = Limit(requests=2, per=SECOND), Limit(points=500, per=HOUR)
    bucket = Limit(requests=10, per=DAY, burst=20)
    budget = Budget((second, bucket, hourly))
    gone = Spent(limit="requests/7200s", at=START, calls=((7_200, 5.0),))

    budget.books.restore([gone], 0.0, START)

    names = [each.limit for each in budget.books.write(0.0, START)]
    assert names == ["points/3600s", "points/3600s/replay"]
    assert budget.available(0.0) == 2
    assert not Budget((second, bucket)).books.kept
    assert budget.books.kept


def test_replays_get_no_second_quarter_of_a_day_from_a_restart() -> None:
    first = Budget((A_DAY,))
    first.take(0.0, REPLAY, calls=500)

    second = successor(record(first))

    assert second.available(ELSEWHERE, REPLAY) == 0
    assert second.available(ELSEWHERE, LIVE) == 1_500 - RESERVE


def test_a_clock_set_back_makes_calls_count_longer_not_shorter() -> None:
    first = Budget((A_DAY,))
    first.take(0.0, calls=2_000)
    budget = Budget((A_DAY,))

    budget.books.restore(record(first), ELSEWHERE, START - HOUR)

    assert budget.wait(ELSEWHERE) == DAY


def test_a_thousand_restarts_leave_a_short_record() -> None:
    budget, spent = Budget((A_DAY,)), tuple[Spent, ...]()
    for number in range(1_000):
        budget = successor(spent, after=number * 80.0)
        budget.take(ELSEWHERE + number * 80.0)
        spent = budget.books.write(ELSEWHERE + number * 80.0, START + at(number * 80.0))

    assert all(len(each.calls) <= 102 for each in spent)


@given(
    st.lists(
        st.tuples(st.floats(0.0, 7_200.0), st.integers(1, 60), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_no_restart_ever_lets_more_through_than_the_limit(
    steps: list[tuple[float, int, bool]],
) -> None:
    """A crash loses what no record tells: those calls are never more than covered."""
    budget, now, spent = Budget((A_DAY,)), 0.0, tuple[Spent, ...]()
    went: list[float] = []
    for wait, calls, crashes in steps:
        now += wait
        for _ in range(min(calls, int(budget.available(now)))):
            budget.take(now)
            if not budget.books.covered:
                spent = budget.books.write(now, START + at(now))
                budget.books.wrote()
            went.append(now)
        if crashes:
            budget = Budget((A_DAY,))
            budget.books.restore(spent, now, START + at(now))

    told = 2_000 - budget.available(now)
    assert sum(1 for each in went if each > now - 86_400) <= told


@pytest.mark.parametrize("amount", [1, 10, 199])
def test_a_small_limit_has_a_reserve_of_one(amount: int) -> None:
    first = Budget((Limit(requests=amount, per=HOUR),))
    second = Budget((Limit(requests=amount, per=HOUR),))

    second.books.restore(record(first), 0.0, START)

    assert second.available(0.0) == amount - 1
