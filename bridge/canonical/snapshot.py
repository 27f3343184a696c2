"""One canonical return in the forms its users need: model, JSON, plain. Pure.

Each form is made when it is first asked for. What is compared is plain, what is
published is JSON, and a snapshot that comes back from its topic needs no model unless
somebody reads its parts.
"""

from functools import cached_property

import orjson
from pydantic import JsonValue
from pydantic_core import to_json

from bridge.canonical.model import Return
from bridge.canonical.states import State

Plain = dict[str, JsonValue]


class Snapshot:
    """A return at one moment. Made of a model, or of what was read back."""

    def __init__(self, model: Return) -> None:
        self.model = model

    @classmethod
    def from_plain(cls, plain: Plain) -> "Snapshot":
        """Return the snapshot of a JSON object that was a snapshot's before.

        Its shape is judged only when `model` is asked for.
        """
        snapshot = cls.__new__(cls)
        snapshot.plain = plain
        return snapshot

    @cached_property
    def model(self) -> Return:
        """The typed form; raises pydantic's ValidationError if it is no return.

        Fields of a newer writer are ignored.
        """
        return Return.model_validate(self.plain, extra="ignore")

    @cached_property
    def json(self) -> bytes:
        """The published form."""
        return to_json(self.model)

    @cached_property
    def plain(self) -> Plain:
        """The form to compare: objects, lists, texts, numbers as in the JSON."""
        plain: Plain = orjson.loads(self.json)
        return plain

    @property
    def state(self) -> State:
        """The state of the return, whichever form there is."""
        return State(str(self.plain["state"]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self.plain == other.plain

    def __hash__(self) -> int:
        return hash(self.json)
