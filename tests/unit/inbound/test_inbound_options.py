"""Limits that contradict each other are refused."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bridge.inbound.options import AnswerOptions, InboundOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"body_limit": 100, "memory_limit": 99},
        {"body_limit": 5 * 1024 * 1024},
        {"kafka_wait": timedelta(seconds=5)},
        {"head_timeout": timedelta(0)},
        {"port": 70_000},
        {"unheard_of": 1},
    ],
    ids="-".join,
)
def test_wrong_limits_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        InboundOptions.model_validate(wrong)


def test_an_account_without_its_own_ways_has_the_common_ones() -> None:
    options = InboundOptions(answers={"shop": AnswerOptions(status=200)})

    assert options.answer("shop").status == 200
    assert options.answer("other") == AnswerOptions()
