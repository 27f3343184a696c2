"""When the next call of a credential may go."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.budget import (
    HOLDS,
    LIVE,
    LONGEST,
    REPLAY,
    Budget,
    Call,
    Order,
    duration,
    per_second,
)
from bridge.platforms.contract import Delivered, Failed, Refused, Throttled
from bridge.platforms.limits import Limit
from bridge.platforms.rate_facts import RateFact

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWO_A_SECOND = Limit(requests=2, per=SECOND)
CREDITS = Limit(points=60, per=SECOND, burst=4004)


def calls_at(
    budget: Budget, until: float, call: Call = LIVE, most: int = 2_000
) -> list[float]:
    """Make calls as early as the budget lets them; return when each went."""
    now = 0.0
    went: list[float] = []
    while len(went) < most:
        now += budget.wait(now, call).total_seconds()
        if now > until:
            break
        budget.take(now, call)
        went.append(now)
    return went


def most_within(times: list[float], per: float) -> int:
    """Return the most calls that any stretch of `per` seconds holds."""
    return max(
        (
            sum(1 for at in times[i:] if at < start + per - 1e-6)
            for i, start in enumerate(times)
        ),
        default=0,
    )


def seconds(wait: timedelta) -> float:
    return wait.total_seconds()


def test_without_limits_nothing_waits() -> None:
    budget = Budget()

    assert len(calls_at(budget, 0.0)) == 2_000
    assert budget.available(0.0) == math.inf
    assert budget.share == 1.0


def test_a_window_lets_so_many_pass_and_the_next_when_the_first_is_past() -> None:
    budget = Budget([TWO_A_SECOND])

    assert calls_at(budget, 2.0) == pytest.approx([0, 0, 1, 1, 2, 2])


def test_every_limit_holds() -> None:
    budget = Budget([TWO_A_SECOND, Limit(requests=60, per=MINUTE)])

    went = calls_at(budget, 180.0)

    assert most_within(went, 1.0) == 2
    assert most_within(went, 60.0) == 60
    assert len(went) >= 180


def test_a_bucket_lets_its_burst_pass_and_then_its_gain() -> None:
    budget = Budget([CREDITS])
    dear = Call(points=1001)

    went = calls_at(budget, 60.0, dear)

    assert went[:4] == [0.0] * 4
    assert went[4:7] == pytest.approx([1001 / 60, 2002 / 60, 3003 / 60])


def test_a_call_dearer_than_the_whole_bucket_goes_when_it_is_full() -> None:
    budget = Budget([CREDITS])
    dear = Call(points=8008)

    assert calls_at(budget, 300.0, dear) == pytest.approx([0, 8008 / 60, 16016 / 60])


def test_points_and_requests_are_counted_apart() -> None:
    budget = Budget([Limit(points=10, per=SECOND), Limit(requests=5, per=SECOND)])

    dear = calls_at(budget, 0.0, Call(points=5))
    budget = Budget([Limit(points=10, per=SECOND), Limit(requests=5, per=SECOND)])
    cheap = calls_at(budget, 0.0, Call(points=0.1))

    assert (len(dear), len(cheap)) == (2, 5)


@given(
    st.integers(1, 20),
    st.sampled_from([1.0, 60.0]),
    st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(any),
)
def test_the_shares_of_all_processes_keep_within_the_limit(
    amount: int, per: float, owned: list[int]
) -> None:
    limit = Limit(requests=amount, per=timedelta(seconds=per))
    went: list[float] = []
    for partitions in filter(None, owned):
        budget = Budget([limit])
        budget.own("target", partitions, sum(owned))
        went += calls_at(budget, per * 3, most=50)

    over = sum(1 for partitions in owned if amount * partitions < sum(owned))
    assert most_within(sorted(went), per) <= amount + over


def test_a_share_below_one_call_makes_calls_rarer_not_impossible() -> None:
    budget = Budget([TWO_A_SECOND])
    budget.own("target", 1, 12)

    assert calls_at(budget, 18.0) == pytest.approx([0, 6, 12, 18])


def test_targets_of_one_account_share_it_by_all_their_partitions() -> None:
    budget = Budget([Limit(requests=24, per=SECOND)])

    budget.own("orders", 12, 12)
    budget.own("status", 0, 12)
    alone = budget.share
    budget.own("status", 6, 12)

    assert (alone, budget.share) == (0.5, 0.75)
    assert budget.available(0.0) == 18


def test_without_any_partition_the_share_of_one_is_left() -> None:
    budget = Budget([TWO_A_SECOND])

    budget.own("target", 0, 12)

    assert budget.share == 1 / 12


# ------------------------------------------------------------ throttling


@pytest.mark.parametrize("asked", [SECOND, MINUTE, HOUR, timedelta(hours=9.9)])
def test_a_credential_is_left_alone_as_long_as_it_asked(asked: timedelta) -> None:
    budget = Budget()

    budget.observe(Throttled(asked), 100.0)

    assert budget.wait(100.0) == asked
    assert budget.available(100.0) == 0
    assert budget.wait(100.0 + seconds(asked)) == timedelta()


def test_nothing_is_asked_for_longer_than_ten_hours() -> None:
    budget = Budget()

    budget.observe(Throttled(timedelta(days=3)), 0.0)

    assert budget.wait(0.0) == LONGEST == timedelta(hours=10)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 50), st.none() | st.timedeltas(timedelta(), timedelta(days=2))
        ),
        min_size=1,
    )
)
def test_no_call_goes_earlier_than_any_answer_asked(
    answers: list[tuple[float, timedelta | None]],
) -> None:
    budget, now, earliest = Budget([TWO_A_SECOND]), 0.0, 0.0
    for pause, asked in answers:
        now += pause
        budget.observe(Throttled(asked), now)
        if asked is not None:
            earliest = max(earliest, now + seconds(min(asked, LONGEST)))

        assert now + seconds(budget.wait(now)) >= earliest - 1e-5


def test_a_target_that_names_no_time_is_left_alone_longer_each_time() -> None:
    budget, now, waits = Budget(), 0.0, []
    for _ in range(len(HOLDS) + 1):
        budget.observe(Throttled(), now)
        waits.append(budget.wait(now))
        now += seconds(waits[-1])

    assert waits == [*HOLDS, HOLDS[-1]]


def test_a_time_that_is_past_is_as_good_as_none() -> None:
    budget = Budget()

    budget.observe(Throttled(timedelta()), 0.0)

    assert budget.wait(0.0) == HOLDS[0]


def test_a_burst_of_throttled_answers_counts_once() -> None:
    budget = Budget()

    for _ in range(64):
        budget.observe(Throttled(), 0.0)

    assert budget.wait(0.0) == HOLDS[0]


@pytest.mark.parametrize("answer", [Delivered(), Refused("no")])
def test_an_answer_that_came_through_ends_the_growth(
    answer: Delivered | Refused,
) -> None:
    budget = Budget()
    budget.observe(Throttled(), 0.0)
    budget.observe(Throttled(), 1.0)

    budget.observe(answer, 10.0)
    budget.observe(Failed("http_500"), 10.0)
    budget.observe(Throttled(), 10.0)

    assert budget.wait(10.0) == HOLDS[0]


# ------------------------------------------------------------ what answers tell


def test_what_is_told_to_be_left_is_all_there_is_until_it_is_renewed() -> None:
    budget = Budget()

    budget.hear([RateFact("minute", 3, MINUTE)], 0.0)

    assert calls_at(budget, 60.0, most=4) == pytest.approx([0, 0, 0, 60])


def test_this_process_takes_its_share_of_what_is_left() -> None:
    budget = Budget()
    budget.own("target", 3, 12)

    budget.hear([RateFact("", 10, MINUTE)], 0.0)

    assert budget.available(0.0) == 2.5
    assert len(calls_at(budget, 59.0)) == 2


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    budget = Budget()

    budget.hear([RateFact("", 2, MINUTE)], 0.0)
    budget.hear([RateFact("", 9, MINUTE)], 1.0)
    budget.take(1.0)

    assert budget.available(1.0) == 1


def test_a_renewed_quota_counts_anew() -> None:
    budget = Budget()

    budget.hear([RateFact("", 0, SECOND)], 0.0)
    budget.hear([RateFact("", 9, SECOND)], 1.0)

    assert budget.available(1.0) == 9
    assert budget.available(2.0) == math.inf


def test_a_target_that_names_ever_new_quotas_is_listened_to_within_bounds() -> None:
    budget = Budget()

    budget.hear([RateFact(f"{n}", n, SECOND) for n in range(50, 0, -1)], 0.0)
    first = budget.available(0.0)
    budget.hear([RateFact(f"later {n}", n, SECOND) for n in range(50, 0, -1)], 1.0)

    assert first == budget.available(1.0) == 35
    assert budget.available(2.0) == math.inf


def test_no_answer_allows_more_than_the_settings() -> None:
    budget = Budget([TWO_A_SECOND])

    budget.hear([RateFact("second", 1_000, SECOND)], 0.0)

    assert budget.available(0.0) == 2


# ------------------------------------------------------------ replays


def test_a_replay_takes_no_more_than_its_share_of_a_lasting_limit() -> None:
    budget = Budget([Limit(requests=2000, per=DAY)])

    went = calls_at(budget, 1.0, REPLAY)

    assert len(went) == 500
    assert len(calls_at(budget, 1.0, LIVE)) == 1500


def test_a_replay_alone_may_use_a_short_limit_whole() -> None:
    budget = Budget([Limit(requests=100, per=MINUTE)])

    assert len(calls_at(budget, 1.0, REPLAY)) == 100


@pytest.mark.parametrize("share", [0.25, 0.1, 0.5])
def test_where_both_wait_replays_have_their_share(share: float) -> None:
    order = Order(share)
    replays = 0
    for _ in range(1_000):
        call = REPLAY if order.replay_first else LIVE
        order.went(call)
        replays += call.replay

    assert replays == pytest.approx(1_000 * share, abs=1)


def test_replays_that_could_not_go_do_not_save_their_turns_up() -> None:
    order = Order()
    for _ in range(1_000):
        order.went(LIVE)

    in_a_row = 0
    while order.replay_first:
        order.went(REPLAY)
        in_a_row += 1

    assert in_a_row <= 2


# ------------------------------------------------------------ forecasts


@given(
    st.integers(0, 300),
    st.sampled_from(
        [
            [],
            [TWO_A_SECOND],
            [TWO_A_SECOND, Limit(requests=60, per=MINUTE)],
            [Limit(points=60, per=SECOND, burst=100)],
            [Limit(requests=40, per=DAY)],
        ]
    ),
    st.sampled_from([LIVE, REPLAY, Call(points=30)]),
)
def test_a_forecast_is_what_then_happens(
    calls: int, limits: list[Limit], call: Call
) -> None:
    budget = Budget(limits)

    told = seconds(duration(budget, calls, 0.0, call))

    went = calls_at(budget, math.inf, call, most=calls)
    assert told == pytest.approx(went[-1] if went else 0.0, abs=1.0, rel=0.02)


def test_a_forecast_changes_nothing_and_knows_of_holds() -> None:
    budget = Budget([TWO_A_SECOND])
    budget.observe(Throttled(MINUTE), 0.0)

    assert duration(budget, 4, 0.0) == MINUTE + SECOND
    assert duration(budget, 4, 0.0) == MINUTE + SECOND
    assert budget.wait(60.0) == timedelta()


def test_a_forecast_of_very_many_calls_comes_at_once() -> None:
    budget = Budget([Limit(requests=2000, per=DAY)])

    assert duration(budget, 1_000_000, 0.0) == DAY * 499


def test_the_lasting_rate_is_that_of_the_tightest_limit() -> None:
    assert per_second([]) == math.inf
    assert per_second([TWO_A_SECOND, Limit(requests=60, per=MINUTE)]) == 1.0
    assert per_second([CREDITS], Call(points=120)) == 0.5


def test_time_that_seems_to_stand_still_gives_nothing_twice() -> None:
    budget = Budget([CREDITS, Limit(requests=8, per=SECOND)])
    for _ in range(4):
        budget.take(5.0, Call(points=1001))

    assert budget.wait(5.0, Call(points=1001)) > timedelta()
    assert budget.wait(4.0, Call(points=1001)) > timedelta()
