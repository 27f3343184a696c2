"""The commits of one owner: each written once, whatever Kafka answers.

A transaction whose end is not known (time-out, broker gone) is settled like this: the
owner fences again, itself that is, and reads the commit. Its new one: it was written.
Its last one: it is written again. Any other: a successor was at work in between, and
all is lost here. Every commit carries a name of its own, so no two are taken for each
other. Nothing learned is lost in a broker's outage, and no call is repeated for it.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aiokafka.errors import KafkaError

from bridge.clock import Clock
from bridge.errors import LostOwnership
from bridge.streams.connection import KafkaOptions
from bridge.streams.offsets import Committed, CommittedOffsets
from bridge.streams.options import OwnershipOptions
from bridge.streams.progress import Mark, Progress
from bridge.streams.records import Outgoing
from bridge.streams.transactor import CommitUncertain, Transactor
from bridge.telemetry import events, logger, metrics

_BACKOFF = timedelta(milliseconds=500)
#: A commit is written again at once, and then after waits that grow up to this.
_LONGEST_BACKOFF = timedelta(seconds=5)

#: Told of a partition's number, and how long calls of another member may still start.
TookOver = Callable[[int, timedelta | None], None]
#: Hands over what a commit is to write.
Collect = Callable[[], Sequence[Outgoing]]

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the owners of one group member share. `slots` bounds open transactions.

    `instructions` is a second topic, of which the same partition is read; or None.
    `took_over` is told of each partition, and how long calls of another member may
    still start; None if no other had it. `member` begins the names of its commits.
    """

    kafka: KafkaOptions
    group: str
    topic: str
    options: OwnershipOptions
    clock: Clock
    offsets: CommittedOffsets
    slots: asyncio.Semaphore
    instructions: str | None = None
    took_over: TookOver = lambda _partition, _quiet: None
    member: str = field(default_factory=lambda: uuid.uuid4().hex[:8])


class Commits:
    """The one write path of a partition's owner."""

    def __init__(self, runtime: Runtime, partition: int) -> None:
        self._runtime = runtime
        self._partition = partition
        self._transactor = Transactor(
            runtime.kafka,
            group=runtime.group,
            topic=runtime.topic,
            partition=partition,
        )
        self._owner = runtime.member + uuid.uuid4().hex[:8]
        self._count = 0
        self._last: Committed | None = None
        self.instructed: int | None = None
        self.started = float("-inf")

    async def take_over(self) -> Committed | None:
        """Fence every predecessor; return its last commit, None if there is none.

        Raises aiokafka's KafkaError while Kafka is away; may be called again.
        """
        await self._transactor.fence()
        self._last = await self._read(self._runtime.topic)
        if self._runtime.instructions is not None:
            found = await self._read(self._runtime.instructions)
            self.instructed = None if found is None else found.offset
        return self._last

    def inherit(self, mark: Mark | None) -> None:
        """Tell whose partition this was: `mark` stood on the commit that was found.

        No call starts before a commit of its owner's own, so after a commit of this
        member's none but its own calls can have been made.
        """
        quiet: timedelta | None = self._runtime.options.lease
        if self._last is None or (mark and mark.owner.startswith(self._runtime.member)):
            quiet = None
        elif mark and mark.released:
            quiet = timedelta()
        self._runtime.took_over(self._partition, quiet)

    async def write(
        self, collect: Collect, progress: Progress, *, released: bool
    ) -> Mapping[str, int]:
        """Write records and positions as one; return topic -> its next offset.

        They are collected when it is this partition's turn, so that what is learned
        until then goes along. `started` is then when the acknowledged transaction
        began (monotonic). An empty answer means: written, at places Kafka did not
        tell. Raises LostOwnership once another owner has fenced this one.
        """
        async with self._runtime.slots:
            batch, commit = collect(), self._name(progress, released=released)
            positions = self._positions(commit)
            ends, pause = await self._try(batch, positions), timedelta()
        while ends is None:
            if await self._ask_again(commit) == commit:
                ends = {}
            else:
                await self._runtime.clock.sleep(pause)
                pause = min(max(2 * pause, _BACKOFF), _LONGEST_BACKOFF)
                async with self._runtime.slots:
                    ends = await self._try(batch, positions)
        self._last = commit
        self._count_done()
        return ends

    def _name(self, progress: Progress, *, released: bool) -> Committed:
        """Return the progress with a mark that no other commit has."""
        self._count += 1
        mark = Mark(released, f"{self._owner}.{self._count}")
        return Committed(progress.position, progress.encode(mark))

    def _positions(self, commit: Committed) -> Mapping[str, Committed]:
        topic, next_one = self._runtime.instructions, self.instructed
        if topic is None or next_one is None:
            return {self._runtime.topic: commit}
        return {self._runtime.topic: commit, topic: Committed(next_one, "")}

    async def _try(
        self, batch: Sequence[Outgoing], positions: Mapping[str, Committed]
    ) -> Mapping[str, int] | None:
        self.started = self._runtime.clock.monotonic()
        try:
            return await self._transactor.commit(batch, positions)
        except CommitUncertain as broken:
            self._count_failed(broken)
            return None

    async def _ask_again(self, commit: Committed) -> Committed | None:
        """Fence again and read what is committed; LostOwnership if by another."""
        while True:
            try:
                await self._transactor.fence()
                found = await self._read(self._runtime.topic)
            except KafkaError:
                await self._runtime.clock.sleep(_BACKOFF)
                continue
            if found not in (self._last, commit):
                raise LostOwnership("another owner has committed in between")
            return found

    async def _read(self, topic: str) -> Committed | None:
        return await self._runtime.offsets.read(topic, self._partition)

    async def close(self) -> None:
        """Stop the producer."""
        await self._transactor.close()

    def _count_done(self) -> None:
        group = self._runtime.group
        metrics.COMMITS.labels(group, "done").inc()
        metrics.COMMIT_SECONDS.labels(group).observe(
            self._runtime.clock.monotonic() - self.started
        )

    def _count_failed(self, broken: CommitUncertain) -> None:
        metrics.COMMITS.labels(self._runtime.group, "failed").inc()
        log.warning(
            events.COMMIT_FAILED,
            group=self._runtime.group,
            partition=self._partition,
            reason=str(broken),
        )
