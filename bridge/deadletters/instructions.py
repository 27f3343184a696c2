"""Instructions: what an operator decided about a subject at a target; only the words.

One record of `returns.instructions` each: the key is the subject, so that the owner of
the subject's partition reads them in the order they were given; the value is the JSON
of an `Instruction`. Whether an instruction is carried out is the engine's to say, and
stands on the sheets of receipts. An instruction about a whole target (`*`) is written
once to every partition, under one id.
"""

import re
import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from bridge.canonical.envelope import event_id
from bridge.errors import UnreadableError

#: In place of a subject: all subjects of the target.
EVERYTHING = "*"
#: Operations of one patch; more is another event, not a mended one.
PATCH_LIMIT = 200

Action = Literal["retry", "edit", "discard", "pause", "resume"]
#: Actions about one event that is dead.
ABOUT_EVENTS: frozenset[Action] = frozenset({"retry", "edit", "discard"})
_NEEDS_REASON: frozenset[Action] = frozenset({"edit", "discard"})

Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sentence = Annotated[str, StringConstraints(max_length=500)]
Operation = dict[str, JsonValue]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Instruction(BaseModel):
    """One decision: `action` about one event, one subject, or a whole target.

    `event_id` and `sequence` name the event; without them the dead head of the lane is
    meant. `died_at` is the death that the operator saw: if the event has died anew
    since, the instruction is refused, for it answers another question. `patch` is RFC
    6902, for `edit` alone. `force` lifts the loop guard of `retry` and `edit`, and
    nothing else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    action: Action
    target: Word
    subject: Word
    event_id: str | None = None
    sequence: Annotated[int, Field(ge=0)] | None = None
    died_at: AwareDatetime | None = None
    patch: Annotated[list[Operation], Field(max_length=PATCH_LIMIT)] | None = None
    author: Word
    reason: Sentence = ""
    force: bool = False
    issued_at: AwareDatetime

    @model_validator(mode="after")
    def _fits(self) -> Self:
        wrong = next((why for holds, why in self._rules() if not holds), None)
        if wrong is not None:
            raise ValueError(wrong)
        return self

    def _rules(self) -> tuple[tuple[bool, str], ...]:
        about_event = self.action in ABOUT_EVENTS
        named = self.event_id is not None
        known = named and self.sequence is not None
        return (
            (
                not about_event or self.subject != EVERYTHING,
                f"{self.action} needs one subject",
            ),
            (about_event or not named, f"{self.action} is not about one event"),
            (
                named == (self.sequence is not None),
                "event_id and sequence go together",
            ),
            (
                not known
                or not self.sequence  # a hint has no number, and an id of its own
                or self.event_id == event_id(self.subject, self.sequence),
                "event_id is not the id of this sequence",
            ),
            (
                (self.action == "edit") == bool(self.patch),
                "edit needs a patch, and edit alone",
            ),
            (
                bool(self.reason.strip()) or self.action not in _NEEDS_REASON,
                f"{self.action} needs a reason",
            ),
            (
                not _CONTROL.search(self.author + self.reason + self.subject),
                "no control characters in author, reason and subject",
            ),
        )


def new_id() -> str:
    """Return the id of a new instruction: 32 random hex digits."""
    return uuid.uuid4().hex


def encode(instruction: Instruction) -> tuple[bytes, bytes]:
    """Return key and value of the record."""
    value = instruction.model_dump_json(exclude_none=True).encode()
    return instruction.subject.encode(), value


def decode(key: bytes | None, value: bytes | None) -> Instruction:
    """Read a record; raise UnreadableError if it is no instruction for its key.

    The message names the field and the rule, and no value.
    """
    try:
        instruction = Instruction.model_validate_json(value or b"")
    except ValidationError as broken:
        first = broken.errors(include_input=False, include_url=False)[0]
        path = ".".join(["$", *map(str, first["loc"])])
        # Without its cause: the message of that quotes the record.
        raise UnreadableError("not_an_instruction", path, first["msg"]) from None
    if key != instruction.subject.encode():
        raise UnreadableError("not_an_instruction", "$.subject", "the key differs")
    return instruction


def is_older(instruction: Instruction, died_at: datetime) -> bool:
    """Tell whether the operator saw another death than the one at `died_at`."""
    return instruction.died_at is not None and instruction.died_at != died_at
