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
from typing import ClassVar, Literal, Protocol, runtime_checkable

import httpx
from pydantic import BaseModel, ConfigDict

from bridge.canonical.envelope import Event
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
from bridge.platforms.readings import (
    Channel,
    GoodsFact,
    GoodsFacts,
    GoodsReport,
    Hint,
    Observation,
    PlatformView,
    Reading,
    Request,
    RequestKind,
    Requests,
    Version,
)
from bridge.values import value

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
    "Hint",
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
    "Request",
    "RequestKind",
    "Requests",
    "Skipped",
    "Source",
    "Target",
    "TargetOptions",
    "Throttled",
    "Unauthorized",
    "Unfinished",
    "Version",
]


# ------------------------------------------------------------------ inbound


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """A webhook as it came. `headers` have lower-case names; `body` is untouched.

    `token` is what stands in the path after `/hooks/{account}/`, empty if nothing.
    """

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    token: str = field(default="", repr=False)


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

    def credible(self, request: InboundRequest) -> bool:
        """Tell whether the body is believed; else it is a hint to look for oneself.

        Asked after `authenticate`. Never raises.
        """
        ...

    def read(self, observation: Observation) -> Reading:
        """Translate the body; raise UnreadableError with the JSON path."""
        ...


# ----------------------------------------------------------------- outbound


Conversation = Generator[httpx.Request, httpx.Response, Outcome]


@value
class Context:
    """What the engine knows about this attempt.

    `attempt` counts from 1. `answer_lost` tells that an earlier try may have had its
    effect. `now` is the time of this attempt, `seen_at` when this process first saw
    the event, by the same clock. The idempotency key is `event.id`, the same on every
    try.
    """

    attempt: int
    now: datetime
    answer_lost: bool = False
    seen_at: datetime | None = None


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

    @property
    def hints(self) -> bool:
        """Tell whether webhooks are not believed but answered by a fetch target."""
        return False

    @property
    def identity(self) -> tuple[str, ...] | None:
        """Return what names the shop at its platform; may hold a secret, not to show.

        None where the settings do not tell.
        """
        return None

    @abstractmethod
    def source(self, account: str, privacy: Privacy) -> Source:
        """Make the account's inbound side."""


class TargetOptions(Options):
    """One configured destination (`targets.<name>`): an account and what to do.

    `reads` names the topic it is served from.
    """

    reads: ClassVar[Literal["events", "hints"]] = "events"

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
