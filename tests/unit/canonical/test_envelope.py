"""The envelope: numbering, chain, and CloudEvents headers there and back."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.canonical.envelope import (
    NAMESPACE,
    Cause,
    Event,
    chain_next,
    chain_start,
    event_id,
    from_headers,
    seal,
    to_headers,
)
from bridge.canonical.events import TYPES, NoteAdded
from bridge.errors import UnreadableError

SUBJECT = "redo/shop/1"
CAUSE = Cause("/redo/shop", datetime(2027, 3, 2, tzinfo=UTC), "delivery-1")
FULL = (Path(__file__).parent / "full_return.json").read_bytes()

VISIBLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)
TIMES = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis wants it naive, zones beside it
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]),
)
EVENTS = st.builds(
    Event,
    id=st.uuids().map(str),
    type=st.sampled_from(sorted(TYPES)),
    subject=VISIBLE,
    sequence=st.integers(1, 2**31),
    chain=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    time=TIMES,
    source=VISIBLE,
    causation_id=VISIBLE,
    body=st.binary(),
    traceparent=st.none() | VISIBLE,
)


@settings(deadline=None)
@given(EVENTS)
def test_an_event_comes_back_from_its_headers(event: Event) -> None:
    assert from_headers(dict(to_headers(event)), event.body) == event


def test_headers_are_cloudevents_in_binary_mode() -> None:
    (event,) = seal(SUBJECT, 4, "00", CAUSE, [("return.approved", b"{}")])

    headers = dict(to_headers(event))

    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"returns.return.approved.v1"
    assert headers["ce_sequence"] == b"5"
    assert headers["ce_partitionkey"] == SUBJECT.encode()
    assert "traceparent" not in headers


@pytest.mark.parametrize(
    "wrong",
    [
        {"ce_id": None},
        {"ce_type": b"return.approved"},
        {"ce_type": b"returns.return.approved"},
        {"ce_sequence": b"one"},
        {"ce_time": b"yesterday"},
        {"ce_source": b"\xff"},
    ],
)
def test_a_record_that_is_no_event_is_unreadable(
    wrong: dict[str, bytes | None],
) -> None:
    (event,) = seal(SUBJECT, 0, "00", CAUSE, [("return.approved", b"{}")])
    headers = {**dict(to_headers(event)), **wrong}
    present = {name: value for name, value in headers.items() if value is not None}

    with pytest.raises(UnreadableError) as caught:
        from_headers(present, b"{}")

    assert caught.value.reason == "not_an_event"


def test_sealing_numbers_without_gaps_and_extends_the_chain() -> None:
    bodies = [("return.created", b"1"), ("return.approved", b"2")]

    events = seal(SUBJECT, 7, chain_start(SUBJECT), CAUSE, bodies)

    assert [event.sequence for event in events] == [8, 9]
    assert [event.id for event in events] == [
        event_id(SUBJECT, 8),
        event_id(SUBJECT, 9),
    ]
    chain = chain_start(SUBJECT)
    for event in events:
        chain = chain_next(chain, event.id, event.type, event.body)
        assert event.chain == chain


@given(VISIBLE, st.integers(1, 2**63))
def test_an_id_is_a_uuid5_of_subject_and_sequence(subject: str, sequence: int) -> None:
    expected = uuid.uuid5(NAMESPACE, f"{subject}#{sequence}")

    assert event_id(subject, sequence) == str(expected)


def test_a_changed_body_breaks_the_chain() -> None:
    one = chain_next("00", "id", "note.added", b"one")

    assert one != chain_next("00", "id", "note.added", b"two")
    assert one != chain_next("01", "id", "note.added", b"one")


def test_an_event_reads_its_body_as_its_type() -> None:
    body = b'{"return":' + FULL + b',"note":{"text":"hello"}}'
    (event,) = seal(SUBJECT, 0, "00", CAUSE, [("note.added", body)])

    read = event.read()

    assert isinstance(read, NoteAdded)
    assert read.note.text == "hello"
    assert isinstance(event.read_json(), dict)


def test_fields_of_a_newer_writer_are_ignored() -> None:
    body = b'{"return":' + FULL + b',"note":{"text":"hello","new":1},"newer":2}'
    (event,) = seal(SUBJECT, 0, "00", CAUSE, [("note.added", body)])

    read = event.read()

    assert isinstance(read, NoteAdded)


@pytest.mark.parametrize(
    ("type_", "body", "reason", "path"),
    [
        ("return.eaten", b"{}", "unknown_type", "$"),
        ("note.added", b"{}", "shape", "$.return"),
        (
            "return.updated",
            b'{"return":' + FULL + b',"changed":["/a",1]}',
            "shape",
            "$.changed[1]",
        ),
    ],
)
def test_an_unreadable_event_says_why_and_where(
    type_: str, body: bytes, reason: str, path: str
) -> None:
    (event,) = seal(SUBJECT, 0, "00", CAUSE, [(type_, body)])

    with pytest.raises(UnreadableError) as caught:
        event.read()

    assert (caught.value.reason, caught.value.path) == (reason, path)
