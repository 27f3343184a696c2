"""The envelope: one canonical event as CloudEvents 1.0 on Kafka, binary mode.

Sequence and chain make a subject's history checkable: the id is a UUIDv5 of
(subject, sequence), never of partition or offset, and the chain is a running hash
over id, type and body of every event so far. `seal` numbers new events; `to_headers`
and `from_headers` are the codec (CloudEvents Kafka binding, section 3.2, with the
`sequence` and `partitioning` extensions and our `chain` and `causationid`).
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from functools import lru_cache

import orjson
from pydantic import ValidationError
from pydantic_core import from_json

from bridge.canonical.event_data import EventData
from bridge.canonical.events import TYPES
from bridge.errors import UnreadableError
from bridge.values import value

Headers = tuple[tuple[str, bytes], ...]

NAMESPACE = uuid.UUID("6f0f6d0e-5d0c-5e1c-9f6b-1c7a3f1f4b11")
_PREFIX, _SUFFIX = "returns.", ".v1"


def event_id(subject: str, sequence: int) -> str:
    """Return the id of the subject's event number `sequence` (1, 2, 3 …).

    A UUIDv5 (RFC 9562, section 5.5), written out here at a fifth of uuid.uuid5's cost.
    """
    name = NAMESPACE.bytes + f"{subject}#{sequence}".encode()
    text = hashlib.sha1(name, usedforsecurity=False).hexdigest()
    last = f"{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:32]}"
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{last}"


def chain_start(subject: str) -> str:
    """Return the chain value before the first event of `subject`."""
    return hashlib.sha256(subject.encode()).hexdigest()[:32]


def chain_next(chain: str, event_id: str, type_: str, body: bytes) -> str:
    """Return the chain after one more event: 32 hex digits of SHA-256."""
    digest = hashlib.sha256(f"{chain}\n{event_id}\n{type_}\n".encode())
    digest.update(body)
    return digest.hexdigest()[:32]


@value
class Event:
    """One canonical event. `type` is the short name, `body` the JSON of its data."""

    id: str
    type: str
    subject: str
    sequence: int
    chain: str
    time: datetime
    source: str
    causation_id: str
    body: bytes = field(repr=False)
    traceparent: str | None = None

    def read(self) -> EventData:
        """Parse the body; raise UnreadableError for an unknown type or shape.

        Fields that this version does not know are ignored: a writer may be newer
        than its readers.
        """
        model = TYPES.get(self.type)
        if model is None:
            raise UnreadableError("unknown_type", "$", f"no event type {self.type}")
        try:
            return model.model_validate_json(self.body, extra="ignore")
        except ValidationError as broken:
            path = _json_path(broken.errors(include_input=False)[0]["loc"])
            # Without its cause: the message of that quotes the body.
            raise UnreadableError("shape", path) from None

    def read_before(self) -> Mapping[str, object]:
        """Return the former values alone, at a sixth of the cost of `read`.

        Raises UnreadableError where the body is no object or they are none.
        """
        try:
            before = orjson.loads(self.body).get("before", {})
        except (ValueError, AttributeError):
            raise UnreadableError("shape", "$") from None
        if not isinstance(before, dict):
            raise UnreadableError("shape", "$.before")
        return before

    def read_json(self) -> object:
        """Parse the body without its model."""
        return from_json(self.body)

    @property
    def wire_type(self) -> str:
        """The type as CloudEvents carry it: `returns.return.approved.v1`."""
        return f"{_PREFIX}{self.type}{_SUFFIX}"


@value
class Cause:
    """What made events: source URI, time of the fact, id of the observation."""

    source: str
    time: datetime
    causation_id: str
    traceparent: str | None = None


def to_headers(event: Event) -> Headers:
    """Return the Kafka headers of `event`; key is the subject, value the body."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_type", event.wire_type.encode()),
        ("ce_source", event.source.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", event.time.isoformat().encode()),
        ("ce_sequence", str(event.sequence).encode()),
        ("ce_partitionkey", event.subject.encode()),
        ("ce_chain", event.chain.encode()),
        ("ce_causationid", event.causation_id.encode()),
        ("content-type", b"application/json"),
    ]
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    return tuple(headers)


def from_headers(headers: Mapping[str, bytes], body: bytes) -> Event:
    """Rebuild an event from a record; raise UnreadableError if it is none."""
    try:
        traceparent = headers.get("traceparent")
        return Event(
            id=headers["ce_id"].decode(),
            type=_short(headers["ce_type"]),
            subject=headers["ce_subject"].decode(),
            sequence=int(headers["ce_sequence"]),
            chain=headers["ce_chain"].decode(),
            time=datetime.fromisoformat(headers["ce_time"].decode()),
            source=headers["ce_source"].decode(),
            causation_id=headers["ce_causationid"].decode(),
            body=body,
            traceparent=None if traceparent is None else traceparent.decode(),
        )
    except (KeyError, ValueError) as broken:
        reason = f"not a canonical event: {type(broken).__name__}"
        raise UnreadableError("not_an_event", "$", reason) from broken


def _json_path(place: tuple[int | str, ...]) -> str:
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in place
    )


@lru_cache(maxsize=256)
def _short(encoded: bytes) -> str:
    wire_type = encoded.decode()
    if not (wire_type.startswith(_PREFIX) and wire_type.endswith(_SUFFIX)):
        raise ValueError(wire_type)
    return wire_type[len(_PREFIX) : -len(_SUFFIX)]


def seal(
    subject: str,
    sequence: int,
    chain: str,
    cause: Cause,
    bodies: list[tuple[str, bytes]],
) -> list[Event]:
    """Number `bodies` (short type, JSON) after `sequence` and extend the chain."""
    events = []
    for type_, body in bodies:
        sequence += 1
        id_ = event_id(subject, sequence)
        chain = chain_next(chain, id_, type_, body)
        events.append(
            Event(
                id=id_,
                type=type_,
                subject=subject,
                sequence=sequence,
                chain=chain,
                time=cause.time,
                source=cause.source,
                causation_id=cause.causation_id,
                body=body,
                traceparent=cause.traceparent,
            )
        )
    return events
