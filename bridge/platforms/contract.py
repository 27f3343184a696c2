"""What a platform may offer to the bridge: a source, targets, both; on one screen.

Everything here is a value or a pure function: no client, no clock, no Kafka. A
source turns an inbound body into a `Reading`; a target answers an event with a
conversation, a generator that yields requests and is sent their responses (the idea
of httpx's auth flows) and returns an `Outcome`.
"""

from abc import abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import httpx
from pydantic import BaseModel, ConfigDict

from bridge.canonical.envelope import Event
from bridge.canonical.goods import GoodsDocument
from bridge.canonical.model import Return
from bridge.platforms.limits import Limits
from bridge.platforms.outcome import (
    AlreadyApplied,
    Delivered,
    Failed,
    HttpAnswer,
    NotYet,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
    Unfinished,
)

__all__ = [
    "NOT_APPLIED",
    "AccountOptions",
    "AlreadyApplied",
    "Channel",
    "Context",
    "Conversation",
    "Delivered",
    "Failed",
    "GoodsFact",
    "GoodsFacts",
    "GoodsReport",
    "HttpAnswer",
    "InboundRequest",
    "NotYet",
    "Observation",
    "Offer",
    "Options",
    "Outcome",
    "PlatformView",
    "Privacy",
    "Probing",
    "Reading",
    "Refused",
    "Skipped",
    "Source",
    "Target",
    "TargetOptions",
    "Throttled",
    "Unauthorized",
    "Unfinished",
    "Version",
]

Channel = Literal["webhook", "poll", "fetch", "replay"]


# ------------------------------------------------------------------ inbound


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """A webhook as it came. `headers` have lower-case names; `body` is untouched."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class PlatformView:
    """A platform's whole view of a return: `goods` empty, `state` the platform's."""

    view: Return
    version: Version


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


Reading = PlatformView | GoodsReport | GoodsFacts


class Source(Protocol):
    """One account's inbound side; made from its settings, pure afterwards."""

    platform: str
    account: str

    def authenticate(self, request: InboundRequest) -> None:
        """Return if the request is genuine, else raise AuthenticityError.

        Compares in constant time; two secrets may be valid at once.
        """
        ...

    def locate(self, request: InboundRequest) -> str | None:
        """Return the subject with the least parsing; None if there is none to find.

        Never raises: an odd body is kept under the account's key and read later.
        """
        ...

    def delivery_id(self, request: InboundRequest) -> str | None:
        """Return the sender's id of this delivery, None if it gives none."""
        ...

    def read(self, observation: Observation) -> Reading:
        """Translate the body; raise UnreadableError with the JSON path."""
        ...


# ----------------------------------------------------------------- outbound


Conversation = Generator[httpx.Request, httpx.Response, Outcome]


@dataclass(frozen=True, slots=True)
class Context:
    """What the engine knows about this attempt.

    `attempt` counts from 1. `answer_lost` tells that an earlier try may have had its
    effect. `now` is for signing and for nothing else. The idempotency key is
    `event.id`, the same on every try.
    """

    attempt: int
    now: datetime
    answer_lost: bool = False


class Target(Protocol):
    """One configured destination of events; made from its settings, pure afterwards."""

    name: str

    def deliver(self, event: Event, context: Context) -> Conversation:
        """Converse until the event has come to an outcome.

        A foreign error never leaves a conversation: the engine turns connection
        loss and time-outs into `Failed(answer_lost=True)` by itself.
        """
        ...


@runtime_checkable
class Probing(Protocol):
    """A target that can tell whether it has taken an event already."""

    def probe(self, event: Event, context: Context) -> Conversation:
        """Ask without changing anything.

        `AlreadyApplied`: nothing is left to do. `NotYet("not_applied")`: a delivery
        would write. `Refused`: it would be refused. `Skipped`: nothing is to be done.
        """
        ...


NOT_APPLIED = NotYet("not_applied")
"""A probe's answer: the target does not have it."""

# ------------------------------------------------------------ configuration


@dataclass(frozen=True, slots=True)
class Privacy:
    """What may leave `returns.raw`: `hash_key` keys the hashes of spendable codes.

    With `drop_personal` a source leaves `customer` and `addresses` empty.
    """

    hash_key: bytes
    drop_personal: bool = False


class Options(BaseModel):
    """A part's settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountOptions(Options):
    """One configured connection to a platform (`accounts.<name>` in the settings).

    `budget` is what its credential may use; a platform's own default if it has one.
    """

    platform: str
    budget: Limits = ()

    @abstractmethod
    def source(self, account: str, privacy: Privacy) -> Source:
        """Make the account's inbound side."""


class TargetOptions(Options):
    """One configured destination (`targets.<name>`): an account and what to do."""

    kind: str
    account: str

    @abstractmethod
    def target(self, name: str, account: AccountOptions) -> Target:
        """Make the target; raise ConfigError if the account is of another platform."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one platform package offers: its line in `platforms/__init__.py`.

    `targets` maps a target's `kind` to its options.
    """

    account: type[AccountOptions]
    targets: Mapping[str, type[TargetOptions]]
