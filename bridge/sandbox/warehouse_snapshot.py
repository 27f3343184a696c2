"""The warehouse's documents as `wms.return-snapshot/1` (wms.md, section 5)."""

from typing import get_args

from pydantic import JsonValue

from bridge.sandbox.front import Json
from bridge.sandbox.redo_bodies import rfc3339
from bridge.sandbox.warehouse_documents import (
    DAMAGED,
    FOREIGN,
    GOOD,
    Document,
    Fate,
    Line,
)

SPEC = "wms.return-snapshot/1"

_OUTCOMES: dict[str, Json] = {
    GOOD: {
        "disposition": "restock",
        "raw": "putaway",
        "condition": {"code": "new", "grade": "A", "raw": "A - as new"},
    },
    DAMAGED: {
        "disposition": "quarantine",
        "raw": "hold",
        "condition": {"code": "damaged", "grade": "D", "raw": "D - broken"},
    },
    FOREIGN: {
        "disposition": "quarantine",
        "raw": "hold",
        "reason_raw": "not on the announcement",
        "condition": {"code": "unknown", "grade": None, "raw": "not graded"},
    },
}


#: Ways that are taken on purpose: nobody looks closely.
_FATES: dict[str, Json] = {
    fate: {
        "disposition": fate,
        "raw": fate.replace("_", " ").title(),
        "condition": {"code": "opened", "grade": "B", "raw": "B - opened"},
    }
    for fate in get_args(Fate)
}


def snapshot(document: Document) -> Json:
    """Return the document as `wms.return-snapshot/1`."""
    stated: Json = {}
    if document.rejected_reason is not None:
        stated["rejected_reason"] = document.rejected_reason
    if document.discrepancies:
        stated["discrepancies"] = [
            {"code": code, "quantity": quantity}
            for code, quantity in document.discrepancies.items()
        ]
    return {
        "spec": SPEC,
        "wms_return_id": document.wms_return_id,
        "reference": document.reference,
        "status": document.status,
        "status_raw": document.status_raw,
        "occurred_at": rfc3339(document.occurred_at),
        "updated_at": rfc3339(document.updated_at),
        "version": document.version,
        "tracking_number": document.tracking_number,
        **stated,
        "lines": [_line(document, line) for line in document.lines],
    }


def _line(document: Document, line: Line) -> Json:
    return {
        "line_key": line.line_key,
        "sku": line.sku,
        "expected": line.expected,
        "received": line.received,
        "outcomes": [
            {
                "key": key,
                "quantity": quantity,
                **({**_OUTCOMES, **_FATES}[key]),
                "evidence": _evidence(document, key),
            }
            for key, quantity in line.outcomes.items()
        ],
    }


def _evidence(document: Document, key: str) -> list[JsonValue]:
    if key != DAMAGED:
        return []
    return [f"https://images.example/{document.wms_return_id.lower()}-1.jpg"]
