"""Real processes on a real broker: killed, frozen, added, taken away.

The target records every call; the same checker as `verify` judges the topics.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml

from bridge.inspection import read
from bridge.inspection.findings import Report
from bridge.streams.receipts import decode_sheet
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, OwnBroker, options_of
from tests.support.histories import publish_events, publish_observations
from tests.support.kafka_plugin import CreateTopics
from tests.support.processes import Worker, Workers
from tests.support.recorder import Recorder
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.timed]

PARTITIONS = 6
CONCURRENCY = 16
#: Calls in flight (0.1 s each) and those that finished within half a second: one tick
#: of 0.2 s and a commit, on a busy machine. Their receipts die with the worker.
REPEATS = CONCURRENCY + 5 * CONCURRENCY
PATIENCE = timedelta(seconds=120)
SECRETS = {
    "TOKEN": "token-of-the-test",
    "SIGN": "whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx",
    "HASH": "a key of the test",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One test's broker, topics, target and processes."""

    broker: Broker
    names: TopicNames
    target: Recorder
    url: str
    workers: Workers
    folder: Path
    partitions: int = PARTITIONS
    delivery: Mapping[str, object] = field(default_factory=dict)
    call_deadline: str = "3s"

    def worker(self, name: str, role: str = "deliver") -> Worker:
        """Start a process of the bridge; its calls go to `/<name>` of the target."""
        config = self.folder / f"{name}.yaml"
        config.write_text(yaml.safe_dump(self._tree(name)))
        return self.workers.spawn(
            *("run", role, "--config", str(config)), name=name, env=SECRETS
        )

    def _tree(self, name: str) -> dict[str, object]:
        ownership = {
            "call_deadline": self.call_deadline,
            "lease": "2s",
            "session_timeout": "6s",
        }
        return {
            "kafka": {"bootstrap": self.broker.bootstrap},
            "topics": {
                "prefix": self.names.prefix,
                "partitions": self.partitions,
                "profile": "single-node",
            },
            "inbound": {"port": 0},
            "worker": name,
            "state_dir": str(self.folder / name),
            "privacy": {"hash_key": {"env": "HASH"}},
            "normalize": {"ownership": {"session_timeout": "6s"}},
            "accounts": {
                "shop": {"platform": "redo", "webhook_tokens": [{"env": "TOKEN"}]},
                "dock": {
                    "platform": "warehouse",
                    "webhook_secrets": [{"env": "SIGN"}],
                    "announced_by": ["redo/shop"],
                },
            },
            "targets": {
                "dock": {
                    "kind": "warehouse.event",
                    "account": "dock",
                    "url": f"{self.url}/{name}",
                    "signing_secrets": [{"env": "SIGN"}],
                    "delivery": {
                        "concurrency": CONCURRENCY,
                        "connect_timeout": "2s",
                        "read_timeout": "2s",
                        **self.delivery,
                    },
                    "ownership": ownership,
                }
            },
        }

    async def verify(self) -> Report:
        return await read.verify(options_of(self.broker), self.names, ("dock",))

    async def called(self, count: int) -> None:
        """Wait until the target has seen `count` events."""
        await wait_until(
            lambda: self.target.delivered() >= count,
            what=f"{count} events at the target",
            within=PATIENCE,
            explain=lambda: f"{self.target.delivered()} came. {self.workers.tails()}",
        )

    async def finished(self, events: int) -> Report:
        """Wait until every event has its receipt; return the checker's report."""

        async def done() -> bool:
            report = await self.verify()
            target = report.targets[0]
            return target.delivered + target.skipped >= events

        await wait_until(
            done, what="all receipts", within=PATIENCE, explain=self.workers.tails
        )
        return await self.verify()

    async def sheets(self, worker: str, since: float) -> list[datetime]:
        """Return when `worker` wrote receipts at or after `since`."""
        found: list[datetime] = []

        def note(records: list[Record]) -> None:
            found.extend(
                datetime.fromtimestamp(record.timestamp / 1000, UTC)
                for record in records
                if decode_sheet(record.value or b"").worker == worker
                and record.timestamp >= since * 1000
            )

        kafka, topic = options_of(self.broker), self.names.receipts("dock")
        for number in range(self.partitions):
            await read_to_end(kafka, topic, number, start=0, apply=note)
        return found

    def judge(self, report: Report) -> None:
        """Fail if anything was lost, overtaken or in flight twice."""
        assert report.ok, report
        assert self.target.disorder() == []


@pytest.fixture
async def stage(
    kafka: Broker, topics: CreateTopics, workers: Workers, tmp_path: Path
) -> AsyncIterator[Stage]:
    names = await topics(kafka, "dock", partitions=PARTITIONS)
    target = Recorder()
    url = await target.start()
    yield Stage(kafka, names, target, url, workers, tmp_path)
    workers.close()
    await target.stop()


async def test_a_killed_worker_loses_nothing_and_nothing_overtakes(
    stage: Stage,
) -> None:
    events = await publish_events(stage.broker.bootstrap, stage.names, range(60), 12)
    stage.worker("a")
    victim = stage.worker("b")
    await stage.called(200)

    victim.kill()
    report = await stage.finished(events)

    stage.judge(report)
    assert set(stage.target.tally()) == {"a", "b"}
    assert stage.target.repeats() <= REPEATS


async def test_a_worker_that_wakes_up_beside_its_successor_does_nothing(
    stage: Stage,
) -> None:
    first = await publish_events(stage.broker.bootstrap, stage.names, range(60), 12)
    stage.worker("a")
    sleeper = stage.worker("b")
    await stage.called(150)
    await wait_until(lambda: bool(stage.target.tally()["b"]), what="calls of b")

    sleeper.freeze()
    await stage.finished(first)
    more = range(100, 160)
    second = await publish_events(stage.broker.bootstrap, stage.names, more, 12)
    woken = time.time()
    sleeper.thaw()
    report = await stage.finished(first + second)

    stage.judge(report)
    assert stage.target.repeats() <= REPEATS
    opened = first_opening(sleeper, since=woken)
    assert [call for call in stage.target.by("b", woken) if call < opened] == []
    written = await stage.sheets("b", since=woken)
    assert [at for at in written if at < opened] == []
    assert sleeper.has_logged("ownership.lost") or sleeper.has_logged("commit.failed")


def first_opening(worker: Worker, since: float) -> datetime:
    """Return when the worker owned a partition again; the far future if never."""
    times = (
        datetime.fromisoformat(str(line["timestamp"]))
        for line in worker.lines()
        if line["event"] == "owner.opened"
    )
    start = datetime.fromtimestamp(since, UTC)
    return min(
        (at for at in times if at >= start), default=datetime.max.replace(tzinfo=UTC)
    )


async def test_workers_come_and_go_under_load(stage: Stage) -> None:
    publish = partial(publish_events, stage.broker.bootstrap, stage.names)
    events = await publish(range(80), 16)
    stage.worker("a")
    await stage.called(80)
    others = [stage.worker("b"), stage.worker("c")]
    await wait_until(
        lambda: all(other.has_logged("owner.opened") for other in others),
        what="both to have their part",
        within=PATIENCE,
        explain=stage.workers.tails,
    )
    events += await publish(range(100, 180), 16)  # the first may be done by now
    await wait_until(
        lambda: len(stage.target.tally()) == len("abc"),
        what="calls of all three",
        within=PATIENCE,
        explain=stage.workers.tails,
    )

    for other in others:
        other.terminate()
    codes = [await asyncio.to_thread(other.wait) for other in others]
    report = await stage.finished(events)

    stage.judge(report)
    assert codes == [0, 0]
    assert stage.target.repeats() == 0  # all of it was handed over in order


async def test_a_broker_killed_in_the_middle_makes_no_difference(
    own_kafka: OwnBroker, topics: CreateTopics, workers: Workers, tmp_path: Path
) -> None:
    names = await topics(own_kafka, "dock", partitions=PARTITIONS)
    target = Recorder()
    url = await target.start()
    stage = Stage(own_kafka, names, target, url, workers, tmp_path)
    events = await publish_events(own_kafka.bootstrap, names, range(60), 12)
    stage.worker("a")
    stage.worker("b")
    await stage.called(150)

    await asyncio.to_thread(own_kafka.kill)
    await asyncio.to_thread(own_kafka.start)
    report = await stage.finished(events)

    stage.judge(report)
    workers.close()
    await target.stop()


async def test_a_killed_normaliser_leaves_one_gapless_history(stage: Stage) -> None:
    subjects, versions = range(60), 12
    expected = sum(1 for _ in subjects) * versions
    victim = stage.worker("n1", "normalize")
    stage.worker("n2", "normalize")
    await wait_until(
        lambda: victim.has_logged("owner.opened"),
        what="an owner",
        within=PATIENCE,
        explain=stage.workers.tails,
    )
    await publish_observations(stage.broker.bootstrap, stage.names, subjects, versions)

    victim.kill()

    async def all_there() -> bool:
        report = await stage.verify()
        return report.history.events >= expected + len(subjects)

    await wait_until(
        all_there, what="all events", within=PATIENCE, explain=stage.workers.tails
    )
    report = await stage.verify()
    assert not report.history.findings, report
    assert report.history.subjects == len(subjects)
