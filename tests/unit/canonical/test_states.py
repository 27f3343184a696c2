"""The table of moves: complete, and consistent with what ends a return."""

import pytest

from bridge.canonical.states import (
    EXPECTED,
    PROGRESS,
    TERMINAL,
    State,
    is_expected,
    is_reopening,
)


def test_every_state_is_on_the_way_at_an_end_or_unknown() -> None:
    assert set(PROGRESS) | TERMINAL | {State.UNKNOWN} == set(State)
    assert EXPECTED.keys() == set(State)


@pytest.mark.parametrize("state", State)
def test_staying_is_expected(state: State) -> None:
    assert is_expected(state, state)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_end_becomes_alive_only_by_reopening(state: State) -> None:
    assert is_reopening(state, State.APPROVED)
    assert is_expected(state, State.APPROVED)
    assert not is_reopening(state, State.UNKNOWN)


def test_going_back_on_the_way_is_not_expected() -> None:
    assert not is_expected(State.RECEIVED, State.IN_TRANSIT)
    assert is_expected(State.IN_TRANSIT, State.RECEIVED)
    assert not is_reopening(State.RECEIVED, State.IN_TRANSIT)
