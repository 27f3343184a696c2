"""How the settings write what a credential may use."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from bridge.platforms.limits import Limit, Limits

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LIMITS: TypeAdapter[tuple[Limit, ...]] = TypeAdapter(Limits)


def test_a_limit_counts_requests_or_points() -> None:
    requests = Limit(requests=150, per=MINUTE)
    points = Limit(points=60, per=SECOND, burst=4004)

    assert (requests.amount, requests.counts_points) == (150, False)
    assert (points.amount, points.counts_points) == (60, True)


def test_several_limits_hold_at_once() -> None:
    written = [
        {"requests": 2, "per": SECOND},
        {"requests": 120, "per": MINUTE},
        {"points": 120, "per": MINUTE},
    ]

    limits = LIMITS.validate_python(written)

    assert [limit.amount for limit in limits] == [2, 120, 120]


def test_no_limit_is_a_budget_as_well() -> None:
    assert LIMITS.validate_python([]) == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([{"per": SECOND}], "write either requests or points"),
        ([{"requests": 1, "points": 1, "per": SECOND}], "either requests or points"),
        ([{"requests": 2}], "Field required"),
        ([{"requests": 0, "per": SECOND}], "greater than 0"),
        ([{"requests": 2, "per": timedelta()}], "greater than 0"),
        ([{"requests": 2, "per": timedelta(days=32)}], "less than or equal to 31 days"),
        ([{"requests": 2, "per": SECOND, "burst": 1}], "at least the 2 that it gains"),
        ([{"requests": 2, "per": SECOND}] * 2, "keep the lower one"),
        ([{"requests": 2, "every": SECOND}], "Extra inputs are not permitted"),
        ({"requests": 2, "per": SECOND}, "should be a list"),
    ],
)
def test_what_could_not_be_kept_is_refused_with_the_remedy(
    written: object, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        LIMITS.validate_python(written)
