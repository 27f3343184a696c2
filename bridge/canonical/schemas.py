"""The canonical language as JSON Schema 2020-12, for readers in any language.

`return.json` defines the return and all its parts; every other document refers to it
by relative path, so a change of the model is one change of one file. Schemas are open:
a reader must ignore fields it does not know, since newer writers add some. (The models
are closed, so that the bridge itself never writes one by mistake.)
"""

from collections.abc import Mapping
from functools import cache
from typing import cast

from pydantic import JsonValue, TypeAdapter

from bridge.canonical.events import TYPES
from bridge.canonical.model import Return

Schema = dict[str, JsonValue]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RETURN = "return.json"
_LOCAL = "#/$defs/"


def documents() -> dict[str, Schema]:
    """Return every schema of the canonical language by its path under `schemas/`."""
    events = {
        f"events/{name}.json": schema_of(model, f"../{RETURN}")
        | {"title": f"returns.{name}.v1"}
        for name, model in TYPES.items()
    }
    return {RETURN: schema_of(Return), **events}


def schema_of(shape: type[object], home: str | None = None) -> Schema:
    """Return the schema of a model or dataclass.

    With `home`, the relative path to `return.json`, the parts of a return are
    referred to there; without, they are defined in the document itself.
    """
    schema: Schema = TypeAdapter(shape).json_schema()
    moved = {} if home is None else _places(home)
    own = {
        name: part
        for name, part in _definitions(schema).items()
        if _LOCAL + name not in moved
    }
    return {
        "$schema": DIALECT,
        **_published({key: schema[key] for key in schema if key != "$defs"}, moved),
        **({"$defs": _published(own, moved)} if own else {}),
    }


def _places(home: str) -> dict[str, str]:
    """Return where each part of a return is defined, by its local reference."""
    shared = {_LOCAL + name: f"{home}{_LOCAL}{name}" for name in _shared()}
    return {**shared, _LOCAL + Return.__name__: home}


@cache
def _shared() -> frozenset[str]:
    return frozenset(_definitions(TypeAdapter(Return).json_schema()))


def _definitions(schema: Schema) -> Schema:
    return cast("Schema", schema.get("$defs", {}))


def _published(schema: Schema, moved: Mapping[str, str]) -> Schema:
    """Return `schema` open to more fields, with its references moved."""
    return {
        key: _published_part(key, part, moved)
        for key, part in schema.items()
        if not (key == "additionalProperties" and part is False)
    }


def _published_part(key: str, part: JsonValue, moved: Mapping[str, str]) -> JsonValue:
    match part:
        case str() if key == "$ref":
            return moved.get(part, part)
        case dict():
            return _published(part, moved)
        case list():
            return [_published_part("", one, moved) for one in part]
        case _:
            return part
