"""The record of `returns.hints`: "look at this return", in an event's envelope.

A hint has the headers of a canonical event (`canonical/envelope.py`), so that the
delivery engine takes it to a fetch target as it takes an event to any other; but it
has no number and no chain, for it is none. Its body says why, and nothing else of
what came: the sender is not believed.
"""

import hashlib
from datetime import datetime

from pydantic_core import from_json, to_json

from bridge.canonical.envelope import Event, to_headers
from bridge.platforms.contract import Hint
from bridge.streams.records import Outgoing

HINT = "hint.noted"


def to_hint(hint: Hint, topic: str) -> Outgoing:
    """Return the record of `hint`, keyed by its subject."""
    event = Event(
        id=_id(hint),
        type=HINT,
        subject=hint.subject,
        sequence=0,
        chain="",
        time=hint.received_at,
        source=f"hint/{hint.subject.rpartition('/')[0]}",
        causation_id=hint.delivery_id,
        body=to_json({"reason": hint.reason}),
    )
    key = hint.subject.encode()
    return Outgoing(topic, key, event.body, to_headers(event))


def _id(hint: Hint) -> str:
    """Return an id that a repeated delivery of the same hint has too."""
    text = f"{hint.subject}\n{hint.reason}\n{hint.delivery_id}\n{_at(hint.received_at)}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def reason_of(event: Event) -> str:
    """Return why the return is to be looked at; empty for a body of another kind."""
    try:
        body = from_json(event.body)
    except ValueError:
        return ""
    reason = body.get("reason") if isinstance(body, dict) else None
    return reason if isinstance(reason, str) else ""
