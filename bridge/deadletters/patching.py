"""Mending an event's data with a JSON Patch (RFC 6902): apply, validate, or refuse.

What an event *is* cannot be patched: its id, type and sequence stand in headers, and
the subject of its return stays as it was. Its chain stays the original's as well, for
the chain proves which event was meant, not what was sent in its place.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import jsonpatch
from jsonpointer import JsonPointerException
from pydantic import JsonValue, ValidationError
from pydantic_core import from_json, to_json

from bridge.canonical.envelope import Event
from bridge.canonical.event_data import EventData
from bridge.canonical.events import TYPES
from bridge.errors import BridgeError

#: Bytes of a patched body: as much as a body may have when it comes in.
SIZE_LIMIT = 2 * 1024 * 1024
_IDENTITY = ("schema_version", "subject", "platform", "account", "native_id")

Patch = Sequence[Mapping[str, JsonValue]]


class PatchError(BridgeError):
    """A patch that cannot be used; `reason` is short and stable.

    `does_not_apply`, `touches_identity`, `breaks_schema`, `too_large`,
    `changes_nothing` or `unreadable_event`. The message quotes no value.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def apply_patch(event: Event, patch: Patch) -> bytes:
    """Return the body of `event` after `patch`; raise PatchError."""
    before = _parse(event)
    after = before
    for number, operation in enumerate(patch, start=1):
        after = _apply(after, number, operation)
    if after == before:
        raise PatchError("changes_nothing", "the patch changes nothing")
    _keep_identity(before, after)
    body = to_json(after)
    _validate(event, before, body)
    return body


def make_patch(before: bytes, after: bytes) -> list[dict[str, JsonValue]]:
    """Return the patch that turns one JSON document into another.

    Raises PatchError if either is not JSON.
    """
    old, new = (_json(text) for text in (before, after))
    return list(jsonpatch.make_patch(old, new))


def _parse(event: Event) -> JsonValue:
    try:
        return _json(event.body)
    except PatchError:
        raise PatchError(
            "unreadable_event", "the event's body is not JSON: it can only be discarded"
        ) from None


def _json(text: bytes) -> JsonValue:
    try:
        return cast("JsonValue", from_json(text, allow_inf_nan=False))
    except ValueError as broken:
        raise PatchError("does_not_apply", f"not JSON: {broken}") from None


def _apply(
    document: JsonValue, number: int, operation: Mapping[str, JsonValue]
) -> JsonValue:
    """Apply one operation. Messages of the library may quote values: ours do not."""
    what = f"operation {number} ({operation.get('op')} {operation.get('path')})"
    try:
        after: JsonValue = jsonpatch.apply_patch(document, [operation])
    except jsonpatch.JsonPatchTestFailed:
        raise PatchError("does_not_apply", f"{what}: the test failed") from None
    except (
        jsonpatch.JsonPatchException,
        JsonPointerException,
        TypeError,
        ValueError,
    ) as broken:
        name = type(broken).__name__
        raise PatchError("does_not_apply", f"{what} does not apply: {name}") from None
    # Copies of copies would grow without end.
    if operation.get("op") == "copy" and len(to_json(after)) > SIZE_LIMIT:
        raise PatchError("too_large", f"{what} makes the event too large")
    return after


def _keep_identity(before: JsonValue, after: JsonValue) -> None:
    for name in _IDENTITY:
        if _part(before, name) != _part(after, name):
            raise PatchError(
                "touches_identity",
                f"/return/{name} says which return this is and cannot be patched",
            )


def _part(document: JsonValue, name: str) -> JsonValue:
    return_ = document.get("return") if isinstance(document, dict) else None
    return return_.get(name) if isinstance(return_, dict) else None


def _validate(event: Event, before: JsonValue, body: bytes) -> None:
    """Hold the result to the model; closed, if the original was so itself."""
    if len(body) > SIZE_LIMIT:
        raise PatchError("too_large", f"the event would have {len(body):,} bytes")
    model = TYPES.get(event.type)
    if model is None:
        raise PatchError("unreadable_event", f"no event type {event.type} is known")
    extra: Literal["forbid", "ignore"] = (
        "forbid" if _fits(model, to_json(before)) else "ignore"
    )
    try:
        model.model_validate_json(body, extra=extra)
    except ValidationError as broken:
        first = broken.errors(include_input=False, include_url=False)[0]
        place = "/".join(["", *map(str, first["loc"])])
        raise PatchError(
            "breaks_schema", f"the event would not be valid: {place}: {first['msg']}"
        ) from None


def _fits(model: type[EventData], body: bytes) -> bool:
    try:
        model.model_validate_json(body, extra="forbid")
    except ValidationError:
        return False
    return True
