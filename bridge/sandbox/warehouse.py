"""The simulated warehouse: what it was told to expect, and the work at its dock.

Announcement and parcel meet by tracking number only. It knows nothing of shops.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random

from bridge.clock import Clock
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.warehouse_documents import (
    Announced,
    Document,
    Line,
    Parcel,
    advance,
    count,
    grade,
    put_away,
    revise,
)
from bridge.sandbox.warehouse_reports import Reporter

_POLL = timedelta(milliseconds=50)


class Verdict(StrEnum):
    """What an announcement came to."""

    NEW = "new"
    NEWER = "newer"
    SAME = "same"
    STALE = "stale"
    TOO_LATE = "too late"
    NEVER_KNOWN = "never known"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast people work: seconds per step, at least and at most.

    A parcel that nobody announced waits `patience` and is set aside.
    """

    least: float = 0.3
    most: float = 0.9
    patience: timedelta = timedelta(seconds=30)
    seed: int = 0

    def steps(self, tracking_number: str, number: int) -> list[timedelta]:
        """Return the lengths of `number` steps, the same for the same seed."""
        # Not security: the run has to be the same for the same seed.
        dice = Random(f"{self.seed}/{tracking_number}")  # noqa: S311
        return [
            timedelta(seconds=dice.uniform(self.least, self.most))
            for _ in range(number)
        ]


class Warehouse:
    """Documents by reference, parcels by tracking number."""

    def __init__(
        self,
        *,
        reporter: Reporter,
        clock: Clock,
        journal: Journal,
        pace: Pace | None = None,
        refused_skus: Collection[str] = (),
    ) -> None:
        self.documents: dict[str, Document] = {}
        self.set_aside: list[Parcel] = []
        self._reporter = reporter
        self._clock = clock
        self._journal = journal
        self._pace = pace or Pace()
        self._refused_skus = refused_skus
        self._refused: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()

    @property
    def working(self) -> int:
        """How many parcels are at the dock or on a bench."""
        return len(self._work)

    def unknown_line(self, announced: Announced) -> int | None:
        """Return the index of a line that will never be taken, None if there is none.

        The parcel of such a return will be set aside when it comes.
        """
        for index, line in enumerate(announced.lines):
            if line.sku in self._refused_skus:
                self._refused.add(announced.parcel.tracking_number or "")
                return index
        return None

    def announce(self, announced: Announced) -> Verdict:
        """Take in desired state; the newest revision wins (wms.md, section 6)."""
        document = self.documents.get(announced.reference)
        if document is None:
            return self._open(announced)
        if announced.revision <= document.revision:
            same = announced.revision == document.revision
            return Verdict.SAME if same else Verdict.STALE
        if announced.state == "cancelled":
            return self._cancel(document, announced)
        revise(document, announced)
        return Verdict.NEWER

    def receive(self, parcel: Parcel) -> None:
        """Put a parcel on the dock; people see to it."""
        task = asyncio.create_task(self._handle(parcel))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def close(self) -> None:
        """Send everybody home."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def _open(self, announced: Announced) -> Verdict:
        if announced.state == "cancelled":
            return Verdict.NEVER_KNOWN
        now = self._clock.now()
        document = Document(
            wms_return_id=f"W-{9001 + len(self.documents)}",
            reference=announced.reference,
            revision=announced.revision,
            tracking_number=announced.parcel.tracking_number,
            lines=[
                Line(line.line_key, line.sku, line.quantity) for line in announced.lines
            ],
            occurred_at=now,
            updated_at=now,
        )
        self.documents[announced.reference] = document
        self._reporter.report(document)
        return Verdict.NEW

    def _cancel(self, document: Document, announced: Announced) -> Verdict:
        if document.begun:
            return Verdict.TOO_LATE
        document.revision = announced.revision
        self._tell(document, "cancelled", "cancelled")
        return Verdict.NEWER

    async def _handle(self, parcel: Parcel) -> None:
        """Arrive, count in two goes, grade, put away; each step is reported."""
        document = await self._identify(parcel)
        if document is None:
            self.set_aside.append(parcel)
            return
        steps = self._pace.steps(parcel.tracking_number, 5)
        half = (len(parcel.units) + 1) // 2
        await self._clock.sleep(steps[0])
        self._tell(document, "arrived", "at the dock")
        for step, units in zip(
            steps[1:3], (parcel.units[:half], parcel.units[half:]), strict=True
        ):
            if units:
                await self._clock.sleep(step)
                count(document, units)
                self._tell(document, "processing", "counting")
        await self._clock.sleep(steps[3])
        grade(document, parcel.units)
        self._tell(document, "processing", "grading")
        await self._clock.sleep(steps[4])
        put_away(document)
        self._tell(document, "completed", "put away")
        self._journal.note(Kind.COUNTED, _found(document))

    async def _identify(self, parcel: Parcel) -> Document | None:
        """Wait until the parcel is announced; None if it is not, or was refused."""
        deadline = self._clock.monotonic() + self._pace.patience.total_seconds()
        while self._clock.monotonic() < deadline:
            if parcel.tracking_number in self._refused:
                return None
            for document in self.documents.values():
                if document.tracking_number == parcel.tracking_number:
                    return None if document.status == "cancelled" else document
            await self._clock.sleep(_POLL)
        return None

    def _tell(self, document: Document, status: str, raw: str) -> None:
        advance(document, status, raw, self._clock.now())
        self._reporter.report(document)


def _found(document: Document) -> str:
    expected = sum(line.expected for line in document.lines)
    received = sum(line.received for line in document.lines)
    good = sum(line.outcomes.get("A", 0) for line in document.lines)
    return f"{document.wms_return_id} {received} of {expected}, {good} restocked"
