"""What the measuring process and the measured one say to each other."""

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict, JsonValue

from bridge.settings import Settings, build
from bridge.streams.connection import KafkaOptions
from bridge.streams.topics import TopicNames

#: An order as it is read; the part it is for knows its type.
Given = Mapping[str, object]
#: Says something to the measuring process.
Say = Callable[[object], None]


class Words(BaseModel):
    """A line between the two processes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeliverOrder(Words):
    """Deliver what is in `<prefix>.events` to a target that works as the records say.

    `records` cuts the workload short. With `url`, each record is sent there.
    """

    kafka: str
    prefix: str
    target: str
    workload: str
    records: int
    url: str = ""

    @property
    def options(self) -> KafkaOptions:
        return kafka_options(self.kafka)

    @property
    def names(self) -> TopicNames:
        return TopicNames(self.prefix)


class PoisonOrder(Words):
    """Deliver `healthy` events, while poisoned subjects are refused or fail."""

    kafka: str
    prefix: str
    target: str
    refuses: bool
    healthy: int


class RestoreOrder(Words):
    """Serve a target that is busy with parked subjects, or takes them back.

    The worker speaks when `parked` events are parked (if any), and whenever it has
    called about the pulses of so many partitions (`pulses`). With `left`, it then waits
    until only so many partitions are its own, has called in each, and speaks again. It
    ends when `released` events are taken back.
    """

    kafka: str
    prefix: str
    target: str
    busy: bool
    parked: int = 0
    pulses: tuple[int, ...] = ()
    left: int = 0
    released: int = 0


class BridgeOrder(Words):
    """Run roles of the bridge with these settings and the secrets they refer to."""

    tree: dict[str, JsonValue]
    secrets: dict[str, str]

    @property
    def settings(self) -> Settings:
        """Build the settings; ConfigError if they do not fit."""
        return build(self.tree, self.secrets)


class NormalizeOrder(BridgeOrder):
    """Normalise the `records` observations that are in `<prefix>.raw`.

    `checkpoints` are numbers of events after which memory is noted.
    """

    records: int
    checkpoints: tuple[int, ...] = ()


class PlatformsOrder(Words):
    """Be so many simulated shops, each with a stock of `returns`, until told to stop.

    With `limited` they keep to the limits that the platform names. Once each has been
    asked, `changes` times a second one of the stock changes, in one shop after the
    other.
    """

    redo: int = 0
    loop: int = 0
    returns: int
    token: str
    limited: bool = False
    changes: float = 0.0


class Opened(Words):
    """Where the simulated shops answer."""

    redo: tuple[str, ...]
    loop: tuple[str, ...]


class Changed(Words):
    """What the simulated shops saw: calls beyond the limit, and what changed when.

    `changes` are by subject, in Unix seconds.
    """

    refused: int
    changes: dict[str, float]


class PollOrder(BridgeOrder):
    """Poll all accounts until `returns` are found, or steadily for `seconds`.

    `checkpoints` are numbers of returns after which memory is noted.
    """

    returns: int = 0
    seconds: float = 0.0
    checkpoints: tuple[int, ...] = ()


class ServeOrder(BridgeOrder):
    """Be a bridge with `role` until told to stop."""

    role: str


class Listening(Words):
    """A bridge answers on this port of the loopback address."""

    port: int


class Cost(Words):
    """What a process cost: its peak of resident memory in MiB."""

    peak: float


class Healthy(Cost):
    """How late healthy subjects were: seconds from when an event was due."""

    p99: float


class Reached(Words):
    """A step of a restore was reached, in seconds of the machine's monotonic clock."""

    at: float
    began: float


class Restored(Cost):
    """What one owner saw: releases, and the longest silence of its first pulses, s."""

    released: int = 0
    inversions: int = 0
    release_seconds: float = 0.0
    longest_gap: float = 0.0


class Polled(Cost):
    """What polling came to: seconds, CPU seconds and calls.

    Of a catch-up they are from the first page to the last one committed, of steady
    polling those of the time asked for, which began at `began` (Unix seconds).
    """

    seconds: float
    cpu: float
    calls: int
    pages: int
    began: float
    memory: dict[int, float] = {}


class Worked(Cost):
    """A backlog was worked off: seconds, CPU seconds, MiB after so many records.

    `seconds` is from the first record taken to the last one done, `committed` to the
    last commit acknowledged; CPU is of the latter. `events` counts what was written.
    `alone` is what the longest key takes on this machine without a bridge.
    """

    seconds: float
    committed: float
    cpu: float
    events: int = 0
    memory: dict[int, float] = {}
    healthy_p99: float | None = None
    alone: float | None = None


def kafka_options(bootstrap: str) -> KafkaOptions:
    """Return how a broker without TLS is reached."""
    return KafkaOptions.model_validate({"bootstrap": bootstrap})
