"""The records of a parked topic: they come back as they went, and foreign ones tell."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.deadletters.parked import (
    STATE,
    Death,
    Edited,
    ParkedEvent,
    Pause,
    State,
    Trouble,
    decode,
    decode_doubt,
    decode_pause,
    encode,
    encode_doubt,
    encode_pause,
    is_pause,
    paused_subject,
)
from bridge.errors import UnreadableError

NOW = datetime(2027, 3, 1, 9, 0, 0, 120_000, tzinfo=UTC)
STATE_OF_ONE = State("parked", "redo/shop/1", 3, 41, 1_803_891_600_000, NOW, Trouble())
PARKED = ParkedEvent("id-3", STATE_OF_ONE, b"\x00body", {"ce_id": b"id-3", "x": b""})
PAUSE = Pause("redo/shop/Zoë", "1", "ada", "stock-taking", NOW)

times = st.none() | st.datetimes(timezones=st.just(UTC))
troubles = st.builds(
    Trouble,
    tried=st.integers(0, 10**6),
    failing=st.timedeltas(timedelta(), timedelta(days=30)),
    first_failed_at=times,
    next_try_at=times,
    last_reason=st.text(max_size=20),
    http_status=st.none() | st.integers(100, 599),
    answer_lost=st.booleans(),
)


@given(troubles)
def test_a_parked_event_comes_back_as_it_went(trouble: Trouble) -> None:
    death = Death("invalid", "the SKU is unknown", "refused", NOW)
    edited = Edited("1", "ada", "typo", NOW, "digest", '[{"op":"remove"}]')
    state = replace(STATE_OF_ONE, trouble=trouble, death=death, edited=edited)
    written = replace(PARKED, state=state)

    key, value, headers = encode(written)

    assert decode(key, value, dict(headers)) == written
    assert (key, value) == (b"id-3", b"\x00body")
    assert ("ce_id", b"id-3") in headers


def test_what_a_newer_writer_adds_is_ignored() -> None:
    key, value, headers = encode(PARKED)
    more = dict(headers)
    more[STATE] = more[STATE].replace(b'"tried":0', b'"tried":0,"mood":"low"')

    assert decode(key, value, more) == PARKED


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (b"id", b""),
        (b"id", b"{"),
        (b"id", b'{"version":2}'),
        (b"\xff", encode(PARKED)[2][-1][1]),
    ],
)
def test_a_foreign_record_is_unreadable_and_quotes_nothing(
    key: bytes, state: bytes
) -> None:
    with pytest.raises(UnreadableError) as broken:
        decode(key, b"", {STATE: state})

    assert broken.value.reason == "not_parked"
    assert broken.value.__cause__ is None


def test_a_record_without_a_state_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        decode(b"id", b"", {})


def test_a_pause_comes_back_as_it_went() -> None:
    key, value = encode_pause(PAUSE)

    assert is_pause(key)
    assert paused_subject(key) == PAUSE.subject
    assert decode_pause(value) == PAUSE
    assert not is_pause(b"id-3")


def test_a_pause_that_cannot_be_read_says_so() -> None:
    with pytest.raises(UnreadableError) as broken:
        decode_pause(b"{}")

    assert broken.value.reason == "not_a_pause"


def test_a_doubt_comes_back_as_it_went_and_a_foreign_one_is_none() -> None:
    _, value = encode_doubt(1_803_891_600_000)

    assert decode_doubt(value) == 1_803_891_600_000
    assert [decode_doubt(other) for other in (None, b"", b"soon", b"\xff")] == [0] * 4
