"""What a platform asks us to do, into events: each request once for ever. Pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from operator import attrgetter

from bridge.canonical.draft import Draft
from bridge.canonical.events import TYPES
from bridge.canonical.model import Asked
from bridge.canonical.snapshot import Snapshot
from bridge.platforms.contract import Request

#: Requests that a snapshot tells of; it is carried by every event.
_MOST = 20


def untold(requests: Iterable[Request], told: AbstractSet[str]) -> dict[str, Request]:
    """Return the requests not told yet, each once, by `kind/correlation id`."""
    named = {
        f"{request.kind}/{request.correlation_id}": request for request in requests
    }
    return {name: request for name, request in named.items() if name not in told}


def asked(before: Snapshot | None, fresh: Iterable[Request] = ()) -> tuple[Asked, ...]:
    """Return what a return was asked about so far, and now; the oldest first."""
    known: tuple[Asked, ...] = ()
    if before is not None and before.plain.get("requests"):
        known = before.model.requests
    new = (
        Asked(
            kind=request.kind,
            correlation_id=request.correlation_id,
            requested_at=request.requested_at,
            amount=request.amount,
        )
        for request in fresh
    )
    in_order = sorted((*known, *new), key=attrgetter("requested_at"))
    return tuple(in_order[-_MOST:])


def asked_at(requests: Iterable[Request]) -> datetime | None:
    """Return when the first of them was asked; None where there is none."""
    return min((request.requested_at for request in requests), default=None)


def asking(request: Request) -> Draft:
    """Return the draft of its event: `<kind>.requested`, or `label.cancelled`."""
    cancelled = request.kind == "label_cancelled"
    name = "label.cancelled" if cancelled else f"{request.kind}.requested"
    return Draft(
        TYPES[name],
        {
            "correlation_id": request.correlation_id,
            "requested_at": request.requested_at.isoformat(),
            "item_ids": request.item_ids,
            "amount": request.amount,
            "note": request.note,
            "detail": dict(request.details),
        },
    )
