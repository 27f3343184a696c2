"""`schemas write`: every document that is generated from the code."""

from pathlib import Path
from typing import cast

from bridge.canonical.schemas import Schema
from bridge.client.export import documents, write
from bridge.inbound.openapi import openapi


def write_schemas(folder: Path) -> list[Path]:
    """Write all schemas below `folder`; return what changed."""
    document = cast("Schema", openapi())
    return write(folder, documents({"openapi.yaml": document}))
