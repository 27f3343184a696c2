"""Restoring: what the parked topic says of one partition, read once at its opening.

Pure. Of each event the last record counts. Bodies beyond the memory that is granted
are not kept: their place is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.canonical.envelope import from_headers
from bridge.deadletters.parked import (
    DOUBT,
    STATE,
    Death,
    ParkedEvent,
    Pause,
    Trouble,
    decode,
    decode_doubt,
    decode_pause,
    is_pause,
    paused_subject,
)
from bridge.deadletters.standing import is_standing
from bridge.delivery.lanes import Absent, Letter, order_of, size_of, without_body
from bridge.errors import UnreadableError
from bridge.streams.records import Record
from bridge.telemetry import events, logger

#: Reason of a parked event whose state this version cannot read.
UNREADABLE_STATE = "parked_state_unreadable"

log = logger(__name__)


def letter_of(parked: ParkedEvent, record: Record) -> Letter:
    """Return a parked event as a letter; raise UnreadableError if it is no event."""
    state = parked.state
    return Letter(
        event=from_headers(parked.headers, parked.body),
        offset=state.offset,
        timestamp=state.timestamp,
        headers=parked.headers,
        size=size_of(parked.body),
        trouble=state.trouble,
        death=state.death,
        edited=state.edited,
        parked=True,
        kept=True,
        place=record.offset,
    )


def read_kept(record: Record) -> Letter | ParkedEvent | None:
    """Return what a record keeps: a parked letter, a note; None for a foreign one.

    A parked event whose state cannot be read comes back as a dead one: nothing is
    lost so, and nothing overtakes it until an operator has decided.
    """
    value = record.value or b""
    try:
        parked = decode(record.key or b"", value, record.headers)
        return parked if parked.state.kind == "note" else letter_of(parked, record)
    except UnreadableError as broken:
        held = _held(record, value, broken)
        log.warning(
            events.PARKED_UNREADABLE,
            topic=record.topic,
            offset=record.offset,
            held=held is not None,
        )
        return held


@dataclass(slots=True)
class Restored:
    """What was kept of one partition; `room` is how many bytes of bodies to hold."""

    room: int
    notes: dict[str, Trouble] = field(default_factory=dict)
    letters: dict[str, Letter | Absent] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    doubted_until: int = 0

    def take(self, records: Sequence[Record]) -> None:
        """Learn the next records, in the order of their offsets."""
        for record in records:
            key = record.key or b""
            if key == DOUBT:
                self.doubted_until = decode_doubt(record.value)
            elif is_pause(key):
                self._take_pause(record, paused_subject(key))
            elif not is_standing(key):
                self._forget(key.decode(errors="replace"))
                if record.value is not None:
                    self._take_event(record)

    def lanes(self) -> Iterator[tuple[str, list[Letter | Absent]]]:
        """Iterate the parked lanes: subject, and its letters in order."""
        lanes: dict[str, list[Letter | Absent]] = defaultdict(list)
        for id_, letter in self.letters.items():
            lanes[self.subjects[id_]].append(letter)
        for subject, letters in lanes.items():
            yield subject, sorted(letters, key=order_of)

    def _take_pause(self, record: Record, subject: str) -> None:
        if record.value is None:
            self.pauses.pop(subject, None)
            return
        try:
            self.pauses[subject] = decode_pause(record.value)
        except UnreadableError as broken:  # it holds until it is resumed all the same
            at = _written_at(record)
            self.pauses[subject] = Pause(subject, "", "", broken.detail, at)

    def _take_event(self, record: Record) -> None:
        match read_kept(record):
            case Letter() as letter:
                self._add(letter)
            case ParkedEvent() as note:
                self.notes[note.event_id] = note.state.trouble
            case None:
                pass

    def _add(self, letter: Letter) -> None:
        id_ = letter.event.id
        self.subjects[id_] = letter.event.subject
        if letter.size > self.room:
            self.letters[id_] = without_body(letter)
        else:
            self.letters[id_] = letter
            self.room -= letter.size

    def _forget(self, id_: str) -> None:
        self.notes.pop(id_, None)
        gone = self.letters.pop(id_, None)
        if isinstance(gone, Letter):
            self.room += gone.size


def _held(record: Record, value: bytes, broken: UnreadableError) -> Letter | None:
    try:
        event = from_headers(record.headers, value)
    except UnreadableError:
        return None
    return Letter(
        event=event,
        offset=-1,
        timestamp=record.timestamp,
        headers={name: text for name, text in record.headers.items() if name != STATE},
        size=size_of(value),
        trouble=Trouble(answer_lost=True),
        death=Death(UNREADABLE_STATE, broken.detail, "unreadable", _written_at(record)),
        parked=True,
        kept=True,
        place=record.offset,
    )


def _written_at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
