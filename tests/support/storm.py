"""Disasters for the workers and the broker of a test, and what they may explain."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

import psutil

from tests.support.broker import OwnBroker
from tests.support.moody import Taking
from tests.support.processes import Worker
from tests.support.recorder import Recorded
from tests.support.waiting import comes_true

ANSWER_LOST, TIMED_OUT = "answer lost", "answer too late"
_TIMED_OUT = frozenset({"read_timeout", "deadline"})
#: Seconds before a crash of which receipts may be uncommitted: a tick, the pause of a
#: busy owner (a quarter second), and a commit on a busy machine.
UNCOMMITTED = 2.0
#: Seconds after a blow: a busy target reads what was on its way, what is uncertain is
#: settled.
AFTERWARDS = 5.0
FREEZE = 9  # seconds: longer than the session time-out
PATIENCE = timedelta(seconds=20)  # for what a busy machine may not come to
WAYS = 4
WARM = 20  # seconds until a worker has started on a busy machine
KILLED = 0.5  # how often the broker is killed, and not stopped in order


@dataclass(frozen=True, slots=True)
class Blow:
    """Takes the receipts of what `worker` (every one: None) did about that time."""

    kind: str
    worker: str | None
    since: float
    until: float

    def explains(self, taking: Taking) -> bool:
        """Tell whether the receipt of `taking` may have been lost by it."""
        here = self.worker in (None, taking.worker)
        late = taking.ended >= self.since - UNCOMMITTED
        return here and late and taking.started <= self.until


@dataclass(slots=True)
class Evidence:
    """What may explain that an event was taken again.

    `unheard` has worker and event id of each call that its worker gave up waiting for.
    """

    blows: list[Blow] = field(default_factory=list)
    unheard: set[tuple[str, str]] = field(default_factory=set)

    def causes(self, taken: Mapping[str, Sequence[Taking]]) -> Counter[str]:
        """Count repeats by what explains them; by their times where nothing does."""
        return Counter(
            self._cause(key, taking) or f"{key}: {taking}, then {takings[number + 1]}"
            for key, takings in taken.items()
            for number, taking in enumerate(takings[:-1])
        )

    def _cause(self, key: str, taking: Taking) -> str | None:
        if not taking.told:
            return ANSWER_LOST
        if (taking.worker, key) in self.unheard:
            return TIMED_OUT
        return next((blow.kind for blow in self.blows if blow.explains(taking)), None)

    def heard(self, calls: Sequence[Recorded]) -> list[Recorded]:
        """Leave out what its worker gave up waiting for and tried again.

        The target may still be at work on it then: no caller can know.
        """
        tries = Counter((call.worker, call.key) for call in calls)
        again = {each for each in self.unheard if tries[each] > 1}
        return [call for call in calls if (call.worker, call.key) not in again]

    def read(self, worker: Worker) -> None:
        """Learn from its log which calls a worker gave up waiting for."""
        for line in worker.lines():
            if line.get("reason") in _TIMED_OUT:
                self.unheard.add((worker.name, str(line["event_id"])))


@dataclass(slots=True)
class Memory:
    """The resident memory of each worker, sampled every second, in bytes."""

    samples: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, workers: Iterable[Worker]) -> None:
        """Take a sample of each that runs."""
        for worker in workers:
            if worker.running:
                rss = psutil.Process(worker.process.pid).memory_info().rss
                self.samples[worker.name].append(rss)

    @property
    def most(self) -> int:
        """The most that any worker ever held."""
        return max(max(samples) for samples in self.samples.values())

    def __str__(self) -> str:
        """Each worker's first sample (once it has started) and its last, in MiB."""
        return "; ".join(
            f"{name} {samples[min(WARM, len(samples) - 1)] >> 20}, {samples[-1] >> 20}"
            for name, samples in self.samples.items()
        )

    def quarters(self, worker: str) -> list[int]:
        """Return the median of each quarter of a worker's life."""
        samples = self.samples[worker]
        size = max(1, len(samples) // 4)
        return [int(median(samples[at * size :][:size])) for at in range(4)]


class Disaster:
    """Strikes at workers and the broker, each way once before any again.

    The first worker, the witness, is frozen like the others but never killed, so that
    its memory tells of the whole storm.
    """

    def __init__(
        self, hire: Callable[[str], Worker], broker: OwnBroker, dice: random.Random
    ) -> None:
        self.evidence = Evidence()
        self.kinds: Counter[str] = Counter()
        self.memory = Memory()
        self._hire = hire
        self._broker = broker
        self._dice = dice
        self._count = 0
        self._workers: list[Worker] = []
        self._ever: list[Worker] = []

    @property
    def witness(self) -> Worker:
        """The worker that lives through all of it."""
        return self._workers[0]

    def man(self, number: int) -> None:
        """Fill the ranks: who starts while Kafka is away ends by itself, too."""
        self._workers = [
            each for each in self._workers if each.running or each is self._workers[0]
        ]
        while len(self._workers) < number:
            self._count += 1
            worker = self._hire(f"w{self._count}")
            self._workers.append(worker)
            self._ever.append(worker)

    def repeats(self, taken: Mapping[str, Sequence[Taking]]) -> Counter[str]:
        """Count the events that were taken again by what explains it."""
        for worker in self._ever:
            self.evidence.read(worker)
        return self.evidence.causes(taken)

    async def watch(self) -> None:
        """Sample the memory of all workers until cancelled."""
        while True:
            self.memory.note(self._workers)
            await asyncio.sleep(1)  # the distance of two samples

    async def rage(
        self, until: float, recovered: Callable[[], bool], patience: timedelta
    ) -> None:
        """Strike again and again, when the last blow was taken or patience ends.

        In each way at least once.
        """
        ranks = len(self._workers)
        for number, way in enumerate(self._ways()):
            if time.monotonic() > until and number >= WAYS:
                break
            await comes_true(recovered, patience)
            self.man(ranks)
            await way()
        self.man(ranks)

    def _ways(self) -> Iterator[Callable[[], Awaitable[None]]]:
        while True:
            ways = [self._kill, self._freeze, self._scale, self._lose_broker]
            yield from self._dice.sample(ways, WAYS)

    async def _kill(self) -> None:
        victim = self._take_one()
        victim.kill()
        self._struck("worker killed", victim.name, time.time())

    async def _freeze(self) -> None:
        sleeper, since = self._dice.choice(self._workers), time.time()
        sleeper.freeze()
        await asyncio.sleep(FREEZE)
        sleeper.thaw()
        self._struck("worker frozen", sleeper.name, since)

    async def _scale(self) -> None:
        """One more, then one less; neither may cost a repeat."""
        leaver, ranks = self._take_one(), len(self._workers)
        self.man(ranks + 1)
        newcomer = self._workers[-1]
        await comes_true(lambda: newcomer.has_logged("owner.opened"), PATIENCE)
        leaver.terminate()
        await asyncio.to_thread(leaver.wait, timedelta(seconds=90))
        self.kinds["worker added, another taken away"] += 1

    async def _lose_broker(self) -> None:
        since = time.time()
        kill = self._dice.random() < KILLED
        await asyncio.to_thread(self._broker.kill if kill else self._broker.stop)
        await asyncio.to_thread(self._broker.start)
        self._struck("broker killed" if kill else "broker restarted", None, since)

    def _struck(self, kind: str, worker: str | None, since: float) -> None:
        self.kinds[kind] += 1
        until = time.time() + AFTERWARDS
        self.evidence.blows.append(Blow(kind, worker, since, until))

    def _take_one(self) -> Worker:
        return self._workers.pop(self._dice.randrange(1, len(self._workers)))
