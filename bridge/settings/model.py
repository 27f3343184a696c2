"""The shape of the whole configuration; each part's options live with the part."""

import os
import re
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    model_validator,
)

from bridge.delivery.options import DeliveryOptions
from bridge.inbound.options import InboundOptions
from bridge.inbound.polling_desk import PollingOptions
from bridge.platforms.contract import AccountOptions, Privacy, TargetOptions
from bridge.secret import Secret
from bridge.streams.connection import KafkaOptions
from bridge.streams.options import OwnershipOptions
from bridge.streams.topics import (
    PARTITIONS,
    RETAINED,
    Profile,
    TopicNames,
    TopicSpec,
    specs,
)
from bridge.telemetry import TelemetryOptions

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_ACCOUNT_LIMIT = 18
_TARGET_LIMIT = 32
#: `<prefix>.dead.inbound` is the normaliser's.
_RESERVED = frozenset({"inbound"})


def account_name(name: str) -> str:
    """Return the name if it may be an account's: it stands in subjects and paths."""
    return _name(name, _ACCOUNT_LIMIT)


def target_name(name: str) -> str:
    """Return the name if it may be a target's: it stands in topics and groups."""
    if name in _RESERVED:
        raise ValueError(f"the name {name} is taken: choose another")
    return _name(name, _TARGET_LIMIT)


def _name(name: str, limit: int) -> str:
    if _NAME.fullmatch(name) is None or len(name) > limit:
        raise ValueError(
            f"a name is 1 to {limit} of a-z, 0-9 and -, and does not begin with -"
        )
    return name


class _Section(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_bare_headings(cls, value: object) -> object:
        """Take a key under which nothing stands as if it were not there."""
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each is not None}


def _retained(retention: Mapping[str, timedelta]) -> Mapping[str, timedelta]:
    unknown = [name for name in retention if name not in RETAINED]
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} has no retention: choose from {', '.join(RETAINED)}"
        )
    return retention


Retention = Annotated[
    dict[str, Annotated[timedelta, Field(gt=timedelta(0))]], AfterValidator(_retained)
]


class TopicOptions(_Section):
    """Names, number and care of the topics; `partitions` is fixed once they exist.

    `retention` replaces the table's by topic (`{raw: 30d, dead.<target>: 180d}`).
    """

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = (
        "returns"
    )
    partitions: Annotated[int, Field(gt=0, le=1000)] = PARTITIONS
    profile: Profile = "production"
    retention: Retention = Field(default_factory=dict)


class NormalizeOwnership(OwnershipOptions):
    """Ownership where nothing but Kafka is touched: a lone webhook passes at once."""

    tick: timedelta = timedelta(milliseconds=10)


class NormalizeOptions(_Section):
    """The normalise stage."""

    ownership: NormalizeOwnership = NormalizeOwnership()


class DeliverOptions(_Section):
    """What holds for every target that does not say otherwise."""

    delivery: DeliveryOptions = DeliveryOptions()
    ownership: OwnershipOptions = OwnershipOptions()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        limit = self.ownership.call_deadline
        for name in ("connect_timeout", "read_timeout"):
            if getattr(self.delivery, name) > limit:
                raise ValueError(
                    f"delivery.{name} is longer than ownership.call_deadline "
                    f"({limit.total_seconds():g}s): shorten the one or lengthen "
                    "the other"
                )
        return self


class TargetSettings(DeliverOptions):
    """One target: what it is, and how it is served."""

    options: SerializeAsAny[TargetOptions]


class PrivacyOptions(_Section):
    """What may leave `raw`: `hash_key` keys the hashes of codes that can be spent."""

    hash_key: Secret
    drop_personal: bool = False

    def privacy(self) -> Privacy:
        key = self.hash_key.get_secret_value().encode()
        return Privacy(hash_key=key, drop_personal=self.drop_personal)


def _this_process() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class Settings(_Section):
    """Everything a process is told. `worker` names it in receipts and logs."""

    kafka: KafkaOptions
    topics: TopicOptions = TopicOptions()
    inbound: InboundOptions = InboundOptions()
    normalize: NormalizeOptions = NormalizeOptions()
    deliver: DeliverOptions = DeliverOptions()
    polling: PollingOptions = PollingOptions()
    accounts: dict[
        Annotated[str, AfterValidator(account_name)], SerializeAsAny[AccountOptions]
    ] = Field(default_factory=dict)
    targets: dict[Annotated[str, AfterValidator(target_name)], TargetSettings] = Field(
        default_factory=dict
    )
    privacy: PrivacyOptions
    telemetry: TelemetryOptions = TelemetryOptions()
    state_dir: Path = Path("state")
    worker: str = Field(default_factory=_this_process, min_length=1)

    @property
    def topic_names(self) -> TopicNames:
        return TopicNames(self.topics.prefix)

    @property
    def event_targets(self) -> tuple[str, ...]:
        """Return the targets that events go to: all but those that serve hints."""
        return self._targets_that_read("events")

    @property
    def fetch_targets(self) -> tuple[str, ...]:
        """Return the targets that serve hints."""
        return self._targets_that_read("hints")

    def _targets_that_read(self, topic: Literal["events", "hints"]) -> tuple[str, ...]:
        return tuple(
            name
            for name, target in self.targets.items()
            if target.options.reads == topic
        )

    def topic_specs(self) -> tuple[TopicSpec, ...]:
        """Return every topic that this configuration needs."""
        return specs(
            self.topic_names,
            tuple(self.targets),
            partitions=self.topics.partitions,
            profile=self.topics.profile,
            retention=self.topics.retention,
        )
