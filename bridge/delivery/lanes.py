"""Lanes: the queues of subjects at one target. Pure: no clock, no calls, no Kafka.

One lane per subject, first in first out. A lane is handed out as *ready* when it has
a letter and nobody works on it; whoever takes it owns it until `advance`, a wait or
`hold`. So one subject never has two calls in flight.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto

from bridge.canonical.envelope import Event
from bridge.streams.receipts import Attempt

#: Attempts a letter remembers for its receipt: the first ones and the latest.
REMEMBERED = 20


@dataclass(slots=True)
class Letter:
    """One event on its way to the target, with what was tried so far.

    `failures` counts attempts that failed, `failing` the time spent on them and on
    waiting after them; time under a limit or bad credentials counts in neither.
    `answer_lost` tells that a call may have had its effect. `size` is in bytes.
    """

    event: Event
    offset: int
    timestamp: int
    headers: Mapping[str, bytes]
    size: int
    answer_lost: bool = False
    tried: int = 0
    failures: int = 0
    failing: timedelta = timedelta()
    attempts: list[Attempt] = field(default_factory=list)

    def note(self, attempt: Attempt) -> None:
        """Remember an attempt; of very many the middle ones are forgotten."""
        self.tried += 1
        if len(self.attempts) >= REMEMBERED:
            del self.attempts[REMEMBERED // 2]
        self.attempts.append(attempt)


class Place(Enum):
    """Where a lane stands."""

    READY = auto()
    WAITING = auto()
    HELD = auto()


@dataclass(slots=True, eq=False)
class Lane:
    """The letters of one subject, in order; the head is worked on first."""

    subject: str
    letters: deque[Letter] = field(default_factory=deque)
    place: Place = Place.READY

    @property
    def head(self) -> Letter:
        """The letter that is due."""
        return self.letters[0]


class Lanes:
    """All lanes of one partition at one target."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._sizes = 0
        self._waiting = 0
        self._held = 0

    @property
    def size(self) -> int:
        """Bytes of all letters in memory."""
        return self._sizes

    @property
    def waiting(self) -> int:
        """How many lanes wait for a retry."""
        return self._waiting

    @property
    def held(self) -> int:
        """How many lanes wait for an operator."""
        return self._held

    @property
    def busy(self) -> int:
        """How many lanes go on by themselves: all but the held ones."""
        return len(self._lanes) - self._held

    def add(self, letter: Letter) -> Lane | None:
        """Queue a letter; return its lane if that has just become ready."""
        self._sizes += letter.size
        lane = self._lanes.get(letter.event.subject)
        if lane is not None:
            lane.letters.append(letter)
            return None
        lane = Lane(letter.event.subject, deque((letter,)))
        self._lanes[lane.subject] = lane
        return lane

    def advance(self, lane: Lane) -> bool:
        """Take the head off; return whether the lane has another letter."""
        self._sizes -= lane.letters.popleft().size
        if lane.letters:
            return True
        del self._lanes[lane.subject]
        return False

    def move(self, lane: Lane, place: Place) -> None:
        """Put the lane where it stands from now on."""
        self._waiting += (place is Place.WAITING) - (lane.place is Place.WAITING)
        self._held += (place is Place.HELD) - (lane.place is Place.HELD)
        lane.place = place

    def oldest(self) -> int | None:
        """Return the least timestamp (ms) of all letters; None without letters."""
        heads = (lane.head.timestamp for lane in self._lanes.values())
        return min(heads, default=None)
