"""Restoring: of each event the last record counts; nothing is lost by being odd."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from bridge.canonical.envelope import Event, to_headers
from bridge.deadletters import standing
from bridge.deadletters.parked import (
    STATE,
    Kind,
    ParkedEvent,
    Pause,
    State,
    Trouble,
    encode,
    encode_doubt,
    encode_pause,
    pause_key,
)
from bridge.delivery.lanes import Absent, Letter, size_of
from bridge.delivery.restoring import UNREADABLE_STATE, Restored
from bridge.streams.records import Record
from bridge.telemetry import events
from tests.support.clock import START
from tests.support.events import make_event
from tests.unit.delivery.bench import PARKED

A, B = "redo/shop/a", "redo/shop/b"
A1, A2 = (make_event(A, number) for number in (1, 2))
B1 = make_event(B)
MILLISECONDS = int(START.timestamp() * 1000)
PLENTY = 10_000


def record(
    place: int, key: bytes, value: bytes | None, headers: object = None
) -> Record:
    given = dict(headers) if isinstance(headers, tuple) else {}
    return Record(PARKED, 0, place, MILLISECONDS, key, value, given)


def kept(place: int, event: Event, kind: Kind = "parked", tried: int = 0) -> Record:
    trouble = Trouble(tried=tried)
    number = event.sequence
    state = State(kind, event.subject, number, place, MILLISECONDS, START, trouble)
    whole = ParkedEvent(event.id, state, event.body, dict(to_headers(event)))
    bare = ParkedEvent(event.id, state)
    return record(place, *encode(whole if kind == "parked" else bare))


def restored(*records: Record, room: int = PLENTY) -> Restored:
    whole = Restored(room)
    whole.take(records)
    return whole


def test_parked_events_come_back_in_order_lane_by_lane() -> None:
    found = restored(kept(0, A2), kept(1, B1), kept(2, A1))

    lanes = dict(found.lanes())

    assert [letter.sequence for letter in lanes[A]] == [1, 2]
    (letter,) = lanes[B]
    assert isinstance(letter, Letter)
    assert letter.event == B1
    assert (letter.parked, letter.kept, letter.place) == (True, True, 1)


def test_the_last_record_of_an_event_counts() -> None:
    found = restored(kept(0, A1, "note"), kept(1, A1), kept(2, B1), kept(3, A1))
    assert found.notes == {}
    assert [letter.place for letter in dict(found.lanes())[A]] == [3]

    found.take([record(4, A1.id.encode(), None), record(5, B1.id.encode(), None)])

    assert dict(found.lanes()) == {}
    assert found.room == PLENTY


def test_a_note_is_remembered_by_its_event() -> None:
    assert restored(kept(0, A1, "note", tried=3)).notes == {A1.id: Trouble(tried=3)}


def test_beyond_the_room_only_places_are_kept() -> None:
    found = restored(kept(0, A1), kept(1, A2), kept(2, B1), room=2 * size_of(A1.body))

    (first, second), (other,) = dict(found.lanes()).values()

    assert [type(letter) for letter in (first, second)] == [Letter, Letter]
    assert isinstance(other, Absent)
    assert (other.place, other.event_id) == (2, B1.id)


def test_pauses_hold_until_they_are_resumed() -> None:
    pause = Pause(A, "1", "ada", "stock-taking", START)
    found = restored(record(0, *encode_pause(pause)))
    assert found.pauses == {A: pause}

    found.take([record(1, pause_key(A), None), record(2, pause_key(B), None)])

    assert found.pauses == {}


def test_a_pause_that_cannot_be_read_holds_all_the_same() -> None:
    found = restored(record(0, pause_key("*"), b"{}"))

    assert found.pauses["*"].at == datetime.fromtimestamp(MILLISECONDS / 1000, UTC)


def test_the_last_doubt_counts_and_a_standing_is_nothing() -> None:
    found = restored(
        record(0, *encode_doubt(5)),
        record(1, standing.key_of(0), b"{}"),
        record(2, *encode_doubt(7)),
    )

    assert found.doubted_until == 7
    assert (found.notes, found.letters) == ({}, {})


@pytest.mark.parametrize("state", [b"", b"{", b'{"version":2,"kind":"parked"}'])
def test_a_parked_event_of_another_version_is_held_for_an_operator(
    state: bytes,
) -> None:
    headers = (*to_headers(A1), (STATE, state))

    with capture_logs() as lines:
        found = restored(record(0, A1.id.encode(), A1.body, headers), kept(1, A2))

    held, behind = dict(found.lanes())[A]
    assert isinstance(held, Letter)
    assert held.death is not None
    assert (held.death.reason, held.death.cause) == (UNREADABLE_STATE, "unreadable")
    assert held.trouble.answer_lost
    assert STATE not in held.headers
    assert behind.death is None
    assert [(line["event"], line["held"]) for line in lines] == [
        (events.PARKED_UNREADABLE, True)
    ]


def test_a_record_of_somebody_else_is_ignored_with_a_word() -> None:
    with capture_logs() as lines:
        found = restored(record(0, b"key", b"value"))

    assert found.letters == {}
    assert [line["held"] for line in lines] == [False]
