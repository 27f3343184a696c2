"""Changing a simulated system while it runs: its habits and switches, over HTTP.

For people and tests that drive a simulator which is a process of its own. No real
system has such a door, so none of it asks for a credential.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

T = TypeVar("T")


async def tuned(request: Request, current: T, keep: Callable[[T], None]) -> Response:
    """Show settings, a frozen dataclass; with PATCH change the fields of the body."""
    new = current
    if request.method == "PATCH":
        patched = _changed(current, await request.body())
        if patched is None:
            return unfit()
        keep(patched)
        new = patched
    content: JsonValue = _adapter(new).dump_python(new, mode="json")
    return JSONResponse(content)


def unfit() -> Response:
    """Return the answer to a body that is not what it should be."""
    return JSONResponse({"message": "no such field, or not its type"}, 422)


def read(adapter: TypeAdapter[T], body: bytes) -> T | None:
    """Read a JSON body; None if it is not what it should be."""
    try:
        return adapter.validate_json(body)
    except ValidationError:
        return None


def _adapter(current: T) -> TypeAdapter[T]:
    return TypeAdapter(type(current))


def _changed(current: T, body: bytes) -> T | None:
    adapter = _adapter(current)
    known = {field.name for field in fields(current)}  # type: ignore[arg-type]  # a dataclass
    try:
        content = orjson.loads(body)
        if not isinstance(content, dict) or not content.keys() <= known:
            return None
        merged = {**adapter.dump_python(current, mode="json"), **content}
        return adapter.validate_python(merged)
    except ValueError:  # neither JSON nor fields of these types
        return None
