"""The mark that an unreadable observation was dealt with."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.deadletters.settled import Settled, from_headers, is_mark
from bridge.errors import UnreadableError

MARK = Settled(7, "replayed", "ada", "füllt", datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize("mark", [MARK, replace(MARK, how="discarded", reason="")])
def test_a_mark_survives_its_record(mark: Settled) -> None:
    headers = dict(mark.to_headers())

    assert is_mark(headers)
    assert from_headers(headers) == mark


def test_a_letter_is_no_mark() -> None:
    assert not is_mark({"dead-reason": b"not_json"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("settled-how", b"burnt"), ("settled-offset", b"x"), ("settled-at", b"\xff")],
)
def test_a_broken_mark_is_unreadable(name: str, value: bytes) -> None:
    with pytest.raises(UnreadableError):
        from_headers({**dict(MARK.to_headers()), name: value})
