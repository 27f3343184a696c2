"""The parked topic of one target and partition as it stands now; folds its records.

The last record of a key counts, and one without a value ends it. Bodies are forgotten,
those of dead events unless they are asked for, so that memory grows with what is looked
at alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bridge.deadletters import parked, standing
from bridge.deadletters.parked import DOUBT, WHOLE_TARGET, ParkedEvent, Pause
from bridge.deadletters.standing import Standing
from bridge.errors import UnreadableError
from bridge.streams.records import Record
from bridge.streams.scan import Place, Scanner


@dataclass(slots=True)
class Board:
    """What is kept of one partition's events: by event id, in the order of offsets."""

    bodies: bool = False
    events: dict[str, ParkedEvent] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    standing: Standing | None = None
    unreadable: dict[bytes, str] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Take the next record of the topic."""
        key = record.key or b""
        self.unreadable.pop(key, None)
        if key == DOUBT:
            return
        try:
            self._take(key, record)
        except UnreadableError as broken:
            place = f"partition {record.partition}, offset {record.offset}"
            self.unreadable[key] = f"{record.topic}, {place}: {broken}"

    def _take(self, key: bytes, record: Record) -> None:
        value = record.value
        if parked.is_pause(key):
            self._pause(parked.paused_subject(key), value)
        elif standing.is_standing(key):
            self.standing = None if value is None else standing.decode(value)
        else:
            self.events.pop(key.decode(errors="replace"), None)
            if value is not None:
                event = parked.decode(key, value, record.headers)
                wanted = self.bodies and event.state.death is not None
                kept = event if wanted else replace(event, body=b"")
                self.events[event.event_id] = kept

    def _pause(self, subject: str, value: bytes | None) -> None:
        self.pauses.pop(subject, None)
        if value is not None:
            self.pauses[subject] = parked.decode_pause(value)

    def pause_of(self, subject: str) -> Pause | None:
        """Return what pauses a subject: its own pause, or the target's."""
        return self.pauses.get(subject) or self.pauses.get(WHOLE_TARGET)

    def lanes(self) -> dict[str, list[ParkedEvent]]:
        """Return the events by subject, each lane in its order."""
        lanes: dict[str, list[ParkedEvent]] = {}
        for event in self._ordered():
            lanes.setdefault(event.state.subject, []).append(event)
        return lanes

    def _ordered(self) -> Iterable[ParkedEvent]:
        return sorted(self.events.values(), key=lambda event: event.state.offset)


async def read_board(scanner: Scanner, place: Place, *, bodies: bool = False) -> Board:
    """Read one partition of a parked topic to its present end."""
    board = Board(bodies)
    async for record in scanner.records(place):
        board.take(record)
    return board
