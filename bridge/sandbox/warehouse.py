"""The simulated warehouse: what it was told to expect, and the work at its dock.

Announcement and parcel meet by tracking number only. It knows nothing of shops.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import count, cycle
from random import Random

from bridge.clock import Clock
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.warehouse_documents import (
    Announced,
    Document,
    Handling,
    Line,
    Parcel,
    advance,
    revise,
)
from bridge.sandbox.warehouse_handling import steps
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

    A parcel that nobody announced waits `patience`.
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


@dataclass(frozen=True, slots=True)
class Ways:
    """What a warehouse never takes, and how its people treat what comes.

    Parcels that do not say otherwise are treated in `handlings`, in turn. One that
    nobody announced is set aside, with `opens_unannounced` it is worked off on a
    document that has no reference.
    """

    refused_skus: frozenset[str] = frozenset()
    handlings: tuple[Handling, ...] = (Handling.FULL,)
    opens_unannounced: bool = False


class Warehouse:
    """Documents by reference, parcels by tracking number.

    A document without a reference is known by its own id.
    """

    def __init__(
        self,
        *,
        reporter: Reporter,
        clock: Clock,
        journal: Journal,
        pace: Pace | None = None,
        ways: Ways | None = None,
    ) -> None:
        self.documents: dict[str, Document] = {}
        self.set_aside: list[Parcel] = []
        self.ways = ways or Ways()
        self._reporter = reporter
        self._clock = clock
        self._journal = journal
        self._pace = pace or Pace()
        self._handlings = cycle(self.ways.handlings)
        self._numbers = count(9001)
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
            if line.sku in self.ways.refused_skus:
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

    def take_on(self, ways: Ways) -> None:
        """Do things in other ways from now on."""
        self.ways = ways
        self._handlings = cycle(ways.handlings)

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
        lines = (
            Line(each.line_key, each.sku, each.quantity) for each in announced.lines
        )
        document = self._new(announced.parcel.tracking_number, lines)
        document.reference = announced.reference
        document.revision = announced.revision
        self.documents[announced.reference] = document
        self._reporter.report(document)
        return Verdict.NEW

    def _new(self, tracking_number: str | None, lines: Iterable[Line]) -> Document:
        now = self._clock.now()
        return Document(
            wms_return_id=f"W-{next(self._numbers)}",
            reference=None,
            revision=0,
            tracking_number=tracking_number,
            lines=[*lines],
            occurred_at=now,
            updated_at=now,
        )

    def _cancel(self, document: Document, announced: Announced) -> Verdict:
        if document.begun:
            return Verdict.TOO_LATE
        document.revision = announced.revision
        self.tell(document, "cancelled", "cancelled")
        return Verdict.NEWER

    async def _handle(self, parcel: Parcel) -> None:
        """Work a parcel off, step by step; each step is reported."""
        document = await self._identify(parcel) or self._unannounced(parcel)
        if document is None:
            self.set_aside.append(parcel)
            return
        handling = parcel.handling or next(self._handlings)
        if handling is Handling.MERGED:
            document = self._mixed_up_with(document)
        todo = [*steps(parcel, handling, done_before=document.boxes)]
        waits = self._pace.steps(parcel.tracking_number, len(todo))
        for step, wait in zip(todo, waits, strict=True):
            await self._clock.sleep(wait * step.paces)
            step.change(document)
            self.tell(document, step.status, step.raw)
        document.boxes += 1
        self._journal.note(Kind.COUNTED, _found(document))

    def _unannounced(self, parcel: Parcel) -> Document | None:
        """Open a document for what nobody announced, if that is the way here."""
        if not self.ways.opens_unannounced or parcel.tracking_number in self._refused:
            return None
        document = self._new(parcel.tracking_number, ())
        self.documents[document.wms_return_id] = document
        return document

    def _mixed_up_with(self, document: Document) -> Document:
        """Return another document that still waits, where there is one.

        The parcel is counted there; its own never comes.
        """
        others = (each for each in self.documents.values() if each is not document)
        other = next((each for each in others if not each.begun), None)
        if other is None:
            return document
        self.tell(document, "not_arrived", "never came")
        return other

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

    def tell(self, document: Document, status: str, raw: str) -> None:
        """Set a status, as people may at any time, and report it."""
        advance(document, status, raw, self._clock.now())
        self._reporter.report(document)


def _found(document: Document) -> str:
    expected = sum(line.expected for line in document.lines)
    received = sum(line.received for line in document.lines)
    good = sum(line.outcomes.get("A", 0) for line in document.lines)
    return f"{document.wms_return_id} {received} of {expected}, {good} restocked"
