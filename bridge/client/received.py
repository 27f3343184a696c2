"""What a handler of another team is given, and the counts it may export."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.canonical.envelope import Event
from bridge.canonical.event_data import EventData

Data_co = TypeVar("Data_co", bound=EventData, covariant=True)


@dataclass(frozen=True, slots=True)
class Received(Generic[Data_co]):
    """One canonical event: `data` is what happened, `envelope` who, when, which."""

    envelope: Event
    data: Data_co

    @property
    def id(self) -> str:
        """The event's id, the same on every delivery: the key to be idempotent by."""
        return self.envelope.id

    @property
    def subject(self) -> str:
        """The return it is about, `platform/account/native-id`."""
        return self.envelope.subject

    @property
    def sequence(self) -> int:
        """Its number within the subject, counted from 1 without gaps."""
        return self.envelope.sequence


Handler = Callable[[Received[Data_co]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of `subject` from `first` to `last` were not seen by this consumer."""

    subject: str
    first: int
    last: int


@dataclass(slots=True)
class Counts:
    """What came of the records so far, since the start of the process.

    `handled` events reached a handler, `ignored` had none, `duplicates` were seen
    before, `unreadable` could not be decoded, `failures` are calls of a handler that
    raised, `gaps` are warnings, not missing events.
    """

    handled: int = 0
    ignored: int = 0
    duplicates: int = 0
    unreadable: int = 0
    failures: int = 0
    gaps: int = 0
