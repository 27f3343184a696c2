"""The warehouse's own documents: what was announced, what was found, as it stands.

Pure: the physical work changes a document here, and `snapshot` writes it as
`wms.return-snapshot/1` (wms.md, section 5).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue, NonNegativeInt

from bridge.sandbox.front import Json
from bridge.sandbox.redo_bodies import rfc3339

SPEC = "wms.return-snapshot/1"
GOOD, DAMAGED, FOREIGN = "A", "D", "U"
#: The shortest limit that was found on references (wms.md, section 1).
LONGEST_REFERENCE = 50


class _AnnouncedLine(BaseModel):
    line_key: str
    sku: str | None = None
    quantity: NonNegativeInt = 1


class _AnnouncedParcel(BaseModel):
    tracking_number: str | None = None


class Announced(BaseModel):
    """`wms.inbound-return/1` as far as this warehouse reads it."""

    spec: Literal["wms.inbound-return/1"]
    reference: Annotated[str, Field(max_length=LONGEST_REFERENCE)]
    revision: NonNegativeInt
    state: Literal["expected", "cancelled"]
    parcel: _AnnouncedParcel = _AnnouncedParcel()
    lines: tuple[_AnnouncedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing in a parcel."""

    sku: str
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """What comes to the dock: a label, and whatever the shopper put into the box."""

    tracking_number: str
    units: tuple[Unit, ...]


@dataclass(slots=True)
class Line:
    """One line: announced units, counted units, and what they looked like."""

    line_key: str
    sku: str | None
    expected: int
    received: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Document:
    """One inbound return. `version` and `updated_at` rise with every change."""

    wms_return_id: str
    reference: str
    revision: int
    tracking_number: str | None
    lines: list[Line]
    occurred_at: datetime
    updated_at: datetime
    status: str = "awaiting"
    status_raw: str = "created"
    version: int = 1

    @property
    def begun(self) -> bool:
        """Tell whether the goods are in the building: too late to cancel."""
        return self.status in {"arrived", "processing", "completed"}


def revise(document: Document, announced: Announced) -> None:
    """Take over a newer announcement; what was counted stays."""
    counted = {line.line_key: line for line in document.lines}
    lines = []
    for wanted in announced.lines:
        line = counted.pop(wanted.line_key, None)
        line = line or Line(wanted.line_key, wanted.sku, wanted.quantity)
        line.expected = wanted.quantity
        lines.append(line)
    lines += [line for line in counted.values() if line.received]
    document.lines = lines
    document.revision = announced.revision
    document.tracking_number = (
        announced.parcel.tracking_number or document.tracking_number
    )


def advance(document: Document, status: str, raw: str, now: datetime) -> None:
    """Note that something happened now."""
    document.status, document.status_raw = status, raw
    document.occurred_at = document.updated_at = now
    document.version += 1


def count(document: Document, units: tuple[Unit, ...]) -> None:
    """Count `units` in, line by line; what fits on none gets a line of its own."""
    for unit in units:
        same = [line for line in document.lines if line.sku == unit.sku]
        free = [line for line in same if line.received < line.expected]
        fitting = free or same
        if not fitting:
            number = len(document.lines)
            fitting = [Line(f"unexpected:{number}", unit.sku, expected=0)]
            document.lines += fitting
        fitting[0].received += 1


def grade(document: Document, units: tuple[Unit, ...]) -> None:
    """Set damaged and foreign units aside; a line's good units are put away later."""
    damaged = [unit.sku for unit in units if unit.damaged]
    for line in document.lines:
        foreign = line.received if line.expected == 0 else 0
        bad = min(damaged.count(line.sku or ""), line.received - foreign)
        line.outcomes = _without_zeros({FOREIGN: foreign, DAMAGED: bad})


def put_away(document: Document) -> None:
    """Restock what nobody has set aside."""
    for line in document.lines:
        good = line.received - sum(line.outcomes.values())
        line.outcomes |= _without_zeros({GOOD: good})


def _without_zeros(outcomes: dict[str, int]) -> dict[str, int]:
    return {key: quantity for key, quantity in outcomes.items() if quantity > 0}


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


def snapshot(document: Document) -> Json:
    """Return the document as `wms.return-snapshot/1`."""
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
                **_OUTCOMES[key],
                "evidence": _evidence(document, key),
            }
            for key, quantity in line.outcomes.items()
        ],
    }


def _evidence(document: Document, key: str) -> list[JsonValue]:
    if key != DAMAGED:
        return []
    return [f"https://images.example/{document.wms_return_id.lower()}-1.jpg"]
