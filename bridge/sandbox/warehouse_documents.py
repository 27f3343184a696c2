"""The warehouse's own documents: what was announced, what was found, as it stands.

Pure: the physical work changes a document here.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, NonNegativeInt

Fate = Literal[
    "quarantine",
    "refurbish",
    "return_to_merchant",
    "donate",
    "dispose",
    "not_restocked",
    "pending",
    "other",
]
"""What may be done with units instead of putting them back (wms.md, section 4)."""

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
    """One thing in a parcel. `fate` is what is done with it, if not the usual."""

    sku: str
    damaged: bool = False
    fate: Fate | None = None


class Handling(StrEnum):
    """What becomes of a parcel."""

    FULL = "full"
    AT_ONCE = "at-once"
    UNIT_BY_UNIT = "unit-by-unit"
    LATE = "late"
    SHORT = "short"
    EXCESS = "excess"
    WRONG_ITEM = "wrong-item"
    UNEXPECTED_ITEM = "unexpected-item"
    UNIDENTIFIED = "unidentified"
    DAMAGED = "damaged"
    DAMAGED_IN_TRANSIT = "damaged-in-transit"
    EMPTY = "empty"
    MISCOUNTED = "miscounted"
    REOPENED = "reopened"
    REFUSED = "refused"
    NOT_ARRIVED = "not-arrived"
    ODD_STATUS = "odd-status"
    CANCELLED = "cancelled-by-hand"
    MERGED = "merged"
    QUARANTINE = "quarantine"
    REFURBISH = "refurbish"
    RETURN_TO_MERCHANT = "return-to-merchant"
    DONATE = "donate"
    DISPOSE = "dispose"
    NOT_RESTOCKED = "not-restocked"
    PENDING = "pending"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What comes to the dock: a label, and whatever the shopper put into the box.

    `boxes` tells how many boxes one announcement comes in; each is a parcel of the
    same number. Without a `handling` the warehouse chooses one.
    """

    tracking_number: str
    units: tuple[Unit, ...]
    boxes: int = 1
    handling: Handling | None = None


@dataclass(slots=True)
class Line:
    """One line: announced units, counted units, and what they looked like."""

    line_key: str
    sku: str | None
    expected: int
    units: list[Unit] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """How many units were counted in."""
        return len(self.units)


@dataclass(slots=True)
class Document:
    """One inbound return. `version` and `updated_at` rise with every change.

    Without a reference nobody announced it. `boxes` are those of its parcels that
    were worked off, `discrepancies` what is wrong beside the counts, by code.
    """

    wms_return_id: str
    reference: str | None
    revision: int
    tracking_number: str | None
    lines: list[Line]
    occurred_at: datetime
    updated_at: datetime
    status: str = "awaiting"
    status_raw: str = "created"
    version: int = 1
    boxes: int = 0
    rejected_reason: str | None = None
    discrepancies: dict[str, int] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Tell whether the goods are in the building: too late to cancel."""
        return self.boxes > 0 or self.status in {"arrived", "processing", "completed"}


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


def count(document: Document, units: Iterable[Unit]) -> None:
    """Count `units` in, line by line; what fits on none gets a line of its own."""
    for unit in units:
        same = [line for line in document.lines if line.sku == unit.sku]
        free = [line for line in same if line.received < line.expected]
        fitting = free or same
        if not fitting:
            number = len(document.lines)
            fitting = [Line(f"unexpected:{number}", unit.sku, expected=0)]
            document.lines += fitting
        fitting[0].units.append(unit)


def uncount(document: Document) -> None:
    """Take back the last unit of the first line that has one."""
    counted = (line for line in document.lines if line.units)
    line = next(counted, None)
    if line is not None:
        line.units.pop()


def grade(document: Document) -> None:
    """Set aside what does not go back to the shelf; that is put away later."""
    for line in document.lines:
        found = Counter(_outcome(line, unit) for unit in line.units)
        line.outcomes = {key: number for key, number in found.items() if key != GOOD}


def put_away(document: Document) -> None:
    """Restock what nobody has set aside."""
    grade(document)
    for line in document.lines:
        good = line.received - sum(line.outcomes.values())
        line.outcomes |= {GOOD: good} if good else {}


def _outcome(line: Line, unit: Unit) -> str:
    """Return the key of what becomes of a unit."""
    if line.expected == 0:
        return FOREIGN
    return unit.fate or (DAMAGED if unit.damaged else GOOD)
