"""The shelf: what one partition keeps outside the log, how it is written and read.

Changes are collected here until the next commit; of one event only the last counts,
so what is parked and finished within a tick leaves no trace. A letter whose place in
the parked topic is known may lose its body; `fetch` reads it back.

Not here: when a lane is parked (`parking.py`) and how it is restored (`restoring.py`).
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.deadletters.parked import (
    ParkedEvent,
    Pause,
    State,
    encode,
    encode_doubt,
    encode_pause,
    pause_key,
)
from bridge.delivery.lanes import Absent, Lane, Lanes, Letter
from bridge.delivery.restoring import read_kept
from bridge.errors import BridgeError
from bridge.streams.records import Outgoing, Record

#: Records of the parked topic at these offsets, as far as they are still there.
ReadBack = Callable[[Sequence[int]], Awaitable[list[Record]]]

#: How much is read back at once: so many letters, bytes, and offsets in a stretch.
CHUNK, CHUNK_BYTES, STRETCH = 100, 4 * 1024 * 1024, 1_000


class PlaceLost(BridgeError):
    """A parked record is not where it was written: restore everything anew."""

    reason = "place_lost"


@dataclass(frozen=True, slots=True)
class ParkedTopic:
    """One partition of a target's parked topic.

    `read` feeds all its records to a function, `read_back` returns some of them.
    """

    name: str
    partition: int
    read: Callable[[Callable[[list[Record]], None]], Awaitable[int]]
    read_back: ReadBack


class Shelf:
    """What is on its way to one partition of the parked topic, and back."""

    def __init__(self, topic: ParkedTopic) -> None:
        self._topic = topic.name
        self._partition = topic.partition
        self._read_back = topic.read_back
        self._changes: dict[str, Letter | None] = {}
        self._others: list[tuple[bytes, bytes | None]] = []
        self._writing: list[Letter | None] = []
        self._count = 0

    # ------------------------------------------------------------ changes

    def keep(self, letter: Letter) -> None:
        """Write how it stands with a letter: a note, or the parked event."""
        letter.place = None  # where it stands now is the past
        self._changes[letter.event.id] = letter

    def forget(self, letter: Letter) -> None:
        """The letter is finished: what was kept of it goes."""
        id_ = letter.event.id
        if letter.kept:
            self._changes[id_] = None
        else:
            self._changes.pop(id_, None)

    def pause(self, pause: Pause) -> None:
        """Write that a subject, or the target, is paused."""
        self._others.append(encode_pause(pause))

    def resume(self, subject: str) -> None:
        """Write that it is paused no longer."""
        self._others.append((pause_key(subject), None))

    def doubt(self, until: int) -> None:
        """Write that every event up to `until` (ms) may have had its effect."""
        self._others.append(encode_doubt(until))

    def add(self, key: bytes, value: bytes) -> None:
        """Write a record that is no state."""
        self._others.append((key, value))

    # ------------------------------------------------------------ commits

    def collect(self, now: datetime) -> list[Outgoing]:
        """Hand over what has changed since the last call."""
        if not (self._changes or self._others):
            return []
        changes, self._changes = self._changes, {}
        others, self._others = self._others, []
        self._writing = list(changes.values())
        self._count = len(changes) + len(others)
        return [
            *(self._record(id_, letter, now) for id_, letter in changes.items()),
            *(self._outgoing(key, value) for key, value in others),
        ]

    def committed(self, ends: Mapping[str, int]) -> None:
        """Learn where the letters of the last `collect` stand.

        At an unknown place they are written again with the next commit.
        """
        if not self._writing:
            return
        end = ends.get(self._topic)
        for number, letter in enumerate(self._writing):
            if letter is None or not letter.parked or letter.event.id in self._changes:
                continue  # gone, in the log, or changed again since
            if end is None:
                self._changes[letter.event.id] = letter
            else:
                letter.place = end - self._count + number
        self._writing = []

    def _record(self, id_: str, letter: Letter | None, now: datetime) -> Outgoing:
        if letter is None:
            return self._outgoing(id_.encode(), None)
        letter.kept = True
        key, value, headers = encode(_kept(letter, now))
        return Outgoing(self._topic, key, value, headers, self._partition)

    def _outgoing(self, key: bytes, value: bytes | None) -> Outgoing:
        return Outgoing(self._topic, key, value, partition=self._partition)

    # ------------------------------------------------------------ bodies

    async def fetch(self, lane: Lane, lanes: Lanes) -> None:
        """Read the next bodies of a lane back; raise PlaceLost if one is gone."""
        missing = {letter.place: letter.event_id for letter in _next_missing(lane)}
        records = await self._read_back(sorted(missing))
        found = [
            read_kept(record)
            for record in records
            if (record.key or b"").decode() == missing.get(record.offset)
        ]
        letters = [letter for letter in found if isinstance(letter, Letter)]
        lanes.refill(lane, {letter.event_id: letter for letter in letters})
        if isinstance(lane.head, Absent):
            raise PlaceLost(f"{self._topic}: offset {lane.head.place} is another's")


def _next_missing(lane: Lane) -> Iterator[Absent]:
    """Iterate the absent letters at the head of the lane that are read together."""
    size, first = 0, 0
    for number, letter in enumerate(lane.letters):
        if isinstance(letter, Letter):
            return
        first = first if number else letter.place
        size += letter.size
        far = abs(letter.place - first) > STRETCH
        if number and (number >= CHUNK or size > CHUNK_BYTES or far):
            return
        yield letter


def _kept(letter: Letter, now: datetime) -> ParkedEvent:
    event = letter.event
    state = State(
        kind="parked" if letter.parked else "note",
        subject=event.subject,
        sequence=event.sequence,
        offset=letter.offset,
        timestamp=letter.timestamp,
        parked_at=now,
        trouble=letter.trouble,
        death=letter.death,
        edited=letter.edited,
    )
    if not letter.parked:
        return ParkedEvent(event.id, state)
    return ParkedEvent(event.id, state, event.body, letter.headers)
