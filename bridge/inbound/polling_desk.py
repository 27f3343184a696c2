"""What all partitions of the poll stage share in a process, and what they need."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from bridge.clock import Clock
from bridge.inbound.conversing import Send
from bridge.platforms.care import Care
from bridge.platforms.cursor import Lane, Spent
from bridge.platforms.walk import Poll
from bridge.streams.options import OwnershipOptions
from bridge.streams.records import Outgoing
from bridge.streams.topics import TopicNames


class Line(Protocol):
    """The line at an account's credential, where polling stands with the targets.

    What is used of its lasting limits is kept `on record`: in the cursor.
    """

    @property
    def on_record(self) -> bool:
        """Whether it has any such limit."""
        ...

    @property
    def covered(self) -> bool:
        """Whether the record tells at least what is used."""
        ...

    @property
    def due(self) -> bool:
        """Whether it is time for a new record."""
        ...

    async def take(self, lane: Lane) -> float:
        """Return when a call of that lane may start, and count it; and when it was."""
        ...

    async def late(self, lane: Lane, at: float) -> None:
        """Return when a call may start that was held up since its turn at `at`."""
        ...

    def hear(self, response: httpx.Response) -> None:
        """Learn what an answer tells of the rate."""
        ...

    def write(self) -> tuple[Spent, ...]:
        """Return the record of what is used."""
        ...

    def wrote(self) -> None:
        """The last record is where the next owner finds it."""
        ...

    def restore(self, spent: tuple[Spent, ...]) -> None:
        """Take over the record of the last owner."""
        ...


class PollOwnership(OwnershipOptions):
    """Ownership where only GETs touch anything but Kafka: no wait for a predecessor."""

    tick: timedelta = timedelta(milliseconds=10)
    handover: Literal["safe", "fast"] = "fast"


class PollingOptions(BaseModel):
    """The poll stage. `response_limit` bounds one page in bytes.

    Every `watch_every` the platform is asked whether our webhooks are still on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ownership: PollOwnership = PollOwnership()
    connect_timeout: timedelta = timedelta(seconds=5)
    read_timeout: timedelta = timedelta(seconds=12)
    response_limit: PositiveInt = 32 * 1024 * 1024
    watch_every: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Watched:
    """An account whose webhooks are looked after, and where they should come."""

    care: Care
    url: str


@dataclass(frozen=True, slots=True)
class PollDesk:
    """The accounts of this process: how each is polled, and where it stands in line.

    `daily` is the most calls a day (UTC) of an account that has such a limit.
    `jitter` gives a number from 0 to 1. An account in `cares` alone is watched and not
    polled. `living` gives the subjects of an account that are known and not at their
    end.
    """

    topics: TopicNames
    partitions: int
    polls: Mapping[str, Poll]
    lines: Mapping[str, Line]
    send: Send
    clock: Clock
    jitter: Callable[[], float]
    living: Callable[[str], Awaitable[Sequence[str]]]
    daily: Mapping[str, int] = field(default_factory=dict)
    cares: Mapping[str, Watched] = field(default_factory=dict)
    watch_every: timedelta = timedelta(minutes=10)

    @property
    def platforms(self) -> Mapping[str, str]:
        """Return the platform of every account that is polled or watched."""
        watched = {name: each.care.platform for name, each in self.cares.items()}
        return watched | {name: poll.platform for name, poll in self.polls.items()}


class Ownership(Protocol):
    """What this stage needs of the partition's owner (`bridge/streams/owner.py`)."""

    partition: int

    def finish(self, offset: int) -> None:
        """The record at `offset` is done with."""
        ...

    def note(self) -> None:
        """Something was learned that the next commit has to write."""
        ...

    async def permit(self) -> None:
        """Return when a call may start; raise LostOwnership if none ever may."""
        ...


class Hands(Protocol):
    """What an account's walk needs of its partition (`polling.py`)."""

    async def permit(self) -> None:
        """Return when a call may start; raise LostOwnership if none ever may."""
        ...

    async def room_for_more(self) -> None:
        """Return when another page may be held in memory."""
        ...

    def write(self, name: str, outgoing: list[Outgoing]) -> None:
        """Put records and the account's cursor into the next commit."""
        ...

    async def written(self) -> None:
        """Return when a commit has ended, which need not hold what came last."""
        ...
