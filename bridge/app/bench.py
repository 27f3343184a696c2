"""`bench`: measures one part on this machine and says what it came to.

What each part's numbers mean stands in its module in `bridge/app/benchmarks`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from bridge import telemetry
from bridge.app.benchmarks import (
    deliver,
    ingest,
    normalize,
    pipeline,
    poison,
    poll,
    restore,
)
from bridge.app.benchmarks.broker_release import kafka_release
from bridge.app.benchmarks.ground import TARGET, ground, loopback
from bridge.app.benchmarks.orders import kafka_options
from bridge.app.benchmarks.rows import Result, Row, rows, stolen, this_machine
from bridge.app.benchmarks.workloads import WORKLOADS, workload_named
from bridge.app.bridge import DELIVER, INGEST, NORMALIZE
from bridge.clock import SystemClock
from bridge.errors import ConfigError
from bridge.streams.connection import KafkaOptions
from bridge.streams.topics import PARTITIONS


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What is measured: a part, one of its workloads (all but FLAT without), how often.

    `records` cuts every workload short, for a try. A pipeline's topics get so many
    `partitions`.
    """

    part: str
    workload: str | None = None
    kafka: str | None = None
    repeat: int = 3
    records: int | None = None
    partitions: int = PARTITIONS


async def bench(options: BenchOptions) -> Sequence[Row]:
    """Measure and return a row for each quantity.

    Raises ConfigError for an unknown part or workload, or without a broker on
    loopback; BridgeError when something went wrong that makes the measure worthless.
    """
    telemetry.configure(telemetry.TelemetryOptions(log_level="error"))
    measure = PARTS.get(options.part)
    if measure is None:
        known = ", ".join(PARTS)
        raise ConfigError(f"there is no benchmark {options.part}: choose from {known}")
    if options.partitions != PARTITIONS and measure is not _pipeline:
        raise ConfigError(
            f"bench {options.part} has {PARTITIONS} partitions: leave --partitions out"
        )
    kafka = kafka_options(loopback(options.kafka))
    machine = this_machine(await kafka_release(kafka.address))
    results = []
    stolen()  # the rows tell it from here on
    async for result in measure(kafka, options):
        results.append(result)
        _say(options, result)
    return tuple(rows(results, machine))


Measure = Callable[[KafkaOptions, BenchOptions], AsyncIterator[Result]]

_CLOCK = SystemClock()
#: Half of what the door has to manage: 2,000 webhooks a second.
_INGEST_RATE = "1000/s"


async def _deliver(kafka: KafkaOptions, options: BenchOptions) -> AsyncIterator[Result]:
    names = _chosen(options, [name for name in WORKLOADS if name != ingest.FLAT])
    targets = [f"run-{number}" for number in range(1, options.repeat + 1)]
    for name in names:
        workload = deliver.cut(workload_named(name), options.records)
        async with ground(kafka, targets) as topics:
            await deliver.fill(topics, workload)
            for target in targets:
                yield await deliver.run(topics, workload, target)


async def _normalize(
    kafka: KafkaOptions, options: BenchOptions
) -> AsyncIterator[Result]:
    for name in _chosen(options, ["MIXED"]):
        _must_be(name, normalize.WORKLOADS, options)
        records = _cut(normalize.WORKLOADS[name][0], options)
        for _ in range(options.repeat):
            async with ground(kafka) as topics:
                yield await normalize.run(topics, name, records)


async def _ingest(kafka: KafkaOptions, options: BenchOptions) -> AsyncIterator[Result]:
    name = _chosen(options, [_INGEST_RATE])[0]
    for _ in range(options.repeat):
        async with ground(kafka) as topics:
            if name == ingest.FLAT:
                records = _cut(ingest.FLAT_RECORDS, options)
                yield await ingest.run_flat(topics, records, _CLOCK)
            else:
                records = _cut(ingest.SATURATING, options)
                yield await ingest.run(topics, _rate(name), records, _CLOCK)


async def _pipeline(
    kafka: KafkaOptions, options: BenchOptions
) -> AsyncIterator[Result]:
    for name in _chosen(options, pipeline.WORKLOADS):
        rate = _rate(name.lower().removesuffix(pipeline.SPLIT))
        split = name.lower().endswith(pipeline.SPLIT)
        wanted = pipeline.Pipeline(
            name=name.lower(),
            rate=rate,
            records=_cut(pipeline.webhooks_at(rate), options),
            roles=(INGEST, NORMALIZE, DELIVER) if split else ("all",),
        )
        for _ in range(options.repeat):
            async with ground(kafka, [TARGET], options.partitions) as topics:
                yield await pipeline.run(topics, wanted, _CLOCK)


async def _poll(kafka: KafkaOptions, options: BenchOptions) -> AsyncIterator[Result]:
    for given in _chosen(options, poll.USUAL):
        name = given.lower()
        _must_be(name, dict.fromkeys(poll.WORKLOADS), options)
        for _ in range(options.repeat):
            async with ground(kafka) as topics:
                if name == poll.STEADY:
                    wanted = poll.Steady() if options.records is None else poll.HURRIED
                    yield await poll.steady(topics, wanted)
                else:
                    returns = _cut(poll.RETURNS, options)
                    yield await poll.catch_up(topics, poll.CatchUp(name, returns))


async def _poison(kafka: KafkaOptions, options: BenchOptions) -> AsyncIterator[Result]:
    for name in _chosen(options, list(poison.WORKLOADS)):
        _must_be(name, poison.WORKLOADS, options)
        records = _cut(poison.RECORDS, options)
        for _ in range(options.repeat):
            async with ground(kafka, [TARGET]) as one, ground(kafka, [TARGET]) as two:
                yield await poison.run((one, two), name, records, _CLOCK)


async def _restore(kafka: KafkaOptions, options: BenchOptions) -> AsyncIterator[Result]:
    for name in _chosen(options, [restore.WORKLOAD]):
        _must_be(name, {restore.WORKLOAD: None}, options)
        records = _cut(restore.RECORDS, options)
        for _ in range(options.repeat):
            async with ground(kafka, [TARGET]) as topics:
                yield await restore.run(topics, records, _CLOCK)


PARTS: Mapping[str, Measure] = {
    "ingest": _ingest,
    "normalize": _normalize,
    "deliver": _deliver,
    "pipeline": _pipeline,
    "poison": _poison,
    "poll": _poll,
    "restore": _restore,
}


def _chosen(options: BenchOptions, usual: Sequence[str]) -> Sequence[str]:
    return usual if options.workload is None else [options.workload.upper()]


def _cut(records: int, options: BenchOptions) -> int:
    return records if options.records is None else min(records, options.records)


def _must_be(name: str, known: Mapping[str, object], options: BenchOptions) -> None:
    if name not in known:
        raise ConfigError(
            f"there is no workload {name} of {options.part}: "
            f"choose from {', '.join(known)}"
        )


def _rate(text: str) -> float:
    """Return webhooks per second of a workload like `200/s`."""
    number, _, per = text.upper().partition("/")
    if per != "S" or not number.isdecimal() or not 0 < int(number) <= _MOST:
        raise ConfigError(
            f"there is no workload {text}: write a rate like 200/s, at most {_MOST:,}/s"
            ", or FLAT for ingest"
        )
    return float(number)


#: More than one process could send.
_MOST = 10_000


def _say(options: BenchOptions, result: Result) -> None:
    """Show on a terminal that it goes on; stdout is for the rows."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        values = ", ".join(
            f"{quantity.name.partition('.')[2]} {value:,.1f} {quantity.unit}"
            for quantity, value in result.values.items()
        )
        console.print(f"{options.part} {result.workload}: {values}")
