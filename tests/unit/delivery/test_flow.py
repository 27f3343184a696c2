"""How many dead letters a target may write before it is taken for the culprit."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.flow import DeadFlow, FlowRules

RULES = FlowRules(limit=50, share=0.2, at_least=20)
WINDOW = RULES.window.total_seconds()


def died(flow: DeadFlow, times: int, now: float = 0.0) -> int:
    """Let events die as long as they may; return how many did."""
    for count in range(times):
        if not flow.admits(now):
            return count
        flow.died(now)
    return times


def finished(flow: DeadFlow, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        flow.finished(now)


def test_a_few_dead_letters_are_no_flood_whatever_else_there_is() -> None:
    assert died(DeadFlow(), 1_000) == 20


def test_more_than_the_share_of_what_ends_is_a_flood() -> None:
    flow = DeadFlow(RULES)
    finished(flow, 120)

    assert died(flow, 1_000) == 30


def test_more_than_the_limit_is_a_flood_however_much_ends_well() -> None:
    flow = DeadFlow(RULES)
    finished(flow, 1_000_000)

    assert died(flow, 1_000) == 50


def test_what_is_past_the_window_counts_no_more() -> None:
    flow = DeadFlow(RULES)
    finished(flow, 1_000)
    died(flow, 50)

    assert not flow.admits(WINDOW)
    assert flow.admits(WINDOW + 10.0)
    assert died(flow, 1_000, WINDOW + 10.0) == 20


def test_a_steady_trickle_is_no_flood() -> None:
    flow = DeadFlow(RULES)

    for minute in range(10_000):
        assert flow.admits(minute * 60.0)
        flow.died(minute * 60.0)


@given(
    st.lists(
        st.tuples(st.floats(0, 60), st.booleans(), st.integers(1, 30)), max_size=80
    )
)
def test_no_window_ever_holds_more_than_the_limit(
    steps: list[tuple[float, bool, int]],
) -> None:
    flow, now = DeadFlow(RULES), 0.0
    deaths: list[float] = []
    for pause, dies, times in steps:
        now += pause
        if dies:
            deaths += [now] * died(flow, times, now)
        else:
            finished(flow, times, now)

        within = sum(1 for at in deaths if at > now - WINDOW)
        assert within <= RULES.limit
