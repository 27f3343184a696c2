"""A draft: an event that is not numbered yet, and how its body is written.

The snapshot is the largest part of every body and the same for all events of one
observation, so it is encoded once and spliced in.
"""

from collections.abc import Mapping
from dataclasses import field

from pydantic import BaseModel, JsonValue
from pydantic_core import to_json

from bridge.canonical.event_data import EventData
from bridge.values import value

Part = BaseModel | tuple[BaseModel, ...] | JsonValue | tuple[str, ...]


@value
class Draft:
    """One event to be: its type, the part it is about, the changed values before.

    `part` holds the fields that the type adds to `EventData` (`{"note": Note(…)}`),
    `before` maps JSON pointers into the snapshot to their former values.
    """

    type: type[EventData]
    part: Mapping[str, Part] = field(default_factory=dict)
    before: Mapping[str, JsonValue] = field(default_factory=dict)


def encode(draft: Draft, snapshot: bytes) -> bytes:
    """Return the JSON body of `draft` around an already encoded snapshot."""
    rest = to_json({"before": dict(draft.before), **draft.part}, by_alias=True)
    return b'{"return":' + snapshot + b"," + rest[1:]
