"""The deliver stage on one partition: joins lanes, policy and conversations.

Each subject is a lane; its head is one conversation at a time. What a conversation
came to goes into a receipt and is written with the progress in the next commit. A
head that fails waits in its lane; once it holds up the log, the lane is parked. A head
that is given up is dead and holds its lane until an operator decides (`orders.py`).
The lanes of others go on.

A restart leaves the progress, and what is parked: attempts, waits, deaths, doubt.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from bridge.canonical.envelope import from_headers
from bridge.deadletters.instructions import EVERYTHING
from bridge.deadletters.parked import Death, Pause
from bridge.deadletters.standing import WaitReason
from bridge.delivery.attempts import Attempts
from bridge.delivery.desk import Desk
from bridge.delivery.lanes import Absent, Lane, Lanes, Letter, size_of
from bridge.delivery.orders import Orders, Part
from bridge.delivery.outlook import Outlook
from bridge.delivery.ownership import Ownership
from bridge.delivery.parking import Parking
from bridge.delivery.policy import Bury, Finish, Halt, Retry, died, retried, tried
from bridge.delivery.report import Report, name_of
from bridge.delivery.restoring import Restored
from bridge.delivery.shelf import ParkedTopic, Shelf
from bridge.delivery.waits import Waits
from bridge.errors import LostOwnership, UnreadableError
from bridge.platforms.contract import Outcome
from bridge.streams.records import Outgoing, Record
from bridge.telemetry import events, logger

_SKEW = timedelta(seconds=5)  # clocks may differ; only caution is at stake
log = logger(__name__)


class DeliverWork:
    """One partition of `returns.events` at one target."""

    def __init__(
        self, owner: Ownership, desk: Desk, report: Report, parked: ParkedTopic
    ) -> None:
        self.lanes = Lanes(desk.memory)
        self._owner = owner
        self._desk = desk
        self._report = report
        self._parked = parked
        self._shelf = Shelf(parked)
        self._outlook = Outlook(desk, self.lanes, report.worker, parked.partition)
        self._parking = Parking(self.lanes, self._shelf, owner, desk.options)
        self._pauses: dict[str, Pause] = {}
        self._attempts = Attempts(desk, owner, report)
        self._waits = Waits(desk, self.lanes, self.work)
        self._orders = Orders(self._part(), self._release)
        self._released: list[tuple[Lane, bool]] = []
        self._committing: list[tuple[Lane, bool]] = []
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._stopping = False

    def _part(self) -> Part:
        return Part(
            desk=self._desk,
            owner=self._owner,
            lanes=self.lanes,
            shelf=self._shelf,
            report=self._report,
            pauses=self._pauses,
        )

    # ------------------------------------------------------------ the owner's calls

    async def restore(self, *, clean: bool) -> None:
        """Read what was parked; without a clean release, doubt what is there."""
        memory, now = self._desk.memory, self._desk.clock.now()
        restored = Restored(self._desk.options.memory_limit // 2 - memory.size)
        await self._parked.read(restored.take)
        self._parking.notes = restored.notes
        self._pauses.update(restored.pauses)
        self._attempts.doubted_until = restored.doubted_until
        if not clean:
            until = int((now + _SKEW).timestamp() * 1000)
            self._attempts.doubted_until = until
            self._shelf.doubt(until)
        for subject, letters in restored.lanes():
            self._waits.resume(self.lanes.restore(subject, letters))
        self._desk.partitions.add(self)
        self._waits.start(self._open_lanes())

    async def _open_lanes(self) -> None:
        """Prove ownership, wait for a predecessor's calls, then let lanes go."""
        try:
            await self._owner.permit()
        except LostOwnership:
            return  # another's now, and its lanes with it
        self._waits.open()

    def accept(self, record: Record) -> None:
        """Put an event into its lane."""
        try:
            event = from_headers(record.headers, record.value or b"")
        except UnreadableError as broken:
            self._report.unreadable(record, broken, self._desk.clock.now())
            self._owner.finish(record.offset)
            return
        letter = Letter(
            event=event,
            offset=record.offset,
            timestamp=record.timestamp,
            headers=record.headers,
            size=size_of(event.body),
            seen_at=self._desk.clock.now(),
        )
        lane = self.lanes.get(event.subject)
        if lane is not None:
            self._parking.join(lane, letter)
        elif self._parking.recall(letter):
            self._waits.resume(self.lanes.open(letter))
        else:
            self._waits.put(self.lanes.open(letter))

    def instruct(self, record: Record) -> None:
        """Take an operator's instruction on; it follows those before it."""
        self._orders.take(record)

    def room(self) -> bool:
        """Tell whether the target's events in memory leave room for another."""
        return self._desk.memory.size < self._desk.options.memory_limit

    def collect(self) -> list[Outgoing]:
        """Hand over what is to be written: parked events, receipts, dead letters."""
        if self._owner.crowded and EVERYTHING not in self._pauses:
            self._parking.make_room()
        self.lanes.written()
        self._committing, self._released = self._released, []
        self._outlook.tell(self._shelf)
        kept = self._shelf.collect(self._desk.clock.now())
        return [*kept, *self._report.collect()]

    def committed(self, ends: Mapping[str, int]) -> None:
        """Go on where something had to be written first; let parked bodies go."""
        self._shelf.committed(ends)
        committing, self._committing = self._committing, []
        for lane, passed in committing:
            if not passed or self.lanes.advance(lane):
                self._waits.put(lane)
        if self._desk.memory.size > self._desk.options.memory_limit // 2:
            self.lanes.evict()

    async def drain(self, limit: timedelta) -> bool:
        """Start nothing more and wait for what is in flight; True if all ended."""
        self._stopping = True
        self._orders.stop()
        self._attempts.queue.end()
        if self._in_flight:
            self._idle.clear()  # it was set whenever nothing was in flight before
            try:
                async with asyncio.timeout(limit.total_seconds()):
                    await self._idle.wait()
            except TimeoutError:
                return False
        return True

    def drop(self) -> None:
        """Cut calls and timers short and forget the lanes."""
        self._stopping = True
        self._orders.stop()
        self._attempts.end()
        self._waits.stop()
        self._desk.partitions.discard(self)
        self.lanes.clear()

    def wake(self) -> None:  # by the desk, when the breaker closes
        self._waits.wake(WaitReason.BREAKER, WaitReason.UNAUTHORIZED)

    # ------------------------------------------------------------ one lane at work

    async def work(self, lane: Lane) -> None:
        """Let the head of `lane` have its conversation, and do what follows."""
        letter = lane.head
        if self._stopping:
            return
        if isinstance(letter, Absent):
            self._owner.alongside(self._fetch(lane))
        elif self._pauses and self._is_paused(lane.subject):
            self._pause(lane)
        else:
            await self._converse(lane, letter)

    async def _converse(self, lane: Lane, letter: Letter) -> None:
        now = self._desk.clock.monotonic()
        pass_ = self._desk.breaker.admit(now, lane.subject)
        if pass_ is None:
            self._wait_for_breaker(lane)
            return
        self._in_flight += 1
        self._desk.in_flight += 1
        try:
            outcome = await self._attempts.attempt(lane, letter)
            if not self._attempts.calls.ended:  # else lanes are another's
                self._desk.learn(pass_, outcome, lane.subject)
                self._settle(lane, letter, outcome)
        except LostOwnership:
            pass  # the partition is another's, or is about to be
        finally:
            self._desk.in_flight -= 1
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    def _settle(self, lane: Lane, letter: Letter, outcome: Outcome) -> None:
        decision = self._desk.policy.decide(outcome, letter.trouble)
        if not isinstance(decision, Finish):
            letter.trouble = tried(letter.trouble, letter.attempts[-1], outcome)
        match decision:
            case Finish():
                self._report.brought(outcome)
                self._finish(lane, letter, name_of(outcome))
            case Retry():
                self._retry(lane, letter, decision)
            case Bury():
                self._bury(lane, letter, decision, outcome)
            case Halt():
                self._block(lane, letter)

    # ------------------------------------------------------------ what follows

    def _finish(self, lane: Lane, letter: Letter, outcome: str) -> None:
        self._report.finished(letter, letter.attempts[-1].ended_at, outcome)
        self._parking.finish(letter)
        if self.lanes.finish(lane):
            self._waits.put(lane)

    def _retry(self, lane: Lane, letter: Letter, retry: Retry) -> None:
        if self._desk.stopped:
            self._block(lane, letter)
            return
        until = letter.attempts[-1].ended_at + retry.after
        letter.trouble = retried(letter.trouble, letter.attempts[-1], retry)
        self._parking.keep(letter)
        self._waits.wait(lane, retry.why, retry.after)
        self._parking.consider(lane, letter, until)

    def _block(self, lane: Lane, letter: Letter) -> None:
        """The target is stopped: the attempt cost nothing, and the lane waits."""
        self._parking.keep(letter)
        self._wait_for_breaker(lane)

    def _wait_for_breaker(self, lane: Lane) -> None:
        after = self._desk.breaker.wait(self._desk.clock.monotonic(), lane.subject)
        self._waits.wait(lane, self._desk.stop_reason, after)

    def _bury(self, lane: Lane, letter: Letter, why: Bury, outcome: Outcome) -> None:
        if not self._desk.may_bury(why.reason):
            self._block(lane, letter)
            return
        letter.trouble = died(letter.trouble, why)
        self._report.buried(letter, why, outcome)
        if self._desk.options.on_dead == "skip":
            self._parking.finish(letter)
            self._release(lane, passed=True)
            return
        at = letter.attempts[-1].ended_at
        letter.death = Death(why.reason, why.detail, why.cause, at)
        self._parking.keep(letter)
        self._parking.park(lane)
        self._waits.hold(lane, WaitReason.DEAD)
        log.warning(
            events.LANE_HELD,
            target=self._desk.target.name,
            subject=lane.subject,
            event_id=letter.event.id,
        )

    def _release(self, lane: Lane, *, passed: bool) -> None:
        """Let a lane go on once what was decided is written; `passed`: behind its head.

        A successor would otherwise try again what later events have overtaken.
        """
        self._released.append((lane, passed))
        self._owner.note()

    def _is_paused(self, subject: str) -> bool:
        return EVERYTHING in self._pauses or subject in self._pauses

    def _pause(self, lane: Lane) -> None:
        self._waits.hold(lane, WaitReason.PAUSED)
        if EVERYTHING not in self._pauses:
            self._parking.park(lane)
            self._owner.note()

    async def _fetch(self, lane: Lane) -> None:
        """Read the bodies of a lane back, then let it go on."""
        await self._shelf.fetch(lane, self.lanes)
        self._waits.resume(lane)
