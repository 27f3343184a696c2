"""What an inbound body says, as values: the readings a source makes of it.

Translated and versioned, not yet folded into the history of their subject: that is
`bridge/normalize`. Imported through `bridge/platforms/contract.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from bridge.canonical.base import Money
from bridge.canonical.goods import GoodsDocument
from bridge.canonical.model import Return
from bridge.values import value

Channel = Literal["webhook", "poll", "fetch", "replay"]


@value
class Observation:
    """One inbound body as it came, with what the door knew about it.

    `id` is the causation id of the events it makes: the delivery id if the sender
    gave one, else a hash of account, subject and body.
    """

    id: str
    subject: str
    platform: str
    account: str
    channel: Channel
    received_at: datetime
    body: bytes = field(repr=False)
    content_type: str = "application/json"
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """How new a document is: compare as a tuple; the greatest wins for good.

    `stamp` is the vendor's update time (or version number) in a form whose text
    order is its time order, `at` the time of sending, `content` the hash that
    breaks ties, so that any order of arrival ends in the same state.
    """

    stamp: str
    at: str
    content: str


@value
class PlatformView:
    """A platform's view of a return: `goods` empty, `state` the platform's.

    `says` None: the body says all, and the newest body has the last word on all of
    it. Where a platform's bodies each leave something out, `says` names the fields of
    `Return` that this one speaks of, each with its version: a field is taken if that
    is greater than the one it was last taken at, the other fields stay. `parcels` has
    the version of every shipment in `view`, by key: shipments are joined, the newest
    word on each counts, and none is forgotten.
    """

    view: Return
    version: Version
    says: Mapping[str, Version] | None = None
    parcels: Mapping[str, Version] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The subject that the body itself names."""
        return self.view.subject


RequestKind = Literal[
    "refund",
    "credit",
    "exchange",
    "warranty",
    "restock",
    "label",
    "label_cancelled",
]


@dataclass(frozen=True, slots=True)
class Request:
    """A platform asks us to act; counted once for ever by (kind, correlation id).

    `item_ids` name lines of the return. `details` is plain JSON in canonical words,
    without personal fields and codes: who it is for stands in the return.
    """

    kind: RequestKind
    correlation_id: str
    requested_at: datetime
    item_ids: tuple[str, ...] = ()
    amount: Money | None = None
    note: str | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests about one subject, and what else their body says of it."""

    subject: str
    requests: tuple[Request, ...]
    view: PlatformView | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """An inbound body that is not believed: look at this return.

    `reason` is short and stable. `delivery_id` becomes part of the causation of what
    the look brings.
    """

    subject: str
    reason: str
    delivery_id: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class GoodsReport:
    """A warehouse's document as a running total (`wms.return-snapshot/1`)."""

    document: GoodsDocument
    version: Version


@dataclass(frozen=True, slots=True)
class GoodsFact:
    """One delta with the sender's own permanent id; `kind` as in goods events."""

    id: str
    kind: str
    quantity: int
    occurred_at: datetime
    line_key: str | None = None
    sku: str | None = None
    condition: Mapping[str, str | None] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GoodsFacts:
    """Deltas of one warehouse document (`wms.warehouse-facts/1`)."""

    system: str
    account: str
    return_id: str
    reference: str | None
    facts: tuple[GoodsFact, ...]


Reading = PlatformView | Requests | GoodsReport | GoodsFacts
