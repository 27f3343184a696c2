"""Durations as the configuration and the command line write them."""

from datetime import timedelta

import pytest

from bridge.durations import duration_of, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(days=14), "14d"),
        (timedelta(hours=36), "36h"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=2), "2min"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(0), "0ms"),
        (timedelta(microseconds=1500), "1.5ms"),
    ],
)
def test_a_duration_is_shown_in_the_largest_whole_unit(
    value: timedelta, text: str
) -> None:
    assert text_of(value) == text
    assert duration_of(text) == value


@pytest.mark.parametrize("text", ["", "5", "5 s", "5m", "s5", "-5s", "5sec", "1h30min"])
def test_any_other_text_is_none(text: str) -> None:
    assert duration_of(text) is None


def test_a_number_may_have_decimals() -> None:
    assert duration_of("1.5s") == timedelta(milliseconds=1500)
