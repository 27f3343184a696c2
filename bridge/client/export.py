"""What stands under `schemas/`, generated: one text per file, the same on every run.

Documents of parts that the client does not know (OpenAPI, of the inbound door) are
given by whoever joins the parts.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import cast

import yaml

from bridge.canonical import schemas
from bridge.canonical.schemas import Schema
from bridge.client import asyncapi, headers
from bridge.deadletters.instructions import Instruction
from bridge.deadletters.parked import Pause, State
from bridge.deadletters.standing import Standing
from bridge.streams.receipts import Sheet

_NONE: Mapping[str, Schema] = MappingProxyType({})


def documents(more: Mapping[str, Schema] = _NONE) -> dict[str, str]:
    """Return the text of every document by its path under `schemas/`.

    `more` are further documents, by path. A path that ends in `.yaml` is written as
    YAML, every other as JSON.
    """
    found = {
        **schemas.documents(),
        "snapshot.json": _snapshot(),
        "receipt-sheet.json": _sheet(),
        "dead-letter-headers.json": headers.DEAD_LETTER,
        "instruction.json": schemas.schema_of(Instruction),
        "parked-state.json": schemas.schema_of(State),
        "parked-pause.json": schemas.schema_of(Pause),
        "parked-standing.json": schemas.schema_of(Standing),
        "asyncapi.yaml": asyncapi.document(),
        **more,
    }
    return {path: _text(path, found[path]) for path in sorted(found)}


def write(directory: Path, documents: Mapping[str, str]) -> list[Path]:
    """Write `documents` and remove schemas that are no longer made.

    Returns what was changed or removed.
    """
    changed = [
        directory / path
        for path, text in documents.items()
        if not _holds(directory / path, text)
    ]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(documents[path.relative_to(directory).as_posix()])
    return changed + _removed(directory, documents)


def _snapshot() -> Schema:
    """Return the part of a record of `returns.snapshots` that others may rely on."""
    return {
        "$schema": schemas.DIALECT,
        "title": "snapshot of a return",
        "description": "A return as it stands after the event of that sequence. "
        "Fields that are not listed are the bridge's own.",
        "type": "object",
        "required": ["schema_version", "subject", "sequence", "chain", "return"],
        "properties": {
            "schema_version": {"const": 1},
            "subject": {"type": "string", "description": "platform/account/native-id"},
            "sequence": {"type": "integer", "minimum": 0},
            "chain": {"type": "string", "description": "chain after that event"},
            "return": {"anyOf": [{"$ref": schemas.RETURN}, {"type": "null"}]},
        },
    }


def _sheet() -> Schema:
    """Return the schema of a sheet as it is encoded: its fields and a version."""
    schema = schemas.schema_of(Sheet)
    fields = cast("Schema", schema["properties"])
    return {**schema, "properties": {"version": {"const": 1}, **fields}}


def _removed(directory: Path, documents: Mapping[str, str]) -> list[Path]:
    stale = [
        path
        for path in sorted(directory.rglob("*"))
        if path.suffix in {".json", ".yaml"}
        and path.relative_to(directory).as_posix() not in documents
    ]
    for path in stale:
        path.unlink()
    return stale


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _text(path: str, document: Schema) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if not path.endswith(".yaml"):
        return text + "\n"
    # Read back: a value that stands in two places would become a YAML alias.
    copy = json.loads(text)
    return yaml.safe_dump(copy, sort_keys=False, allow_unicode=True, width=88)
