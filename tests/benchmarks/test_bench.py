"""The benchmarks themselves, not timed: every part runs small and tells its rows.

To measure, on a machine that does nothing else, with a broker on loopback:

    returns-bridge bench PART --kafka 127.0.0.1:9092

PART is one of ingest, normalize, deliver, pipeline, poll, poison, restore.
`bridge/app/benchmarks` says what each number means. `--workload FLAT` measures memory
over 200,000 events and takes minutes.
"""

import asyncio
import dataclasses
import statistics
from collections import Counter
from datetime import timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from bridge.app.bench import BenchOptions, bench
from bridge.app.benchmarks import bodies, poll
from bridge.app.benchmarks.ground import ground
from bridge.app.benchmarks.orders import kafka_options
from bridge.app.benchmarks.rows import Row
from bridge.app.benchmarks.workloads import (
    WORKLOADS,
    Workload,
    decode,
    workload_named,
)
from bridge.errors import BridgeError, ConfigError
from bridge.platforms.redo.source import parse
from bridge.streams.scan import open_scanner
from tests.support.broker import Broker
from tests.support.waiting import wait_until

real_kafka = pytest.mark.integration

_DELIVER = {"wall", "committed", "rate", "cpu"}
_SPLIT = {"p50", "p99", "cpu", "cpu_ingest", "cpu_normalize", "cpu_deliver", "calls"}
_STEADY = {"calls", "cpu_per_call", "core", "lag_p50", "lag_p99"}
_RESTORE = {"clean", "killed", "killed_bound", "healthy_gap", "released"}


@real_kafka
@pytest.mark.parametrize(
    ("part", "workload", "repeat", "quantities"),
    [
        ("deliver", "W3", 2, _DELIVER),
        ("deliver", "w4", 1, _DELIVER | {"healthy_p99", "bound", "alone"}),
        ("normalize", None, 1, {"rate", "events", "cpu"}),
        ("ingest", "500/s", 1, {"rate", "cpu", "p50", "p99"}),
        ("ingest", "flat", 1, {"memory_at_200"}),
        ("pipeline", "50/s", 1, {"p50", "p99", "cpu", "calls"}),
        ("pipeline", "50/s-split", 1, _SPLIT),
        ("restore", None, 1, _RESTORE),
        ("poll", "redo", 1, {"rate", "allowed", "pages", "cpu"}),
        ("poll", "LOOP-limited", 1, {"rate", "allowed", "pages", "cpu"}),
        ("poll", "steady", 1, _STEADY),
    ],
)
async def test_every_part_tells_complete_rows(
    kafka: Broker, part: str, workload: str | None, repeat: int, quantities: set[str]
) -> None:
    options = BenchOptions(part, workload, kafka.bootstrap, repeat, records=200)

    rows = await bench(options)

    assert {row.name for row in rows} == {f"{part}.{name}" for name in quantities}
    for row in rows:
        _is_complete(row, repeat)


@pytest.mark.parametrize(("name", "milliseconds"), [("W4", 19_515), ("W5", 5_020)])
def test_the_longest_key_is_the_bound_that_peers_were_measured_against(
    name: str, milliseconds: int
) -> None:
    longest = workload_named(name).longest_key()

    bound = sum(longest, timedelta())

    assert round(bound / timedelta(milliseconds=1)) == milliseconds


@real_kafka
@pytest.mark.parametrize("workload", ["refused", "failing"])
async def test_poison_is_told_beside_a_run_without_it(
    kafka: Broker, workload: str
) -> None:
    options = BenchOptions("poison", workload, kafka.bootstrap, repeat=1, records=1_200)

    without, with_, change = await bench(options)

    assert (without.name, with_.name) == ("poison.p99_without", "poison.p99_with")
    assert (change.name, change.unit) == ("poison.p99_change", "%")
    assert with_.value / without.value == pytest.approx(
        1 + change.value / 100, rel=0.01
    )


def _is_complete(row: Row, repeat: int) -> None:
    assert row.workload
    assert row.unit
    assert row.better in {"lower", "higher"}
    assert len(row.runs) == repeat
    assert all(value > 0 for value in row.runs)
    assert row.value == pytest.approx(statistics.median(row.runs), rel=1e-3)
    assert row.memory_peak_mib > 10
    assert row.load >= 0
    assert 0 <= row.stolen <= 100
    assert "cores" in row.machine
    for name in ("python 3.", "aiokafka ", "kafka "):
        assert name in row.versions


@real_kafka
async def test_a_pipeline_may_have_other_partitions(kafka: Broker) -> None:
    options = BenchOptions(
        "pipeline", "50/s", kafka.bootstrap, repeat=1, records=100, partitions=2
    )

    measuring = asyncio.create_task(bench(options))
    made = set[str]()

    async def under_way() -> bool:
        made.update(name for name in await _topics(kafka) if name.endswith(".raw"))
        return bool(made)

    await wait_until(under_way, what="topics")
    async with open_scanner(kafka_options(kafka.bootstrap)) as scanner:
        partitions = await scanner.partitions(made.pop())
    rows = await measuring

    assert partitions == 2
    assert {row.name for row in rows} >= {"pipeline.p50", "pipeline.p99"}


@real_kafka
async def test_nothing_of_a_benchmark_stays_on_the_broker(kafka: Broker) -> None:
    before = await _topics(kafka)

    await bench(BenchOptions("deliver", "W5", kafka.bootstrap, repeat=1, records=20))

    assert await _topics(kafka) == before


async def _topics(kafka: Broker) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        names = await admin.list_topics()
    finally:
        await admin.close()
    return {name for name in names if name.startswith("bench-")}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (BenchOptions("deliver"), "--kafka"),
        (BenchOptions("deliver", kafka="10.0.0.1:9092"), "not on this machine"),
        (BenchOptions("deliver", kafka="kafka.example:9092"), "not on this machine"),
        (BenchOptions("everything", kafka="127.0.0.1:9"), "choose from ingest"),
        (BenchOptions("deliver", kafka="127.0.0.1:9", partitions=4), "leave --parti"),
    ],
)
async def test_a_benchmark_that_must_not_start_says_why(
    options: BenchOptions, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        await bench(options)


@pytest.mark.parametrize(
    ("part", "workload", "told"),
    [
        ("deliver", "W9", "choose from W1"),
        ("normalize", "W1", "choose from MIXED"),
        ("ingest", "fast", "write a rate like"),
        ("pipeline", "99999/s", "write a rate like"),
        ("poll", "fast", "choose from redo, loop, redo-limited"),
    ],
)
@real_kafka
async def test_an_unknown_workload_is_refused_before_anything_is_made(
    kafka: Broker, part: str, workload: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        await bench(BenchOptions(part, workload, kafka.bootstrap))


@pytest.mark.parametrize(
    ("name", "bound"), [("W1", 251), ("W2", 1_850), ("W3", 0), ("W5", 5_020)]
)
def test_the_work_is_that_of_the_other_systems(name: str, bound: int) -> None:
    assert _bound_ms(WORKLOADS[name]) == pytest.approx(bound, abs=0.5)


def test_the_failing_work_is_that_of_the_other_systems() -> None:
    assert _bound_ms(WORKLOADS["W4"]) == pytest.approx(19_515, abs=0.5)


def _bound_ms(workload: Workload) -> float:
    """The least time that any consumer needs which keeps each key in order."""
    keys: Counter[int] = Counter()
    total = 0.0
    for work in workload.works():
        took = work.micros / 1000 * (2 if work.fails_once else 1)
        keys[work.key] += int(work.micros * (2 if work.fails_once else 1))
        keys[work.key] += 1_000_000 if work.fails_once else 0
        total += took
    return max(max(keys.values()) / 1000, total / workload.in_flight)


def test_a_record_survives_its_encoding() -> None:
    works = list(dataclasses.replace(WORKLOADS["W4"], records=300).works())

    read = [decode(work.encode()) for work in works]

    assert read == works
    assert {len(work.encode()) for work in works} == {500}


def test_the_bodies_are_of_seven_kilobytes_and_readable() -> None:
    webhooks = list(bodies.histories(50))

    sizes = [len(webhook.body) for webhook in webhooks]

    assert 6_500 < statistics.mean(sizes) < 8_000
    for webhook in webhooks:
        assert parse(webhook.body).return_.id in webhook.subject


@real_kafka
async def test_a_catch_up_that_misses_a_return_is_no_measure(kafka: Broker) -> None:
    options = kafka_options(kafka.bootstrap)

    async with ground(options) as topics:
        with pytest.raises(BridgeError, match="0 of 5 returns came"):
            await poll.all_came(topics, 5)


@pytest.mark.parametrize(("platform", "rate"), [("redo", 50_000), ("loop", 3_750)])
def test_what_a_platform_allows_is_its_limit_times_its_page(
    platform: str, rate: float
) -> None:
    assert poll.allowed(platform) == rate


def test_a_return_is_updated_four_times_and_its_news_are_new() -> None:
    webhooks = list(bodies.histories(50))

    per_return = Counter(webhook.subject for webhook in webhooks)

    assert set(per_return.values()) == {5}
    assert len({webhook.body for webhook in webhooks}) == 50
