"""A small world for the deliver stage: Kafka, a target, workers that die.

Kafka keeps what was committed and fences whoever is not the owner. The target has the
effect of a call at the end of the call, whether or not anybody still listens. What
must never happen is noted as a violation while it happens.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from bridge.canonical.envelope import Cause, Event, chain_start, seal
from bridge.delivery.calls import Calls
from bridge.delivery.conversation import CallFailed
from bridge.delivery.dead import DeadEvents
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.policy import Policy
from bridge.delivery.report import Report
from bridge.delivery.stage import DeliverWork
from bridge.errors import LostOwnership
from bridge.streams.lease import Lease
from bridge.streams.options import WINDOW_LIMIT
from bridge.streams.progress import Mark, Progress
from bridge.streams.receipts import Sheet, decode_sheet
from bridge.streams.records import Outgoing, Record
from tests.support.clock import START
from tests.support.fakes import FakeTarget, event_record
from tests.support.simulated_time import LoopClock
from tests.unit.delivery.bench import TOPICS

LEASE = timedelta(seconds=5)
DEADLINE = timedelta(seconds=15)
WINDOW = 12
_BEHAVIOURS = {
    7: "fails",
    8: "is busy",
    9: "refuses",
    10: "knows nobody",
    11: "lost before",
    12: "lost after",
}
_REJECTIONS = {"fails": 500, "is busy": 429, "refuses": 422, "knows nobody": 401}
_CAUSE = Cause(source="/redo/shop", time=START, causation_id="cause")


class Tape:
    """Every choice of one run, in order; zeros when it has ended."""

    def __init__(self, choices: bytes) -> None:
        self._choices = choices
        self._place = 0

    @property
    def ended(self) -> bool:
        return self._place >= len(self._choices)

    def next(self) -> int:
        self._place += 1
        return 0 if self._place > len(self._choices) else self._choices[self._place - 1]


@dataclass(slots=True)
class World:
    """What outlives every worker: time, Kafka, the target, and what went wrong."""

    tape: Tape
    clock: LoopClock = field(default_factory=LoopClock)
    violations: list[str] = field(default_factory=list)
    log: list[tuple[Record, Event]] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    owner: "SimulatedOwner | None" = None
    position: int = 0
    metadata: str = ""
    sheets: list[Sheet] = field(default_factory=list)
    dead: list[Record] = field(default_factory=list)
    receipted: dict[str, str] = field(default_factory=dict)
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The last offset."""
        return self.log[-1][0].offset if self.log else -1

    def publish(self, subject: str) -> None:
        """Write the next event of `subject`; offsets have gaps as on Kafka."""
        sequence, chain = self.ends.get(subject, (0, chain_start(subject)))
        body = b'{"number":%d}' % sequence
        (event,) = seal(subject, sequence, chain, _CAUSE, [("return.updated", body)])
        self.events[event.id] = event
        self.ends[subject] = (event.sequence, event.chain)
        offset = self.end + 1 + len(self.log) % 2
        self.log.append((event_record(event, offset, self.clock.now()), event))

    def commit(self, batch: list[Outgoing], progress: Progress, mark: Mark) -> None:
        """Write one transaction: everything of it, at once."""
        for outgoing in batch:
            if outgoing.topic == TOPICS.receipts:
                self._file(decode_sheet(outgoing.value or b""))
            else:
                headers = dict(outgoing.headers)
                key, value = outgoing.key, outgoing.value
                self.dead.append(Record(outgoing.topic, 0, 0, 0, key, value, headers))
        self.position, self.metadata = progress.position, progress.encode(mark)
        for record, event in self.log:
            if record.offset < self.position and event.id not in self.receipted:
                self.violations.append(f"committed past {event.sequence}, no receipt")

    def _file(self, sheet: Sheet) -> None:
        self.sheets.append(sheet)
        for receipt in sheet.receipts:
            self.receipted[receipt.id] = receipt.outcome


class SimulatedNetwork:
    """The network to the target and the target behind it, which is idempotent."""

    def __init__(self, world: World) -> None:
        self.applied: dict[str, list[int]] = {}
        self._world = world
        self._busy: set[str] = set()
        self._answered: dict[str, SimulatedOwner] = {}

    def port(
        self, worker: "SimulatedOwner"
    ) -> Callable[[httpx.Request, Calls], Coroutine[None, None, httpx.Response]]:
        """Return the network as `worker` sees it."""
        return lambda request, calls: self._send(request, calls, worker)

    async def _send(
        self, request: httpx.Request, calls: Calls, worker: "SimulatedOwner"
    ) -> httpx.Response:
        event = self._world.events[request.headers["Idempotency-Key"]]
        self._judge_start(event, worker)
        choice = self._world.tape.next()
        serving = asyncio.create_task(self._serve(event, choice))
        try:
            async with asyncio.timeout(None) as timer:
                with calls.running(timer):
                    status = await asyncio.shield(serving)
        except TimeoutError as cut:
            raise LostOwnership("cut short") from cut
        if status is None:
            raise CallFailed("read_timeout", sent=True)
        if status in (200, 208):
            self._answered[event.id] = worker
        return httpx.Response(status)

    def _judge_start(self, event: Event, worker: "SimulatedOwner") -> None:
        if event.subject in self._busy:
            self._violated("was called during another call of its subject", event)
        if event.id in self._world.receipted:
            self._violated("was called after its receipt", event)
        if self._answered.get(event.id) is worker:
            self._violated("was called after its answer", event)
        context = worker.target.contexts[event.id][-1]
        told = context.answer_lost or worker.inherited_cleanly
        if event.sequence in self._of(event) and not told:
            self._violated("was called without a word of a lost answer", event)

    async def _serve(self, event: Event, choice: int) -> int | None:
        """Take a while, have the effect or not, and answer or not (None)."""
        self._busy.add(event.subject)
        durations = (0, 0, 0.01, 1, 6, 14.9)
        await self._world.clock.sleep(timedelta(seconds=durations[choice % 6]))
        self._busy.discard(event.subject)
        behaviour = _BEHAVIOURS.get(choice // 6 % 14, "well")
        if behaviour == "lost before":
            return None
        status = self._answer(event, behaviour)
        return None if behaviour == "lost after" else status

    def _answer(self, event: Event, behaviour: str) -> int:
        if behaviour in _REJECTIONS and event.sequence not in self._of(event):
            return _REJECTIONS[behaviour]
        return self._apply(event)

    def _of(self, event: Event) -> list[int]:
        return self.applied.setdefault(event.subject, [])

    def _apply(self, event: Event) -> int:
        applied = self._of(event)
        if event.sequence in applied:
            return 208
        if applied and event.sequence < applied[-1]:
            self._violated(f"took effect after {applied}", event)
        applied.append(event.sequence)
        return 200

    def _violated(self, what: str, event: Event) -> None:
        name = f"{event.subject} {event.sequence}"
        self._world.violations.append(f"{self._world.clock.now()}: {name} {what}")


class SimulatedOwner:
    """A partition's owner in one process: the real lease and progress, no Kafka.

    `inherited_cleanly` tells that nothing is in doubt for this owner.
    """

    def __init__(
        self,
        world: World,
        network: SimulatedNetwork,
        options: DeliveryOptions,
        *,
        number: int,
    ) -> None:
        self.inherited_cleanly = False
        self.lost = False
        self._world = world
        self._name = f"worker-{number}"
        self._commits = 0
        self._read = -1
        # What is held fills window and memory for good; what is skipped does not.
        self._window = WINDOW if options.on_dead == "skip" else WINDOW_LIMIT
        self._lease = Lease(world.clock, LEASE)
        self._progress = Progress(0)
        self.target = FakeTarget()
        self.desk = Desk(self.target, options, world.clock, network.port(self))
        self.desk.policy = Policy(options, random.Random(number))  # noqa: S311 - jitter
        report = Report(target=self.target.name, worker=self._name, topics=TOPICS)
        self.work = DeliverWork(self, self.desk, DeadEvents(self._read_dead), report)

    async def open(self) -> None:
        """Fence the predecessor, inherit, begin."""
        world = self._world
        world.owner = self
        self._progress, mark = Progress.decode(
            world.position, world.metadata, window=self._window
        )
        clean = not world.metadata or (mark is not None and mark.released)
        if not clean:
            self._lease.wait_for_predecessor(world.clock.monotonic(), LEASE + DEADLINE)
        self.inherited_cleanly = clean
        self._read = world.position - 1
        await self.work.restore(clean=clean)

    async def _read_dead(self, apply: Callable[[list[Record]], None]) -> int:
        apply(self._world.dead)
        return len(self._world.dead)

    def feed(self) -> None:
        """Hand on what there is room for."""
        for record, _ in self._world.log:
            if record.offset <= self._read:
                continue
            if not (self._progress.fits(record.offset) and self.work.room()):
                return
            self._read = record.offset
            if self._progress.deliver(record.offset):
                self.work.accept(record)

    @property
    def idle(self) -> bool:
        """Whether all there is was read, and what is left is held."""
        return self._read == self._world.end and not self.desk.busy

    def commit(self, *, released: bool = False) -> None:
        """Commit what was learned, unless another owner has fenced this one."""
        if self._world.owner is not self:
            self.lose()
            return
        self._commits += 1
        mark = Mark(released, f"{self._name}.{self._commits}")
        started = self._world.clock.monotonic()
        self._world.commit(self.work.collect(), self._progress, mark)
        self._lease.renew(started)
        self.work.committed({})

    async def release(self) -> None:
        """Let go in order."""
        clean = await self.work.drain(DEADLINE) and not self._lease.handover_left()
        self._lease.end()
        self.commit(released=clean)
        self.lose()

    def lose(self) -> None:
        self.lost = True
        self._lease.end()
        self.work.drop()

    def finish(self, offset: int) -> None:
        self._progress.finish(offset)

    def note(self) -> None:
        """Commits come when the tape says so."""

    async def permit(self) -> None:
        while not self._lease.holds():
            if self.lost:
                raise LostOwnership("fenced")
            await self._world.clock.sleep(self._lease.handover_left())
            if not self.lost:
                self.commit()
