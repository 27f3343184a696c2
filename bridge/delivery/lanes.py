"""Lanes: the queues of subjects at one target. Pure: no clock, no calls, no Kafka.

One lane per subject, first in first out. A lane is handed out as *ready* when it has
a letter and nobody works on it; whoever takes it owns it until `advance` or `wait`.
So one subject never has two calls in flight.

A parked lane stands outside the log: all its letters are kept in the parked topic, and
their bodies may leave memory. What is left of such a letter is an `Absent`.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.canonical.envelope import Event
from bridge.deadletters.parked import Death, Edited, Trouble
from bridge.deadletters.standing import WaitReason
from bridge.streams.receipts import Attempt

#: What an event takes in memory beside its body, in bytes: headers, letter, lane.
BESIDE = 2_560
#: What its receipt takes until it is written, in bytes.
RECEIPT = 512
#: Attempts a letter remembers for its receipt: the first ones and the latest.
REMEMBERED = 20
UNTRIED = Trouble()
#: Lanes that go on only when an operator says so.
HELD = frozenset({WaitReason.DEAD, WaitReason.PAUSED})


def size_of(body: bytes) -> int:
    """Return how many bytes of memory a letter with this body takes."""
    return len(body) + BESIDE


@dataclass(slots=True)
class Letter:
    """One event on its way to the target, with what was tried so far.

    `size` is what it takes in memory, in bytes (`size_of`). `trouble` is what outlives
    this process, `attempts` what the receipt will tell. `parked`: its offset in the log
    is finished. `kept`: a record about it stands in the parked topic, at `place` where
    that is known. `seen_at` is when this process took it on.
    """

    event: Event
    offset: int
    timestamp: int
    headers: Mapping[str, bytes]
    size: int
    trouble: Trouble = UNTRIED
    attempts: list[Attempt] = field(default_factory=list)
    death: Death | None = None
    edited: Edited | None = None
    parked: bool = False
    kept: bool = False
    place: int | None = None
    seen_at: datetime | None = None

    @property
    def event_id(self) -> str:
        """The event's id."""
        return self.event.id

    @property
    def sequence(self) -> int:
        """The event's number within its subject."""
        return self.event.sequence

    def note(self, attempt: Attempt) -> None:
        """Remember an attempt; of very many the middle ones are forgotten."""
        if len(self.attempts) >= REMEMBERED:
            del self.attempts[REMEMBERED // 2]
        self.attempts.append(attempt)


@dataclass(slots=True)
class Absent:
    """A parked letter whose body is not in memory; `place` is where to read it."""

    event_id: str
    sequence: int
    offset: int
    timestamp: int
    size: int
    place: int
    death: Death | None


@dataclass(slots=True)
class Memory:
    """Bytes of letters and receipts that a target's partitions hold together."""

    size: int = 0


@dataclass(slots=True, eq=False)
class Lane:
    """The letters of one subject, in order; the head is worked on first.

    `why` tells what it waits for, None while it is at work or about to be; `since` is
    when that began, in monotonic seconds. `turn` counts its waits. `replay`: an
    operator has let it go again, so it has a share of the budget of its own.
    """

    subject: str
    letters: deque[Letter | Absent]
    parked: bool = False
    replay: bool = False
    why: WaitReason | None = None
    since: float = 0.0
    turn: int = 0

    @property
    def head(self) -> Letter | Absent:
        """The letter that is due."""
        return self.letters[0]


class Lanes:
    """All lanes of one partition at one target."""

    def __init__(self, memory: Memory) -> None:
        self.size = 0
        self._unwritten = 0
        self._memory = memory
        self._lanes: dict[str, Lane] = {}
        self._parked: set[Lane] = set()
        self._waiting: Counter[WaitReason] = Counter()

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def get(self, subject: str) -> Lane | None:
        """Return the lane of a subject, None if nothing of it is here."""
        return self._lanes.get(subject)

    # ------------------------------------------------------------ letters

    def open(self, letter: Letter) -> Lane:
        """Begin the lane of a subject that has none."""
        self._grow(letter.size)
        subject = letter.event.subject
        lane = self._lanes[subject] = Lane(subject, deque((letter,)))
        return lane

    def join(self, lane: Lane, letter: Letter) -> None:
        """Queue a letter behind the others of its subject."""
        self._grow(letter.size)
        lane.letters.append(letter)

    def restore(self, subject: str, letters: Iterable[Letter | Absent]) -> Lane:
        """Begin a parked lane with the letters that were kept, in order."""
        lane = self._lanes[subject] = Lane(subject, deque(letters))
        self._grow(_bytes_of(lane.letters))
        self.park(lane)
        return lane

    def advance(self, lane: Lane) -> bool:
        """Take the head off; return whether the lane has another letter."""
        head = lane.letters.popleft()
        if isinstance(head, Letter):
            self._grow(-head.size)
        if lane.letters:
            return True
        self.ready(lane)
        del self._lanes[lane.subject]
        if lane.parked:
            self._parked.discard(lane)
        return False

    def finish(self, lane: Lane) -> bool:
        """Do as `advance`; the receipt of the head is still to be written."""
        self._unwritten += RECEIPT
        self._grow(RECEIPT)
        return self.advance(lane)

    def written(self) -> None:
        """Take note that no receipt is left: all are handed over."""
        self._grow(-self._unwritten)
        self._unwritten = 0

    def clear(self) -> None:
        """Let go of everything now: what holds on to this may be collected late."""
        for part in (self._lanes, self._parked, self._waiting):
            part.clear()
        self._grow(-self.size)

    def resize(self, letter: Letter, size: int) -> None:
        """Take note that a letter takes `size` bytes now."""
        self._grow(size - letter.size)
        letter.size = size

    def _grow(self, size: int) -> None:
        self.size += size
        self._memory.size += size

    # ------------------------------------------------------------ waiting

    def wait(self, lane: Lane, why: WaitReason, since: float) -> None:
        """Put the lane aside, for `why`."""
        self.ready(lane)
        lane.why, lane.since = why, since
        lane.turn += 1
        self._waiting[why] += 1

    def ready(self, lane: Lane) -> None:
        """The lane waits no longer."""
        if lane.why is not None:
            self._waiting[lane.why] -= 1
            lane.why = None

    def waiting_for(self, *reasons: WaitReason) -> list[Lane]:
        """Return the lanes that wait for one of these."""
        return [lane for lane in self._lanes.values() if lane.why in reasons]

    def waiting(self, why: WaitReason) -> int:
        """How many lanes wait for this reason."""
        return self._waiting[why]

    @property
    def any_waiting(self) -> bool:
        """Whether any lane waits for anything."""
        return any(self._waiting.values())

    @property
    def held(self) -> int:
        """How many lanes wait for an operator."""
        return sum(self._waiting[why] for why in HELD)

    @property
    def busy(self) -> int:
        """How many lanes go on by themselves: all but the held ones."""
        return len(self._lanes) - self.held

    def oldest(self) -> int | None:
        """Return the least timestamp (ms) of all letters; None without letters."""
        heads = (lane.head.timestamp for lane in self._lanes.values())
        return min(heads, default=None)

    # ------------------------------------------------------------ parked lanes

    def park(self, lane: Lane) -> None:
        """Take note that all letters of the lane are kept outside the log."""
        lane.parked = True
        self._parked.add(lane)

    @property
    def parked(self) -> int:
        """How many events stand outside the log."""
        return sum(len(lane.letters) for lane in self._parked)

    def evict(self) -> None:
        """Let go of the bodies of parked lanes that nobody works on."""
        for lane in self._parked:
            if lane.why is not None and not _is_evicted(lane):
                self._replace(lane, map(without_body, lane.letters))

    def refill(self, lane: Lane, letters: Mapping[str, Letter]) -> None:
        """Put letters, by event id, back where their bodies were missing."""
        self._replace(
            lane, (letters.get(letter.event_id, letter) for letter in lane.letters)
        )

    def _replace(self, lane: Lane, letters: Iterable[Letter | Absent]) -> None:
        before = _bytes_of(lane.letters)
        lane.letters = deque(letters)
        self._grow(_bytes_of(lane.letters) - before)


def _is_evicted(lane: Lane) -> bool:
    return isinstance(lane.letters[0], Absent) and isinstance(lane.letters[-1], Absent)


def _bytes_of(letters: Iterable[Letter | Absent]) -> int:
    return sum(letter.size for letter in letters if isinstance(letter, Letter))


def order_of(letter: Letter | Absent) -> tuple[int, int]:
    """Return what orders the letters of a subject: their numbers.

    Hints have none (theirs is 0) and go by their offsets.
    """
    return letter.sequence, 0 if letter.sequence else letter.offset


def without_body(letter: Letter | Absent) -> Letter | Absent:
    """Return what is left of a letter whose place is known when its body goes."""
    if isinstance(letter, Absent) or letter.place is None:
        return letter
    return Absent(
        event_id=letter.event.id,
        sequence=letter.event.sequence,
        offset=letter.offset,
        timestamp=letter.timestamp,
        size=letter.size,
        place=letter.place,
        death=letter.death,
    )
