"""A dead letter: one record given up on, as it came, with what was tried.

On Kafka the original key and value stay byte for byte and the original headers keep
their names, so that whoever reads events can read dead ones. What happened stands
beside them in headers named `dead-…`, and once more in those that Kafka's tooling knows
(`tooling.py`). Times are ISO 8601 in UTC. No header holds a value out of the body:
reasons are short and stable, details are cut, answers are excerpts (`masking.py`).

Bounded in size: texts are cut at 500 characters, and of original headers that are
larger than 16 KiB together the largest are left out, and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.canonical.envelope import Headers
from bridge.deadletters.tooling import PREFIXES, Mishap, tooling_headers
from bridge.errors import UnreadableError
from bridge.platforms.outcome import HttpAnswer

PREFIX = "dead-"
#: Characters that a header keeps of a detail, a path or an answer.
TEXT_LIMIT = 500
#: Bytes that all original headers may have together.
ORIGINALS_LIMIT = 16 * 1024

_OURS = (PREFIX, *PREFIXES)


@dataclass(frozen=True, slots=True)
class Position:
    """Where the original record stands; `timestamp` is milliseconds, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Tries:
    """How often it was tried, and when first and last; nothing for bad input."""

    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The event given up on, where the record is one."""

    id: str
    subject: str
    sequence: int
    type: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record given up on.

    `stage` is `normalize` or `deliver`, `target` set by the latter only. `reason` is
    short and stable, `cause` its class (`refused`, `attempts_spent`, `too_old`,
    `never_came`, `unreadable`), `path` the JSON path of the offending value, `detail` a
    sentence without personal fields, `answer` the last one of the target. `headers` are
    the original ones.
    """

    stage: str
    reason: str
    origin: Position
    died_at: datetime
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    detail: str = ""
    path: str = "$"
    target: str | None = None
    about: About | None = None
    tries: Tries = field(default_factory=Tries)
    cause: str = "unreadable"
    answer: HttpAnswer | None = None

    def to_headers(self) -> Headers:
        """Return all headers of the record; its key and value are the original's."""
        kept, dropped = _bounded(_originals(self.headers))
        facts = self._facts()
        if dropped:
            facts["headers-dropped"] = str(dropped)
        ours = tuple((PREFIX + name, text.encode()) for name, text in facts.items())
        return (*kept, *ours, *tooling_headers(self._mishap()))

    def _mishap(self) -> Mishap:
        message = f"{self.reason}: {self.detail}" if self.detail else self.reason
        return Mishap(
            topic=self.origin.topic,
            partition=self.origin.partition,
            offset=self.origin.offset,
            timestamp=self.origin.timestamp,
            stage=self.stage,
            target=self.target or "inbound",
            cause=self.cause,
            message=_short(message),
        )

    def _facts(self) -> dict[str, str]:
        facts: dict[str, object] = {
            "stage": self.stage,
            "cause": self.cause,
            "reason": self.reason,
            "detail": _short(self.detail),
            "path": _short(self.path),
            "target": self.target,
            "at": self.died_at.isoformat(),
            "attempts": self.tries.count,
            "first-tried-at": _iso(self.tries.first_at),
            "last-tried-at": _iso(self.tries.last_at),
            "topic": self.origin.topic,
            "partition": self.origin.partition,
            "offset": self.origin.offset,
            "timestamp": self.origin.timestamp,
        }
        if self.about is not None:
            facts |= {
                "event-id": self.about.id,
                "event-subject": self.about.subject,
                "event-sequence": self.about.sequence,
                "event-type": self.about.type,
            }
        if self.answer is not None:
            facts |= {
                "http-status": self.answer.status,
                "answer": _short(self.answer.excerpt) or None,
            }
        return {name: str(fact) for name, fact in facts.items() if fact is not None}


def from_headers(
    headers: Mapping[str, bytes], key: bytes | None, value: bytes | None
) -> DeadLetter:
    """Rebuild a dead letter from its record; raise UnreadableError if it is none."""
    try:
        facts = {
            name.removeprefix(PREFIX): text.decode()
            for name, text in headers.items()
            if name.startswith(PREFIX)
        }
        return DeadLetter(
            stage=facts["stage"],
            reason=facts["reason"],
            detail=facts["detail"],
            path=facts["path"],
            target=facts.get("target"),
            origin=_origin(facts),
            died_at=datetime.fromisoformat(facts["at"]),
            key=key,
            value=value,
            headers=_originals(headers),
            about=_about(facts),
            tries=_tries(facts),
            cause=facts.get("cause", ""),
            answer=_answer(facts),
        )
    except (KeyError, ValueError) as broken:
        reason = f"not a dead letter: {type(broken).__name__}"
        raise UnreadableError("not_a_letter", "$", reason) from broken


def _originals(headers: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: text for name, text in headers.items() if not name.startswith(_OURS)}


def _bounded(originals: Mapping[str, bytes]) -> tuple[Headers, int]:
    """Leave the largest out if all together are too large; return how many."""
    kept, size = set(), 0
    for name, text in sorted(originals.items(), key=lambda each: len(each[1])):
        size += len(name) + len(text)
        if size <= ORIGINALS_LIMIT:
            kept.add(name)
    headers = tuple(each for each in originals.items() if each[0] in kept)
    return headers, len(originals) - len(headers)


def _origin(facts: Mapping[str, str]) -> Position:
    return Position(
        topic=facts["topic"],
        partition=int(facts["partition"]),
        offset=int(facts["offset"]),
        timestamp=int(facts["timestamp"]),
    )


def _about(facts: Mapping[str, str]) -> About | None:
    if "event-id" not in facts:
        return None
    return About(
        id=facts["event-id"],
        subject=facts["event-subject"],
        sequence=int(facts["event-sequence"]),
        type=facts["event-type"],
    )


def _tries(facts: Mapping[str, str]) -> Tries:
    return Tries(
        count=int(facts["attempts"]),
        first_at=_time(facts.get("first-tried-at")),
        last_at=_time(facts.get("last-tried-at")),
    )


def _answer(facts: Mapping[str, str]) -> HttpAnswer | None:
    if "http-status" not in facts:
        return None
    return HttpAnswer(int(facts["http-status"]), facts.get("answer", ""))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _short(text: str) -> str:
    """Cut `text` and take out what would break a line or UTF-8."""
    start = text[:TEXT_LIMIT]
    return "".join(sign if sign.isprintable() else " " for sign in start)
