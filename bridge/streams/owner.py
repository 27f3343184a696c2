"""The owner of one partition: the one idea that carries the bridge.

Theory. *Whoever owns a partition owns the subjects in it; the owner's writes are
fenced by a transaction; its state is a compacted topic.*

    assigned --fence--> fenced --read commit, restore--> open --revoked--> released
                                                          |
                                                          +--fenced by another--> lost

1. **Fence.** One transactional producer per partition, `<group>-<topic>-<partition>`.
   Starting it makes every predecessor's next write fail.
2. **Restore.** After the fence nothing of the predecessor can still be committed, so
   the commit read now, with the finished set in its metadata, is the last word, and
   the state topic's end is the end.
3. **Commit.** What was learned since the last tick and the progress are written in
   one transaction (`commits.py`). There is no other write path. Group commit: one
   starts as soon as something was learned, at most once a tick, and rarer under load.
4. **Lease.** The fence stops writes; calls need more: see `lease.py`. An idle owner
   proves itself with a transaction that commits its present position.
5. **Release.** Calls in flight end, the last commit is marked `released`, and the
   successor starts at once. Without the mark it waits until no call can be left.

Not here: which partitions there are (`member.py`) and what is done with a record (the
stage's `Work`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta

from aiokafka.errors import KafkaError

from bridge.errors import LostOwnership
from bridge.streams.commits import Commits, Runtime
from bridge.streams.lease import Lease
from bridge.streams.offsets import Committed
from bridge.streams.progress import Progress
from bridge.streams.records import Outgoing, Record
from bridge.streams.work import Work
from bridge.telemetry import events, logger, metrics

#: Bytes read ahead of one partition; a single poll may go beyond it once.
READ_AHEAD = 1024 * 1024
_BESIDE = 2_048  # bytes that a record takes in memory beside its value
_SLICE = 0.001  # seconds of admitting records before others get a turn
_BEHIND = 0.25  # seconds between commits while records wait: fewer, larger ones

log = logger(__name__)


class Owner:
    """One partition in one process, from assignment to release or loss."""

    def __init__(
        self, runtime: Runtime, partition: int, make_work: Callable[["Owner"], Work]
    ) -> None:
        self.partition = partition
        self.lost = False
        self._runtime = runtime
        self._options = runtime.options
        self._clock = runtime.clock
        self._commits = Commits(runtime, partition)
        self._lease = Lease(runtime.clock, runtime.options.lease)
        self._progress = Progress(0, window=runtime.options.window)
        self._instruct: Callable[[Record], None] | None = None
        self._backlog: deque[Record] = deque()
        self._backlog_size = 0
        self._hungry = asyncio.Event()
        self._learned = asyncio.Event()
        self._renewed = asyncio.Event()
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._work = make_work(self)

    # ------------------------------------------------------------ life

    async def open(self) -> int | None:
        """Fence, restore, start; return the offset to read from, None for the first.

        Raises aiokafka's KafkaError while Kafka is away; may be called again.
        """
        last = await self._commits.take_over()
        clean = self._inherit(last, fenced_at=self._clock.monotonic())
        await self._work.restore(clean=clean)
        for loop in (self._feed_loop(), self._commit_loop()):
            self._tasks.add(asyncio.create_task(self._guard(loop)))
        return None if last is None else self._progress.position

    def _inherit(self, last: Committed | None, *, fenced_at: float) -> bool:
        """Adopt a predecessor's progress; return whether it let go in order."""
        if last is None:
            self._commits.inherit(None)
            return True
        self._progress, mark = Progress.decode(
            last.offset, last.metadata, window=self._options.window
        )
        self._commits.inherit(mark)
        if mark is None and last.metadata:
            metrics.PROGRESS_IGNORED.labels(self._runtime.group).inc()
            self._say(events.PROGRESS_IGNORED, reason="foreign or corrupt metadata")
        clean = mark is not None and mark.released
        if not clean and self._options.handover == "safe":
            longest = self._options.lease + self._options.call_deadline
            self._lease.wait_for_predecessor(fenced_at, longest)
        return clean

    async def release(self) -> None:
        """Let go in order: end calls, commit, mark the commit released if clean."""
        if not self._tasks:  # never opened: there is nothing it could commit
            await self.close()
            return
        ended = await self._work.drain(self._options.drain_time)
        # A predecessor's calls may still be on their way: its successor is to wait too.
        clean = ended and not self._lease.handover_left()
        self._lease.end()
        try:
            async with asyncio.timeout(self._options.drain_time.total_seconds()):
                await self._end_commits(released=clean)
        except (LostOwnership, KafkaError, TimeoutError) as broken:
            self._say(events.COMMIT_FAILED, reason=type(broken).__name__)
        await self.close()

    async def close(self) -> None:
        """Drop everything and stop the producer."""
        self.drop()
        await self._commits.close()

    async def _end_commits(self, *, released: bool) -> None:
        """Let the commit under way end, for it holds what was collected; then one."""
        self._closing = True
        self._learned.set()
        self._hungry.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self.lost:
            await self._commit(released=released)

    def drop(self) -> None:
        """Let go at once, because another owner has fenced this one or all is over."""
        self.lost = True
        self._lease.end()
        self._work.drop()
        self._backlog.clear()
        self._renewed.set()
        for task in self._tasks:
            task.cancel()

    async def _guard(self, loop: Coroutine[None, None, None]) -> None:
        """Run one of the owner's loops; whatever ends it ends the ownership."""
        try:
            await loop
        except LostOwnership as lost:
            metrics.OWNERSHIP_LOST.labels(self._runtime.group).inc()
            self._say(events.OWNERSHIP_LOST, reason=str(lost))
            self.drop()
        except Exception as mistake:  # noqa: BLE001 - ours: logged, then opened anew
            self._say(events.OWNERSHIP_LOST, reason="internal", error=mistake)
            self.drop()

    # ------------------------------------------------------------ intake

    def take(self, records: Sequence[Record]) -> None:
        """Queue records as they were read, in offset order."""
        self._backlog.extend(records)
        self._backlog_size += sum(map(_size_of, records))
        self._hungry.set()

    def instruct(self, records: Sequence[Record]) -> None:
        """Hand instructions on, in offset order, to a stage that listens."""
        for record in records:
            if self._instruct is not None and not self.lost:
                self._instruct(record)

    @property
    def position(self) -> int:
        """The lowest unfinished offset."""
        return self._progress.position

    @property
    def instructions_from(self) -> int | None:
        """The next instruction to read; None for the first there is."""
        return self._commits.instructed

    @property
    def wants_more(self) -> bool:
        """Whether the partition should be read on."""
        few = len(self._backlog) < self._options.poll_records // 2
        return not self.lost and few and self._backlog_size < READ_AHEAD

    async def _feed_loop(self) -> None:
        while not self._closing:
            if not self._feed_slice():
                self._hungry.clear()
                await self._hungry.wait()
            await self._clock.sleep(timedelta())

    def _feed_slice(self) -> bool:
        """Admit records for a slice of time; False when none can be admitted now."""
        until = self._clock.monotonic() + _SLICE
        while self._backlog and not self._closing:
            record = self._backlog[0]
            if not (self._progress.fits(record.offset) and self._work.room()):
                return False
            self._backlog.popleft()
            self._backlog_size -= _size_of(record)
            if self._progress.deliver(record.offset):
                self._work.accept(record)
            if self._clock.monotonic() > until:
                return True
        return False

    # ------------------------------------------------------------ for the stage

    def finish(self, offset: int) -> None:
        """The record at `offset` is done with; the next commit says so."""
        self._progress.finish(offset)
        self.note()

    def listen(self, instruct: Callable[[Record], None]) -> None:
        """Hand the instructions that are read to `instruct`."""
        self._instruct = instruct

    def instructed(self, offset: int) -> None:
        """The instruction at `offset` is carried out; the next commit says so."""
        self._commits.instructed = offset + 1
        self.note()

    @property
    def crowded(self) -> bool:
        """Whether the window of offsets above the position is nearly full."""
        return self._progress.crowded

    def note(self) -> None:
        """Something was learned that the next commit has to write."""
        self._learned.set()
        if self._backlog:
            self._hungry.set()

    def alongside(self, work: Coroutine[None, None, None]) -> None:
        """Run a piece of work beside the loops; the last commit waits for it.

        A mistake in it ends the ownership, as one in `Work.accept` does.
        """
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # it may never have begun

    def may_call(self) -> bool:
        """Whether a call may start this very moment."""
        return self._lease.holds()

    async def permit(self) -> None:
        """Return when a call may start; raise LostOwnership if none ever may."""
        while not self._lease.holds():
            if self.lost:
                raise LostOwnership(f"partition {self.partition} was lost")
            await self._clock.sleep(self._lease.handover_left())
            await self._prove()

    async def _prove(self) -> None:
        """Ask for a commit and wait for it, unless there is nothing to wait for."""
        if not (self.lost or self._lease.holds()):
            self._renewed.clear()
            self._learned.set()
            await self._renewed.wait()

    # ------------------------------------------------------------ commits

    async def _commit_loop(self) -> None:
        tick = self._options.tick.total_seconds()
        while not self._closing:
            await self._learned.wait()
            apart = max(tick, _BEHIND) if self._backlog else tick
            wait = self._commits.started + apart - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(timedelta(seconds=wait))
            await self._commit(released=False)

    async def _commit(self, *, released: bool) -> None:
        ends = await self._commits.write(
            self._collect, self._progress, released=released
        )
        self._lease.renew(self._commits.started)
        self._renewed.set()
        self._work.committed(ends)
        self._hungry.set()

    def _collect(self) -> list[Outgoing]:
        self._learned.clear()
        return self._work.collect()

    def _say(self, event: str, **fields: object) -> None:
        group = self._runtime.group
        log.warning(event, group=group, partition=self.partition, **fields)


def _size_of(record: Record) -> int:
    return len(record.value or b"") + _BESIDE
