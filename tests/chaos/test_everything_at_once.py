"""Everything at once, in random order: what is promised holds, and all of it ends.

Three workers, a target in bad moods, a broker that is killed and restarted; workers are
killed, frozen, added and taken away. Then operators replay what is dead, and every
event is delivered or discarded. `CHAOS_SECONDS` sets how long the storm lasts; at 300
there are 2,000 returns with 40,000 events.
"""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.cli.common import Exit
from bridge.delivery.lanes import HELD
from bridge.inspection.findings import Report
from bridge.inspection.lag import Lag, lag
from bridge.streams.groups import deliver_group
from bridge.streams.scan import partition_for
from tests.chaos.test_workers import SECRETS, Stage
from tests.support.broker import OwnBroker, options_of
from tests.support.kafka_plugin import CreateTopics
from tests.support.moody import Mood, MoodyTarget
from tests.support.operating import Operator
from tests.support.processes import Workers
from tests.support.recorder import disorder
from tests.support.storm import ANSWER_LOST, TIMED_OUT, Disaster
from tests.support.traffic import Traffic
from tests.support.waiting import comes_true

pytestmark = [
    pytest.mark.integration,
    pytest.mark.e2e,
    pytest.mark.timed,
    pytest.mark.timeout(2_400),
]

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
PARTITIONS, WORKERS = 12, 3
SUBJECTS = min(2_000, int(SECONDS * 2_000 / 300))
VERSIONS = 20  # webhooks of each return; as many events go to the target
SKIPPED = 2  # more events of each return that are not for warehouses
EVENTS = SUBJECTS * (VERSIONS + SKIPPED)
TRAFFIC = 0.9  # of the storm is how long events come in
#: Bytes of waiting bodies a worker may hold: little, so that bodies are let go.
MEMORY_LIMIT = 4 * 1024 * 1024
#: No worker ever holds more.
MEMORY = 200 * 1024 * 1024
#: A storm so long shows that memory is flat: it grows by no more from the third quarter
#: to the last. A short one ends before a process has all that it keeps.
LONG, GROWTH = 300, 1.1
#: Long: on a busy machine nobody shall be too late by chance. Successors wait for it.
READ_TIMEOUT, CALL_DEADLINE = "8s", "9s"
STRIKE_AGAIN = timedelta(seconds=min(25, SECONDS / 12))
PATIENCE = timedelta(seconds=120)  # without any call
SILENCE = 2  # seconds without any call


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


async def storm(stage: Stage, target: MoodyTarget, disaster: Disaster) -> None:
    """Let everything happen at once."""
    traffic = Traffic(stage.broker.bootstrap, stage.names, SUBJECTS, VERSIONS, EVENTS)
    disaster.man(WORKERS)
    watch = asyncio.create_task(disaster.watch())
    until = time.monotonic() + SECONDS
    await asyncio.gather(
        traffic.flow(TRAFFIC * SECONDS),
        moods(target),
        disaster.rage(until, everywhere(target), STRIKE_AGAIN),
    )
    watch.cancel()


def everywhere(target: MoodyTarget) -> Callable[[], bool]:
    """Return whether calls about every partition have been made since it last held."""
    seen: set[int] = set()
    place = 0

    def held() -> bool:
        nonlocal place
        for call in target.calls[place:]:
            seen.add(partition_for(call.subject.encode(), PARTITIONS))
        place = len(target.calls)
        if len(seen) < PARTITIONS:
            return False
        seen.clear()
        return True

    return held


@dataclass(frozen=True, slots=True)
class Operators:
    """They let the dead go once more, and discard what dies again."""

    stage: Stage
    desk: Operator
    results: Counter[str] = field(default_factory=Counter)

    async def end(self) -> Report:
        """Decide until nothing is left; return what the checker says."""
        await self._calm()
        while await self._decide("retry", "invalid") + await self._decide(
            "discard", "http_400"
        ):
            await self._calm()
        rows = await self._rows()
        assert not any(row.parked for row in rows), rows
        return await self.stage.verify()

    async def _decide(self, action: str, reason: str) -> int:
        """Decide about all that are dead for `reason`; return how many there were."""
        said = await self.desk.says(
            *("dead", action, "--target", "dock", "--reason", reason, "--json"),
            *("--because", "the storm is over", "--author", "chaos", "--yes"),
        )
        results = Counter(f"{action}: {row['result']}" for row in said.rows())
        assert bool(results) != (said.code == Exit.NOTHING), said
        self.results.update(results)
        return results.total()

    async def _calm(self) -> None:
        """Wait until nothing is left but what waits for an operator."""
        calls, before = self.stage.target.calls, -1
        while len(calls) > before:  # as long as it goes on
            before = len(calls)
            if await comes_true(self._is_calm, PATIENCE):
                return
        raise AssertionError(f"nothing happens. {self.stage.workers.tails()}")

    async def _is_calm(self) -> bool:
        if time.time() - self.stage.target.calls[-1].ended < SILENCE:
            return False  # reading all topics is work too
        rows = await self._rows()
        return not any(row.lag or row.waits.keys() - HELD for row in rows)

    async def _rows(self) -> list[Lag]:
        group = deliver_group(self.stage.names.prefix, "dock")
        rows = await lag(options_of(self.stage.broker), self.stage.names, ("dock",))
        return [row for row in rows if row.group == group]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the storm left behind; `took` seconds with its end."""

    target: MoodyTarget
    disaster: Disaster
    repeats: Counter[str]
    decided: Counter[str]
    report: Report
    took: float

    def __str__(self) -> str:
        dock, memory = self.report.targets[0], self.disaster.memory
        calls = len(self.target.calls)
        witness = [size >> 20 for size in self._witness()]
        ended = f"{dock.delivered} delivered, {dock.skipped} skipped as configured"
        lines = (
            f"{dock.events} events of {SUBJECTS} returns, {calls} calls",
            f"{SECONDS:.0f} s of storm, {self.took:.0f} s in all",
            f"blows: {_told(self.disaster.kinds)}",
            f"repeats: {self.repeats.total()}: {_told(self.repeats)}",
            f"operators: {_told(self.decided)}",
            f"at the end: {ended}, {dock.discarded} discarded",
            f"MiB of each worker, at first and at last: {memory}",
            f"MiB at most: {memory.most >> 20}; of the witness, by quarters: {witness}",
        )
        return "\n".join(lines)

    def _witness(self) -> list[int]:
        return self.disaster.memory.quarters(self.disaster.witness.name)

    def judge_events(self) -> None:
        """All are delivered or discarded, in order, none twice without a reason."""
        dock = self.report.targets[0]
        assert self.report.ok, self.report
        assert disorder(self.disaster.evidence.heard(self.target.calls)) == []
        assert self.report.history.events == EVENTS
        assert dock.skipped == SKIPPED * SUBJECTS
        assert dock.delivered + dock.discarded == VERSIONS * SUBJECTS
        assert dock.discarded == self.decided["discard: applied"] > 0
        assert self.decided["retry: delivered"] > 0
        assert self.repeats.keys() <= {ANSWER_LOST, TIMED_OUT, *self.disaster.kinds}

    def judge_workers(self) -> None:
        """Their memory is bounded and flat; what nobody killed is there still."""
        assert self.disaster.witness.running
        assert self.disaster.memory.most < MEMORY, str(self)
        *_, before, last = self._witness()
        assert last < before * GROWTH or SECONDS < LONG, str(self)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


@pytest.fixture
async def stage(
    own_kafka: OwnBroker, topics: CreateTopics, workers: Workers, tmp_path: Path
) -> AsyncIterator[tuple[Stage, MoodyTarget]]:
    names = await topics(own_kafka, "dock", partitions=PARTITIONS)
    target = MoodyTarget(SEED)
    url = await target.start()
    delivery = {
        "dead_limit": 10_000,
        "park_after": "2s",
        "memory_limit": MEMORY_LIMIT,
        "read_timeout": READ_TIMEOUT,
    }
    yield (
        Stage(
            *(own_kafka, names, target, url, workers, tmp_path, PARTITIONS),
            delivery=delivery,
            call_deadline=CALL_DEADLINE,
        ),
        target,
    )
    workers.close()
    await target.stop()


async def test_whatever_happens_every_event_is_delivered_in_order_or_discarded(
    stage: tuple[Stage, MoodyTarget],
    own_kafka: OwnBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "aiokafka")
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    scene, target = stage
    disaster = Disaster(scene.worker, own_kafka, random.Random(SEED))  # noqa: S311
    began = time.monotonic()

    await storm(scene, target, disaster)
    target.mood = Mood.CALM
    operators = Operators(scene, Operator(scene.folder / "w1.yaml"))
    report = await operators.end()

    took = time.monotonic() - began
    repeats = disaster.repeats(target.taken)
    aftermath = Aftermath(target, disaster, repeats, operators.results, report, took)
    print(f"\n{aftermath}")  # noqa: T201 - what the long form is run for
    aftermath.judge_events()
    aftermath.judge_workers()
