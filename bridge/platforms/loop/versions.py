"""How new Loop's documents are: what can be told without event id and send time.

A webhook has neither `updated_at` nor a time of sending (loop.md, 9.5). The latest
time that a document itself names never goes back from one snapshot to the next, so it
is the stamp; between equals the further state wins. A finished return stays finished
at Loop (section 6), so its documents outrank all living ones, whatever their times;
where a compatible server reopens returns, `reopens` takes that away.

Left open: of two webhooks that differ in nothing but `open` and `review` the second
may be taken for old news. The list, which has `updated_at`, tells the truth later; to
hear it at once, look returns up instead of believing their webhooks (`confirm`).
"""

import hashlib
from dataclasses import replace
from datetime import datetime

from bridge.canonical.model import Return, Shipment, ShipmentState
from bridge.canonical.states import State
from bridge.platforms.contract import Version
from bridge.platforms.loop.payloads import LoopReturn
from bridge.platforms.reading import stamp

FINAL = frozenset({State.CLOSED, State.CANCELLED, State.EXPIRED})

#: Between documents of one time.
_RANK = {
    State.UNKNOWN: 0,
    State.APPROVED: 1,
    State.UNDER_REVIEW: 2,
    State.EXPIRED: 3,
    State.CANCELLED: 4,
    State.CLOSED: 5,
}

_PARCEL_RANK = {
    ShipmentState.LABEL_CREATED: 0,
    ShipmentState.UNKNOWN: 1,
    ShipmentState.IN_TRANSIT: 2,
    ShipmentState.DELIVERY_EXCEPTION: 3,
    ShipmentState.DELIVERED: 4,
}


def last_told(source: LoopReturn) -> datetime | None:
    """Return the latest time that the document names of itself."""
    times = (
        source.created_at,
        source.edited_at,
        source.updated_at,
        source.label_updated_at,
        *(label.updated_at for label in source.labels),
    )
    return max(filter(None, times), default=None)


def version_of(source: LoopReturn, view: Return, *, reopens: bool) -> Version:
    """Return how new a return's document is."""
    final = view.state in FINAL and not reopens
    return Version(
        stamp=f"{final:d}{stamp(last_told(source))}",
        at=f"{_RANK[view.state]}{len(source.refunds):05d}",
        content=digest(view),
    )


def surer(version: Version, *, proven: bool) -> Version:
    """Return the version of what a later document may know less of.

    What one document proves (an order's id) no document takes back that only does
    not mention it.
    """
    return replace(version, stamp=f"{proven:d}{version.stamp}")


def alarm(raised_at: datetime | None) -> Version:
    """Return the version of an alarm; None ends it: the return is finished."""
    return Version("9" if raised_at is None else stamp(raised_at), "", "")


def in_passing(version: Version) -> Version:
    """Return the version of what is said in passing: anything else outranks it."""
    return Version("", "", version.content)


def parcel_version(shipment: Shipment, updated_at: datetime | None) -> Version:
    """Return how new a word on a parcel is."""
    rank = _PARCEL_RANK[shipment.state]
    return Version(stamp(updated_at), str(rank), shipment.state_raw or "")


def digest(view: Return) -> str:
    """Return a hash of the view without the time it was seen at."""
    content = view.model_dump_json(exclude={"observed_at"}).encode()
    return hashlib.sha256(content).hexdigest()[:32]
