"""A standing survives its record; a foreign one is no standing."""

from datetime import UTC, datetime

import pytest

from bridge.deadletters.standing import (
    BreakerStanding,
    BudgetStanding,
    Standing,
    WaitReason,
    decode,
    encode,
    is_standing,
)
from bridge.errors import UnreadableError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_standing_survives_its_record() -> None:
    standing = Standing(
        worker="w-1",
        at=NOW,
        breaker=BreakerStanding(state="open", reason="http_503", since=NOW),
        budget=BudgetStanding(available=2.5, per_second=4, waiting=3),
        waiting={WaitReason.RETRY: 2},
        oldest={WaitReason.RETRY: NOW},
    )

    key, value = encode(standing, 7)

    assert is_standing(key)
    assert decode(value) == standing


def test_a_newer_worker_may_tell_more() -> None:
    value = b'{"worker": "w-2", "at": "2026-11-21T12:00:00Z", "mood": "good"}'

    assert decode(value).breaker.state == "closed"


@pytest.mark.parametrize("key", [None, b"", b"pause:redo/shop/1", b"an-event-id"])
def test_other_keys_are_no_standing(key: bytes | None) -> None:
    assert not is_standing(key)


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[", b'{"version": 2}'])
def test_a_foreign_value_is_no_standing(value: bytes | None) -> None:
    with pytest.raises(UnreadableError):
        decode(value)
