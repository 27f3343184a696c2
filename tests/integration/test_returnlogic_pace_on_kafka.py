"""Two processes of the bridge at one credential: never more than ReturnLogic takes.

Both poll, fetch and acknowledge, on a real Kafka and against the simulated ReturnLogic,
which notes when each call came.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bridge.clock import SystemClock
from bridge.platforms.contract import Hint
from bridge.sandbox.calls import Call
from bridge.sandbox.quota import MINUTE, busiest
from bridge.sandbox.returnlogic import ReturnLogicOptions, ReturnLogicSimulator
from bridge.streams.bulk import write_all
from bridge.streams.hints import to_hint
from tests.support.broker import Broker, options_of
from tests.support.kafka_plugin import CreateTopics
from tests.support.processes import Worker, Workers
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.timed]

PARTITIONS = 4
COMMANDS = 14
PATIENCE = timedelta(seconds=90)
KEY = "key-of-the-test"
SECRETS = {"API": KEY, "HOOK": "token-at-the-end-of-the-path", "HASH": "a key"}


@pytest.fixture
async def simulator() -> AsyncIterator[ReturnLogicSimulator]:
    made = ReturnLogicSimulator(ReturnLogicOptions(api_key=KEY))
    made.api.temper.strict = True
    await made.start()
    yield made
    await made.stop()


@dataclass(frozen=True, slots=True)
class Place:
    """Where both processes work; their settings differ in their names alone."""

    folder: Path
    broker: Broker
    prefix: str
    url: str

    def start(self, workers: Workers, name: str) -> Worker:
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(self._tree(name)))
        return workers.spawn(
            *("run", "all", "--config", str(file)), name=name, env=SECRETS
        )

    def _tree(self, name: str) -> dict[str, object]:
        rule = {"on": "refund.requested", "acknowledge": "success"}
        return {
            "kafka": {"bootstrap": self.broker.bootstrap},
            "topics": {
                "prefix": self.prefix,
                "partitions": PARTITIONS,
                "profile": "single-node",
            },
            "inbound": {"port": 0},
            "worker": name,
            "state_dir": str(self.folder / name),
            "privacy": {"hash_key": {"env": "HASH"}},
            "accounts": {
                "team": {
                    "platform": "returnlogic",
                    "base_url": self.url,
                    "api_key": {"env": "API"},
                    "webhook_tokens": [{"env": "HOOK"}],
                    "poll": {"query": "/rmas?since={since}&page={page}", "every": "2s"},
                }
            },
            "targets": {
                "fetch": {"kind": "fetch", "account": "team"},
                "acks": {"kind": "returnlogic", "account": "team", "rules": [rule]},
            },
        }


async def test_polls_fetches_and_acknowledgements_of_two_processes_keep_the_limit(
    kafka: Broker,
    topics: CreateTopics,
    workers: Workers,
    simulator: ReturnLogicSimulator,
    tmp_path: Path,
) -> None:
    names = await topics(kafka, "fetch", "acks", partitions=PARTITIONS)
    hints = [to_hint(hint, names.hints) for hint in given(simulator)]
    place = Place(tmp_path, kafka, names.prefix, simulator.url)
    both = [place.start(workers, name) for name in ("a", "b")]
    await wait_until(
        lambda: all(map(at_rest, both)),
        what="both to have their part, for good",
        within=PATIENCE,
        explain=workers.tails,
    )
    acknowledged, log = simulator.api.acknowledged, simulator.front.log
    before = len(log.calls)

    await write_all(options_of(kafka), hints)
    await wait_until(
        lambda: len(acknowledged) >= COMMANDS,
        what=f"{COMMANDS} acknowledgements",
        within=PATIENCE,
        explain=lambda: f"{len(acknowledged)} came. {workers.tails()}",
    )

    under_load = log.calls[before:]
    assert simulator.quota.refused[KEY] == 0
    assert crowds(log.calls) == []
    assert busiest((call.started_at for call in log.calls), MINUTE) <= 120
    assert set(acknowledged.values()) == {1}
    assert {kind(call) for call in under_load} == {"poll", "fetch", "acknowledge"}
    assert all(line_of(worker) for worker in both)
    # Pressed: all the time there was a call waiting for its turn.
    took = under_load[-1].started - under_load[0].started
    assert len(under_load) / took > 1.4


@dataclass(slots=True)
class Shifts:
    """Processes that follow each other at one credential, and the calls that came."""

    place: Place
    workers: Workers
    calls: list[Call]
    all: list[Worker] = field(default_factory=list)

    async def start(self, name: str) -> Worker:
        """Start a process; return when it works on a part of every stage that calls."""
        self.all.append(worker := self.place.start(self.workers, name))
        stages = {"poll", "deliver-fetch", "deliver-acks"}
        await self._wait(lambda: stages <= groups_of(worker), f"{name} to work")
        return worker

    async def work_goes_on(self, what: str) -> None:
        """Return when some more calls have come."""
        enough = len(self.calls) + 8
        await self._wait(lambda: len(self.calls) >= enough, f"calls {what}")

    async def _wait(self, condition: Callable[[], bool], what: str) -> None:
        tails = self.workers.tails
        await wait_until(condition, what=what, within=PATIENCE, explain=tails)


async def test_no_change_of_owners_makes_more_calls_than_the_limit(
    kafka: Broker,
    topics: CreateTopics,
    workers: Workers,
    simulator: ReturnLogicSimulator,
    tmp_path: Path,
) -> None:
    names = await topics(kafka, "fetch", "acks", partitions=PARTITIONS)
    place = Place(tmp_path, kafka, names.prefix, simulator.url)
    shifts = Shifts(place, workers, simulator.front.log.calls)
    hints = [to_hint(hint, names.hints) for hint in given(simulator, 60)]
    await write_all(options_of(kafka), hints)

    first = await shifts.start("a")
    await shifts.work_goes_on("of the first alone")
    second = await shifts.start("b")
    await shifts.work_goes_on("of both")
    first.terminate()
    await asyncio.to_thread(first.wait)  # the simulator must go on answering
    await shifts.work_goes_on("of the second alone")
    await shifts.start("c")
    second.kill()
    await shifts.work_goes_on("while the leases of the killed one run out")
    await shifts.work_goes_on("of the third alone")

    assert crowds(shifts.calls) == []
    assert busiest((call.started_at for call in shifts.calls), MINUTE) <= 120
    assert simulator.quota.refused[KEY] == 0
    assert all(map(line_of, shifts.all))


def crowds(calls: list[Call]) -> list[tuple[str, ...]]:
    """Return the calls of every second, wherever it begins, that had more than two."""
    ordered = sorted(calls, key=lambda call: call.started)
    return [
        tuple(f"{each.started_at.time()} {kind(each)}" for each in three)
        for three in zip(ordered, ordered[1:], ordered[2:], strict=False)
        if three[-1].started - three[0].started < 1.0
    ]


def at_rest(worker: Worker) -> bool:
    """Tell whether a process has parts of both targets, and has had them a while."""
    opened = [line for line in worker.lines() if line["event"] == "owner.opened"]
    groups = groups_of(worker)
    times = [datetime.fromisoformat(str(line["timestamp"])) for line in opened]
    if not groups >= {"deliver-fetch", "deliver-acks"}:
        return False
    return SystemClock().now() - max(times) > timedelta(seconds=3)


def groups_of(worker: Worker) -> set[str]:
    """Return the groups in which a process has had a partition."""
    return {
        str(line["group"]).partition("-")[2]
        for line in worker.lines()
        if line["event"] == "owner.opened"
    }


def line_of(worker: Worker) -> set[str]:
    """Return the targets that a process has called."""
    return {
        str(line["target"])
        for line in worker.lines()
        if line["event"] == "delivery.attempted"
    }


def kind(call: Call) -> str:
    """Return which of the three callers it was."""
    if call.method == "POST":
        return "acknowledge"
    return "poll" if call.path == "/v1/rmas" else "fetch"


def given(simulator: ReturnLogicSimulator, commands: int = COMMANDS) -> list[Hint]:
    """Have ReturnLogic ask for refunds; return what its webhooks would have brought."""
    now = SystemClock().now()
    hints = []
    for _ in range(commands):
        rma = simulator.team.create()
        simulator.team.happen(rma, "received")
        correlation_id = simulator.team.command(rma, "ProcessRefund")
        subject = f"returnlogic/team/{rma.id}"
        hints.append(Hint(subject, "webhook", f"ProcessRefund:{correlation_id}", now))
    return hints
