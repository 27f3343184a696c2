"""The journal: one short line for each noteworthy happening in the sandbox."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.clock import Clock


class Kind(StrEnum):
    """What happened; the view colours by it."""

    CREATED = "return created"
    MOVED = "return moved"
    SENT = "webhook sent"
    DISCARDED = "webhook discarded"
    LOST = "webhook lost"
    SWITCHED = "webhook switched"
    NORMALISED = "event normalised"
    DELIVERED = "call delivered"
    RETRIED = "call retried"
    REFUSED = "call refused"
    COUNTED = "warehouse counted"
    UPDATED = "redo updated"
    DEAD = "dead letter"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line: when, what kind, and in words without personal fields."""

    at: datetime
    kind: Kind
    text: str


class Journal:
    """Keeps the last lines, counts the kinds, tells whoever listens.

    `names` is what people call a return, by its id.
    """

    def __init__(self, clock: Clock, *, keep: int = 200) -> None:
        self.counts: Counter[Kind] = Counter()
        self.names: dict[str, str] = {}
        self._clock = clock
        self._recent: deque[Happening] = deque(maxlen=keep)
        self._listeners: list[Callable[[Happening], None]] = []

    def note(self, kind: Kind, text: str) -> None:
        happening = Happening(self._clock.now(), kind, text)
        self.counts[kind] += 1
        self._recent.append(happening)
        for listener in self._listeners:
            listener(happening)

    def listen(self, listener: Callable[[Happening], None]) -> None:
        """Call `listener` with every happening from now on."""
        self._listeners.append(listener)

    def recent(self, count: int) -> tuple[Happening, ...]:
        """Return the last `count` happenings, oldest first."""
        return tuple(self._recent)[-count:]
