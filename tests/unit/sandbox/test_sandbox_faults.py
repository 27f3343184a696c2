from collections import Counter

import pytest

from bridge.sandbox.faults import (
    AnswerLost,
    Fault,
    FaultPlan,
    Level,
    ServerError,
    Slow,
    Throttle,
)
from bridge.sandbox.returnlogic import ReturnLogicSimulator

KEYS = [f"POST /hooks/returns {number}" for number in range(200)]


def faults_of(plan: FaultPlan, keys: list[str], tries: int) -> list[Fault | None]:
    return [plan.next(key) for key in keys for _ in range(tries)]


@pytest.mark.parametrize("level", ["none", "some", "many"])
def test_the_same_seed_makes_the_same_faults(level: Level) -> None:
    first = faults_of(FaultPlan(level, 7), KEYS, 6)
    second = faults_of(FaultPlan(level, 7), KEYS, 6)

    assert first == second


def test_another_seed_makes_other_faults() -> None:
    assert faults_of(FaultPlan("many", 1), KEYS, 2) != faults_of(
        FaultPlan("many", 2), KEYS, 2
    )


def test_what_a_request_meets_does_not_depend_on_other_requests() -> None:
    alone = faults_of(FaultPlan("many", 3), KEYS[:1], 6)
    crowded = FaultPlan("many", 3)
    faults_of(crowded, KEYS[1:], 6)

    assert faults_of(crowded, KEYS[:1], 6) == alone


def test_no_faults_are_made_at_level_none() -> None:
    plan = FaultPlan("none", 1)

    assert set(faults_of(plan, KEYS, 5)) == {None}
    assert plan.injected == Counter()


@pytest.mark.parametrize(("level", "at_most"), [("some", 2), ("many", 3)])
def test_no_request_meets_more_than_a_few_faults(level: Level, at_most: int) -> None:
    plan = FaultPlan(level, 11)

    met = [sum(plan.next(key) is not None for _ in range(50)) for key in KEYS]

    assert max(met) == at_most


def test_every_kind_of_fault_comes_up_and_is_counted() -> None:
    plan = FaultPlan("many", 5)

    met = [fault for fault in faults_of(plan, KEYS, 3) if fault is not None]

    assert {type(fault) for fault in met} == {ServerError, Throttle, AnswerLost, Slow}
    assert plan.injected == Counter(fault.name for fault in met)
    throttles = {fault.as_date for fault in met if isinstance(fault, Throttle)}
    assert throttles == {True, False}


def test_a_system_that_means_something_by_503_is_broken_in_other_words() -> None:
    errors = ReturnLogicSimulator.errors
    plan = FaultPlan("many", seed=3, errors=errors)

    met = [plan.next(f"request {number}") for number in range(400)]

    statuses = {fault.status for fault in met if isinstance(fault, ServerError)}
    assert statuses == set(errors)
    assert 503 not in statuses
