"""Parked events: what a lane is waiting for, kept outside the log. A codec, pure.

Records of `returns.parked.<target>`, compacted, on the partition of the event:

    key              value                       state in the header `parked-state`
    event id         b""                         kind `note`: the head of a lane that is
                                                 still in the log was tried in vain
    event id         the body, byte for byte     kind `parked`: the event left the log
    `pause:SUBJECT`  who paused it, and why      (none; `pause:*` pauses the target)
    `doubt`          until when (ms) events are  (none)
                     in doubt: an owner was lost
                     with calls under way

A value None ends each of them: the event is finished, the pause is over. A parked
event keeps its original headers by name, so that its body need not be read to know it.
Order within a lane is the order of `offset`, the place in the events topic.
(`standing.py` has one more record in this topic.)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from bridge.canonical.envelope import Headers
from bridge.errors import UnreadableError

STATE = "parked-state"
PAUSE = "pause:"
DOUBT = b"doubt"
#: The subject of a pause that holds for the whole target.
WHOLE_TARGET = "*"
#: Characters of a detail or a reason that are kept.
DETAIL_LIMIT = 500

Kind = Literal["note", "parked"]
DeathCause = Literal["refused", "attempts_spent", "too_old", "never_came", "unreadable"]

_OPEN = ConfigDict(extra="ignore")  # a newer writer may say more


@checked(frozen=True, slots=True, config=_OPEN)
class Trouble:
    """What is known of an event that is not finished; all of it survives a crash.

    `tried` counts attempts, `failures` those that used up patience, `failing` the
    time they and their waits took. `last_outcome` is a word of the receipts.
    `answer_lost`: a call may have had its effect. `replays` counts an operator's
    retries after a death of the same `replay_cause`, `replayed_by` is the last
    instruction that let it go again.
    """

    tried: int = 0
    failures: int = 0
    failing: timedelta = timedelta()
    first_failed_at: datetime | None = None
    last_tried_at: datetime | None = None
    last_outcome: str = ""
    last_reason: str = ""
    http_status: int | None = None
    next_try_at: datetime | None = None
    answer_lost: bool = False
    replays: int = 0
    replay_cause: str = ""
    replayed_by: str = ""


@checked(frozen=True, slots=True, config=_OPEN)
class Death:
    """Why an event was given up. `cause` is its class, `reason` short and stable."""

    reason: str
    detail: str
    cause: DeathCause
    at: datetime


@checked(frozen=True, slots=True, config=_OPEN)
class Edited:
    """An operator's change of the body: RFC 6902 `patch` as JSON text.

    The original body is in the dead letter; `original_digest` is its SHA-256.
    """

    instruction: str
    author: str
    reason: str
    at: datetime
    original_digest: str
    patch: str


@checked(frozen=True, slots=True, config=_OPEN)
class State:
    """The header `parked-state`, JSON. `offset` and `timestamp` are the event's own."""

    kind: Kind
    subject: str
    sequence: int
    offset: int
    timestamp: int
    parked_at: datetime
    trouble: Trouble
    death: Death | None = None
    edited: Edited | None = None
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event outside the log, or a note about one in it.

    `headers` are those of the event; a note has neither them nor a body.
    """

    event_id: str
    state: State
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@checked(frozen=True, slots=True, config=_OPEN)
class Pause:
    """An operator's stop of a subject, or of the target (`subject` `*`)."""

    subject: str
    instruction: str
    author: str
    reason: str
    at: datetime
    version: Literal[1] = 1


STATE_SHAPE = TypeAdapter(State)
PAUSE_SHAPE = TypeAdapter(Pause)


def encode(parked: ParkedEvent) -> tuple[bytes, bytes, Headers]:
    """Return key, value and headers of the record."""
    kept = tuple(
        (name, value) for name, value in parked.headers.items() if name != STATE
    )
    state = (STATE, STATE_SHAPE.dump_json(parked.state))
    return parked.event_id.encode(), parked.body, (*kept, state)


def decode(key: bytes, value: bytes, headers: Mapping[str, bytes]) -> ParkedEvent:
    """Read a record that is no tombstone and no pause.

    Raises UnreadableError for another version, broken JSON and foreign records.
    """
    try:
        state = STATE_SHAPE.validate_json(headers[STATE])
        event_id = key.decode()
    except (KeyError, UnicodeDecodeError, ValidationError) as broken:
        raise _foreign("not_parked", broken) from None
    kept = {name: text for name, text in headers.items() if name != STATE}
    return ParkedEvent(event_id, state, value, kept)


def encode_doubt(until: int) -> tuple[bytes, bytes]:
    """Return key and value of the record: events up to `until` (ms) are in doubt."""
    return DOUBT, str(until).encode()


def decode_doubt(value: bytes | None) -> int:
    """Read the value of a doubt; one that is none says nothing: 0."""
    text = (value or b"").decode(errors="replace")
    return int(text) if text.isdecimal() else 0


def pause_key(subject: str) -> bytes:
    """Return the key of a subject's pause."""
    return f"{PAUSE}{subject}".encode()


def is_pause(key: bytes) -> bool:
    """Tell whether a record, or a tombstone, is about a pause."""
    return key.startswith(PAUSE.encode())


def paused_subject(key: bytes) -> str:
    """Return whom the pause under `key` is about."""
    return key.decode(errors="replace").removeprefix(PAUSE)


def encode_pause(pause: Pause) -> tuple[bytes, bytes]:
    """Return key and value of the record."""
    return pause_key(pause.subject), PAUSE_SHAPE.dump_json(pause)


def decode_pause(value: bytes) -> Pause:
    """Read the value of a pause; raise UnreadableError if it is none."""
    try:
        return PAUSE_SHAPE.validate_json(value)
    except ValidationError as broken:
        raise _foreign("not_a_pause", broken) from None


def _foreign(reason: str, broken: Exception) -> UnreadableError:
    # Without its cause: the message of that quotes what it could not read.
    return UnreadableError(reason, "$", f"not of this version: {type(broken).__name__}")
