"""What both targets do alike: plan, tell parcel after parcel, sum up."""

from collections.abc import Callable, Generator
from typing import Literal

import httpx

from bridge.canonical.envelope import Event
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Outcome,
    Skipped,
)
from bridge.platforms.warehouse.answers import TOO_LATE
from bridge.platforms.warehouse.document import Terms
from bridge.platforms.warehouse.outbound import Document, Plan, Purpose, plan

TooLate = Literal["skip", "refuse"]
"""What a cancel or a change comes to when the goods are already being worked on.

`skip` (the default) lets the return's later events pass: holding them because the
goods are on the shelf helps nobody (wms.md, section 12). The outcome stands in the
receipt. `refuse` makes it a dead letter. A first announcement is always refused.
"""

Tell = Callable[[Document], Conversation]


def tell_all(event: Event, terms: Terms, too_late: TooLate, tell: Tell) -> Conversation:
    """Tell every parcel of `event` in order; stop at the first that did not work."""
    todo = plan(event, terms)
    if not isinstance(todo, Plan):
        return todo
    outcomes: list[Outcome] = []
    for document in todo.documents:
        outcome = yield from _tell(document, todo.purpose, too_late, tell)
        if not isinstance(outcome, Delivered | AlreadyApplied | Skipped):
            return outcome
        outcomes.append(outcome)
    return min(outcomes, key=_rank)


def _tell(
    document: Document, purpose: Purpose, too_late: TooLate, tell: Tell
) -> Generator[httpx.Request, httpx.Response, Outcome]:
    outcome = yield from tell(document)
    skips = too_late == "skip" and purpose is not Purpose.ANNOUNCE
    return Skipped(TOO_LATE.reason) if outcome == TOO_LATE and skips else outcome


def _rank(outcome: Outcome) -> int:
    """Put first what says most: something was taken, was known, was left."""
    order = (Delivered, AlreadyApplied, Skipped)
    return next(i for i, kind in enumerate(order) if isinstance(outcome, kind))


def idempotency_key(event: Event, document: Document) -> str:
    """Return the event's id; later parcels of one event get a key of their own."""
    parcel = int(document.reference.rpartition("-")[2])
    return event.id if parcel == 1 else f"{event.id}-{parcel}"
