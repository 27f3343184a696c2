"""A worker of the simulated world: the real stage, lease and progress, no Kafka."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.canonical.envelope import Event
from bridge.delivery.breaker import Breaker, BreakerRules
from bridge.delivery.budget import Budget
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.policy import Policy
from bridge.delivery.report import Report
from bridge.delivery.stage import DeliverWork
from bridge.delivery.turns import Turns
from bridge.errors import LostOwnership
from bridge.platforms.limits import Limit
from bridge.streams.lease import Lease
from bridge.streams.progress import Mark, Progress
from tests.support.fakes import FakeTarget
from tests.unit.delivery.bench import TOPICS
from tests.unit.delivery.simulation import SimulatedNetwork, World, committed

LEASE = timedelta(seconds=5)
DEADLINE = timedelta(seconds=15)
WINDOW = 12


@dataclass(frozen=True, slots=True)
class Setting:
    """How a day goes: the target's numbers, and the budget of its credential."""

    options: DeliveryOptions
    rules: BreakerRules
    limits: tuple[Limit, ...] = ()


@dataclass(slots=True)
class Fate:
    """What happens to a commit: how long it takes, and whether Kafka tells where."""

    lasts: timedelta = timedelta()
    told: bool = True
    late: bool = False  # it is written even if the worker dies meanwhile


WELL = Fate()


@dataclass(slots=True)
class Reading:
    """How far the log and the instructions were read."""

    events: int = -1
    orders: int = 0
    at: int = field(default=0)


class SimulatedOwner:
    """A partition's owner in one process."""

    def __init__(
        self, world: World, network: SimulatedNetwork, setting: Setting, number: int
    ) -> None:
        self.lost = False
        self.target = FakeTarget()
        self._world = world
        self._name = f"worker-{number}"
        self._commits = 0
        self._reading = Reading()
        self._instructed: int | None = None
        self._lease = Lease(world.clock, LEASE)
        self._progress = Progress(0)
        self._committing = asyncio.Lock()
        self._beside: set[asyncio.Task[None]] = set()
        turns = Turns(Budget(setting.limits), world.clock) if setting.limits else None
        self.desk = Desk(
            self.target,
            setting.options,
            world.clock,
            network.port(self),
            turns,
            breaker=Breaker(setting.rules),
        )
        dice = random.Random(number)  # noqa: S311 - jitter
        self.desk.policy = Policy(setting.options, dice)
        report = Report(target=self.target.name, worker=self._name, topics=TOPICS)
        self.work = DeliverWork(self, self.desk, report, world.kept.topic())

    async def open(self) -> None:
        """Fence the predecessor, inherit, begin."""
        world = self._world
        world.owner = self
        self._progress, mark = Progress.decode(
            world.position, world.metadata, window=WINDOW
        )
        clean = not world.metadata or (mark is not None and mark.released)
        if not clean:
            self._lease.wait_for_predecessor(world.clock.monotonic(), LEASE + DEADLINE)
        self._reading = Reading(world.position - 1, world.instructed or 0)
        self._instructed = world.instructed
        await self.work.restore(clean=clean)

    def was_told(self, event: Event) -> bool:
        return self.target.contexts[event.id][-1].answer_lost

    def feed(self) -> None:
        """Hand on what there is room for, and every instruction."""
        log, reading = self._world.log, self._reading
        while reading.at < len(log):
            record, _ = log[reading.at]
            if record.offset > reading.events:
                if not (self._progress.fits(record.offset) and self.work.room()):
                    break
                reading.events = record.offset
                if self._progress.deliver(record.offset):
                    self.work.accept(record)
            reading.at += 1
        while reading.orders < len(self._world.orders):
            self.work.instruct(self._world.orders[reading.orders])
            reading.orders += 1

    @property
    def has_read_all(self) -> bool:
        return self._reading.at == len(self._world.log)

    # ------------------------------------------------------------ commits

    async def commit(self, fate: Fate = WELL, *, released: bool = False) -> None:
        """Commit what was learned, unless another owner has fenced this one."""
        async with self._committing:
            if not self.lost:
                await self._commit(fate, released=released)

    async def _commit(self, fate: Fate, *, released: bool) -> None:
        world = self._world
        self._commits += 1
        started = world.clock.monotonic()
        batch = self.work.collect()
        mark = Mark(released, f"{self._name}.{self._commits}")
        progress = committed(self._progress, mark)
        instructed = self._instructed
        if fate.lasts:
            await world.clock.sleep(fate.lasts)
        if world.owner is not self:
            self.lose()
        elif fate.late or not self.lost:
            world.commit(batch, progress, instructed)
        if not self.lost:
            self._lease.renew(started)
            self.work.committed(world.kept.ends() if fate.told else {})

    async def release(self) -> None:
        """Let go in order."""
        ended = await self.work.drain(DEADLINE)
        clean = ended and not self._lease.handover_left()
        self._lease.end()
        await asyncio.gather(*self._beside, return_exceptions=True)
        await self.commit(released=clean)
        self.lose()

    def lose(self) -> None:
        """Let go at once, as a killed process does."""
        self.lost = True
        self._lease.end()
        self.work.drop()
        for task in self._beside:
            task.cancel()

    # ------------------------------------------------------------ for the stage

    @property
    def crowded(self) -> bool:
        return self._progress.crowded

    def finish(self, offset: int) -> None:
        self._progress.finish(offset)

    def instructed(self, offset: int) -> None:
        self._instructed = offset + 1

    def note(self) -> None:
        """Commits come when the tape says so."""

    def alongside(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        task.add_done_callback(lambda _: work.close())  # it may never have begun

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as mistake:  # noqa: BLE001 - none is expected
            self._world.violations.append(f"{self._name}: {mistake!r}")

    def may_call(self) -> bool:
        return self._lease.holds()

    async def permit(self) -> None:
        while not self._lease.holds():
            if self.lost:
                raise LostOwnership("fenced")
            await self._world.clock.sleep(self._lease.handover_left())
            await self.commit()
