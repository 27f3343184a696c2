"""Opening an inbound body: JSON, an envelope or none, a spec, a shape.

Everything that can be wrong ends in an UnreadableError with the JSON path of the
place and without any value of the body.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bridge.errors import UnreadableError

LONGEST_ID = 128
_Payload = TypeVar("_Payload", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Message:
    """The document of a body, where in the body it stands, the envelope's time."""

    content: Mapping[str, object]
    path: str = "$"
    time: object = None


def open_body(body: bytes) -> Message:
    """Return the document in `body`; raise UnreadableError `not_json` or `shape`.

    orjson refuses NaN, lone surrogates and deep nesting; of duplicate keys the last
    one counts. The envelope is CloudEvents 1.0, structured mode.
    """
    try:
        outer = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise UnreadableError("not_json") from broken
    if not isinstance(outer, dict):
        raise UnreadableError("shape", "$", "an object is due at $")
    if "specversion" not in outer:
        return Message(outer)
    inner = outer.get("data")
    if not isinstance(inner, dict):
        raise UnreadableError("shape", "$.data", "an object is due at $.data")
    return Message(inner, "$.data", outer.get("time"))


def id_of(message: Message) -> str | None:
    """Return the warehouse's id of the return, None if there is no usable one."""
    value = message.content.get("wms_return_id")
    text = str(value) if type(value) is int else value
    if isinstance(text, str) and 0 < len(text) <= LONGEST_ID and text.isprintable():
        return text
    return None


def read_as(model: type[_Payload], message: Message) -> _Payload:
    """Return the document as `model`; raise UnreadableError `shape` with its path."""
    try:
        return model.model_validate(message.content)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        path = message.path + "".join(_step(step) for step in first["loc"])
        raise UnreadableError("shape", path, f"{first['type']} at {path}") from None


def _step(step: int | str) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"
