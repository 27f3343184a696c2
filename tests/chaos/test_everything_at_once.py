"""Everything at once, in random order: what is promised holds, and all of it ends.

Three workers, a target in bad moods, a broker that is killed; workers are killed,
frozen, added and taken away. Then operators decide about what is dead, and every event
is delivered or discarded. `CHAOS_SECONDS` sets how long it goes on.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from bridge.deadletters import instructions
from bridge.deadletters.instructions import Instruction, new_id
from bridge.delivery.lanes import Absent
from bridge.delivery.restoring import Restored
from bridge.inspection.findings import TargetReport
from bridge.streams.restore import read_to_end
from tests.chaos.test_workers import REPEATS, Stage
from tests.support.broker import OwnBroker, options_of
from tests.support.histories import publish_events
from tests.support.kafka_plugin import CreateTopics
from tests.support.moody import Mood, MoodyTarget
from tests.support.processes import Worker, Workers
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.timeout(1_500)]

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
PARTITIONS, VERSIONS, WORKERS = 12, 20, 3
SUBJECTS = min(2_000, int(SECONDS * 2_000 / 300))
FREEZE = 9  # seconds: longer than the session time-out
MEMORY = 300 * 1024 * 1024
PATIENCE = timedelta(seconds=240)


class Disaster:
    """What happens to the workers and the broker; `blows` is how often."""

    def __init__(self, stage: Stage, broker: OwnBroker) -> None:
        self.blows = 0
        self.memory = 0
        self._stage = stage
        self._broker = broker
        self._dice = random.Random(SEED)  # noqa: S311 - disasters
        self._count = 0
        self._workers: list[Worker] = []

    def man(self) -> None:
        """Fill the ranks: who starts while Kafka is away ends by itself, too."""
        self._workers = [worker for worker in self._workers if worker.running]
        while len(self._workers) < WORKERS:
            self._count += 1
            self._workers.append(self._stage.worker(f"w{self._count}"))

    async def rage(self, until: float) -> None:
        """Strike again and again, each way once before any comes again."""
        ways: list[Callable[[], Awaitable[None]]] = []
        while time.monotonic() < until:
            if not ways:
                ways = [self._kill, self._freeze, self._scale, self._lose_broker]
                self._dice.shuffle(ways)
            await asyncio.sleep(min(5, SECONDS / 12))  # the time between two blows
            self.man()
            self.watch()
            await ways.pop()()
        self.man()

    async def _kill(self) -> None:
        self.blows += 1
        self._take_one().kill()

    async def _freeze(self) -> None:
        self.blows += 1
        sleeper = self._dice.choice(self._workers)
        sleeper.freeze()
        await asyncio.sleep(FREEZE)
        sleeper.thaw()

    async def _scale(self) -> None:
        leaver = self._take_one()
        self.man()
        leaver.terminate()
        await asyncio.to_thread(leaver.wait, timedelta(seconds=90))

    async def _lose_broker(self) -> None:
        self.blows += len(self._workers)
        await asyncio.to_thread(self._broker.kill)
        await asyncio.to_thread(self._broker.start)

    def _take_one(self) -> Worker:
        return self._workers.pop(self._dice.randrange(len(self._workers)))

    def watch(self) -> None:
        """Note the most memory that any worker holds."""
        for worker in self._workers:
            if worker.running:
                rss = psutil.Process(worker.process.pid).memory_info().rss
                self.memory = max(self.memory, rss)


async def moods(target: MoodyTarget) -> None:
    """Let the target go through its moods within the time there is."""
    for mood, lasts in (
        (Mood.ORDINARY, SECONDS * 0.15),
        (Mood.BUSY, 2),
        (Mood.ORDINARY, SECONDS * 0.15),
        (Mood.REVOKED, 5),
        (Mood.ORDINARY, SECONDS * 0.2),
        (Mood.DOWN, min(30, SECONDS * 0.2)),
        (Mood.ORDINARY, 0),
    ):
        target.mood = mood
        await asyncio.sleep(lasts)  # the mood's own length


async def dead_subjects(stage: Stage) -> list[str]:
    """Return whose lane is headed by a dead event, as the parked topic has it."""
    found: list[str] = []
    kafka, topic = options_of(stage.broker), stage.names.parked("dock")
    for number in range(PARTITIONS):
        kept = Restored(room=0)
        await read_to_end(kafka, topic, number, start=0, apply=kept.take)
        found += [
            subject
            for subject, letters in kept.lanes()
            if isinstance(letters[0], Absent) and letters[0].death is not None
        ]
    return sorted(found)


async def decide(stage: Stage, subjects: list[str]) -> None:
    """Retry every other dead event and discard the rest."""
    producer = AIOKafkaProducer(bootstrap_servers=stage.broker.bootstrap)
    await producer.start()
    for number, subject in enumerate(subjects):
        instruction = Instruction(
            id=new_id(),
            action="discard" if number % 2 else "retry",
            target="dock",
            subject=subject,
            author="chaos",
            reason="the storm is over",
            force=True,
            issued_at=datetime.now(UTC),
        )
        key, value = instructions.encode(instruction)
        await producer.send(stage.names.instructions, value, key=key)
    await producer.stop()


async def end(stage: Stage, events: int) -> TargetReport:
    """Wait until everything is delivered or discarded; decide about what is dead."""

    async def ended() -> bool:
        (target,) = (await stage.verify()).targets
        if target.delivered + target.skipped + target.discarded == events:
            return True
        await decide(stage, await dead_subjects(stage))
        await asyncio.sleep(3)  # let them work: reading all topics is work too
        return False

    await wait_until(
        ended, what="the end", within=PATIENCE, explain=stage.workers.tails
    )
    report = await stage.verify()
    stage.judge(report)
    return report.targets[0]


@pytest.fixture
async def stage(
    own_kafka: OwnBroker, topics: CreateTopics, workers: Workers, tmp_path: Path
) -> AsyncIterator[tuple[Stage, MoodyTarget]]:
    names = await topics(own_kafka, "dock", partitions=PARTITIONS)
    target = MoodyTarget(SEED)
    url = await target.start()
    kafka, patience = own_kafka, {"dead_limit": 10_000, "park_after": "2s"}
    yield (
        Stage(kafka, names, target, url, workers, tmp_path, PARTITIONS, patience),
        target,
    )
    workers.close()
    await target.stop()


async def test_whatever_happens_every_event_is_delivered_in_order_or_discarded(
    stage: tuple[Stage, MoodyTarget], own_kafka: OwnBroker
) -> None:
    scene, target = stage
    disaster = Disaster(scene, own_kafka)
    subjects = range(SUBJECTS)
    events = await publish_events(own_kafka.bootstrap, scene.names, subjects, VERSIONS)
    disaster.man()

    until = time.monotonic() + SECONDS
    await asyncio.gather(moods(target), disaster.rage(until))
    target.mood = Mood.CALM
    report = await end(scene, events)

    disaster.watch()
    figures = f"{events} events, {disaster.blows} blows, {target.lost} answers lost, "
    figures += f"{target.taken_again()} taken again, {report.discarded} discarded, "
    figures += f"{disaster.memory >> 20} MiB"
    print(figures)  # noqa: T201 - what the long form is run for
    assert report.discarded > 0, figures
    assert target.taken_again() <= target.lost + disaster.blows * REPEATS, figures
    assert disaster.memory < MEMORY, figures
