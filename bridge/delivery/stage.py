"""The deliver stage on one partition: joins lanes, policy and conversations.

Each subject is a lane; its head is one conversation at a time. What a conversation
came to goes into a receipt and is written with the progress in the next commit. A
head that is refused, or whose patience is spent, becomes a dead letter and holds its
lane; the lanes of others go on.

What is remembered across a restart: the progress, and which events are dead (read
back from the dead letters). Attempts of a waiting lane begin anew.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Protocol

import httpx

from bridge.canonical.envelope import from_headers
from bridge.delivery.calls import Calls
from bridge.delivery.conversation import converse
from bridge.delivery.dead import DeadEvents
from bridge.delivery.desk import Desk
from bridge.delivery.lanes import Lane, Lanes, Letter, Place
from bridge.delivery.policy import Bury, Finish, Halt, Retry
from bridge.delivery.report import Report, Times, name_of
from bridge.errors import LostOwnership, UnreadableError
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Delivered,
    Failed,
    Outcome,
    Refused,
)
from bridge.streams.records import Outgoing, Record
from bridge.telemetry import events, logger, tracing

#: Clocks of producers and ours may differ by so much; only caution is at stake.
_SKEW = timedelta(seconds=5)

log = logger(__name__)


class Ownership(Protocol):
    """What this stage needs of the partition's owner (`bridge/streams/owner.py`)."""

    def finish(self, offset: int) -> None:
        """The record at `offset` is done with."""

    def note(self) -> None:
        """Something was learned that the next commit has to write."""

    async def permit(self) -> None:
        """Return when a call may start; raise LostOwnership if none ever may."""


class DeliverWork:
    """One partition of `returns.events` at one target."""

    def __init__(
        self, owner: Ownership, desk: Desk, dead: DeadEvents, report: Report
    ) -> None:
        self._owner = owner
        self._desk = desk
        self._dead = dead
        self._report = report
        self._lanes = Lanes()
        self._calls = Calls()
        self._early: list[Lane] | None = []
        self._buried: list[Lane] = []
        self._being_buried: list[Lane] = []
        self._doubted_until = 0
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._stopping = False
        self._timers: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ the owner's calls

    async def restore(self, *, clean: bool) -> None:
        """Read which events are dead; without a clean release, doubt what is there."""
        await self._dead.restore()
        if not clean:
            until = self._desk.clock.now() + _SKEW
            self._doubted_until = int(until.timestamp() * 1000)
        self._desk.lanes.add(self._lanes)
        self._start(self._open_lanes())

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
            size=len(event.body),
            answer_lost=record.timestamp < self._doubted_until,
        )
        self._desk.size += letter.size
        lane = self._lanes.add(letter)
        if lane is not None:
            self._put(lane)

    def room(self) -> bool:
        """Tell whether the target's events in memory leave room for another."""
        return self._desk.size < self._desk.options.memory_limit

    def collect(self) -> list[Outgoing]:
        """Hand over the receipts and dead letters of this tick."""
        self._being_buried, self._buried = self._buried, []
        return self._report.collect()

    def committed(self, ends: Mapping[str, int]) -> None:  # noqa: ARG002 - no store
        """Go on behind dead events: no successor will try those once more."""
        for lane in self._being_buried:
            self._put(lane)

    async def drain(self, limit: timedelta) -> bool:
        """Start nothing more and wait for what is in flight; True if all ended."""
        self._stopping = True
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
        self._calls.end()
        for timer in self._timers:
            timer.cancel()
        if self._lanes in self._desk.lanes:
            self._desk.lanes.discard(self._lanes)
            self._desk.size -= self._lanes.size

    # ------------------------------------------------------------ one lane at work

    async def work(self, lane: Lane) -> None:
        """Let the head of `lane` have its conversation, and do what follows."""
        letter = lane.head
        if self._stopping:
            return
        if letter.event.id in self._dead:
            self._leave_dead(lane, letter)
        elif self._desk.gate.is_open or self._desk.gate.admits(self._desk.clock.now()):
            await self._converse(lane, letter)
        else:
            self._wait(lane, self._desk.gate.wait(self._desk.clock.now()))

    async def _converse(self, lane: Lane, letter: Letter) -> None:
        self._in_flight += 1
        self._desk.in_flight += 1
        try:
            self._settle(lane, letter, await self._attempt(letter))
        except LostOwnership:
            pass  # the partition is another's, and its lanes with it
        finally:
            self._desk.in_flight -= 1
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _attempt(self, letter: Letter) -> Outcome:
        started_at = self._desk.clock.now()
        context = Context(
            attempt=letter.tried + 1, now=started_at, answer_lost=letter.answer_lost
        )
        with tracing.span("deliver", letter.event.traceparent) as span:
            call = partial(self._call, span.traceparent)
            try:
                conversation = self._desk.target.deliver(letter.event, context)
                outcome = await converse(conversation, call)
                span.set("outcome", name_of(outcome))
            except LostOwnership:
                raise
            except Exception as mistake:  # noqa: BLE001 - one target's own mistake
                log.error(  # noqa: TRY400 - structured, without values
                    events.CONVERSATION_BROKE, event_id=letter.event.id, error=mistake
                )
                outcome = Failed("internal_error", answer_lost=True)
        times = Times(started_at, self._desk.clock.now())
        self._report.attempted(letter, outcome, times)
        return outcome

    async def _call(
        self, traceparent: str | None, request: httpx.Request
    ) -> httpx.Response:
        await self._owner.permit()
        tracing.inject(traceparent, request.headers)
        return await self._desk.send(request, self._calls)

    def _settle(self, lane: Lane, letter: Letter, outcome: Outcome) -> None:
        if self._calls.ended:
            return  # dropped just before the answer came: the lanes are another's
        decision = self._desk.policy.decide(outcome, letter)
        if isinstance(decision, Halt):
            self._desk.shut(decision.reason)
        elif isinstance(outcome, Delivered | AlreadyApplied | Refused):
            self._desk.reopen()  # only what the target itself said proves a credential
        match decision:
            case Finish():
                self._finish(lane, letter, name_of(outcome))
            case Retry():
                self._retry(lane, letter, outcome, decision)
            case Bury():
                self._bury(lane, letter, decision)
            case Halt():
                self._wait(lane, self._desk.gate.wait(self._desk.clock.now()))

    # ------------------------------------------------------------ what follows

    def _finish(self, lane: Lane, letter: Letter, outcome: str) -> None:
        self._report.finished(letter, letter.attempts[-1].ended_at, outcome)
        self._advance(lane, letter)

    def _advance(self, lane: Lane, letter: Letter) -> None:
        more = self._lanes.advance(lane)
        self._desk.size -= letter.size
        self._owner.finish(letter.offset)
        if more:
            self._put(lane)

    def _retry(
        self, lane: Lane, letter: Letter, outcome: Outcome, retry: Retry
    ) -> None:
        if isinstance(outcome, Failed) and outcome.answer_lost:
            letter.answer_lost = True
        last = letter.attempts[-1]
        letter.failures += retry.failed
        if retry.ages:
            letter.failing += last.ended_at - last.started_at + retry.after
        self._wait(lane, retry.after)

    def _bury(self, lane: Lane, letter: Letter, why: Bury) -> None:
        self._report.buried(letter, why, letter.attempts[-1].ended_at)
        self._owner.note()
        self._dead.add(letter.event.id)
        if self._desk.options.on_dead == "skip":
            self._buried.append(lane)
        else:
            self._hold(lane)

    def _leave_dead(self, lane: Lane, letter: Letter) -> None:
        """A dead event is not tried again: hold its lane, or go on behind it."""
        if self._desk.options.on_dead == "skip":
            self._advance(lane, letter)
        else:
            self._hold(lane)

    def _hold(self, lane: Lane) -> None:
        self._lanes.move(lane, Place.HELD)
        log.warning(
            events.LANE_HELD,
            target=self._desk.target.name,
            subject=lane.subject,
            event_id=lane.head.event.id,
        )

    def _wait(self, lane: Lane, after: timedelta) -> None:
        self._lanes.move(lane, Place.WAITING)
        self._start(self._put_later(lane, after))

    async def _put_later(self, lane: Lane, after: timedelta) -> None:
        await self._desk.clock.sleep(after)
        self._put(lane)

    def _put(self, lane: Lane) -> None:
        """Hand a lane to the pool, or keep it until calls may start at all."""
        self._lanes.move(lane, Place.READY)
        if self._early is not None:
            self._early.append(lane)
        else:
            self._desk.pool.put(partial(self.work, lane))

    async def _open_lanes(self) -> None:
        """Prove ownership, wait for a predecessor's calls, then let lanes go."""
        try:
            await self._owner.permit()
        except LostOwnership:
            return  # another's now, and its lanes with it
        early, self._early = self._early or [], None
        for lane in early:
            self._put(lane)

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        timer = asyncio.create_task(coroutine)
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)
