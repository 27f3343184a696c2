"""`bench deliver`: the deliver stage on the workloads, receipts on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.app.benchmarks.child import started
from bridge.app.benchmarks.deliver_worker import LIMIT
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.orders import DeliverOrder, Worked
from bridge.app.benchmarks.recorder import taking
from bridge.app.benchmarks.rows import Quantity, Result
from bridge.app.benchmarks.workloads import Workload
from bridge.canonical.envelope import (
    Event,
    chain_next,
    chain_start,
    event_id,
    to_headers,
)
from bridge.streams.bulk import write_all
from bridge.streams.records import Outgoing

WALL = Quantity("deliver.wall", "ms", "lower")
COMMITTED = Quantity("deliver.committed", "ms", "lower")
RATE = Quantity("deliver.rate", "records/s", "higher")
CPU = Quantity("deliver.cpu", "us/record", "lower")
HEALTHY = Quantity("deliver.healthy_p99", "ms", "lower")
BOUND = Quantity("deliver.bound", "ms", "lower")
ALONE = Quantity("deliver.alone", "ms", "lower")
_MS = timedelta(milliseconds=1)
_WRITTEN_AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def cut(workload: Workload, records: int | None) -> Workload:
    """Return the workload, shortened to `records` if that is less."""
    if records is None or records >= workload.records:
        return workload
    points = tuple(point for point in workload.checkpoints if point <= records)
    return replace(workload, records=records, checkpoints=points)


async def fill(ground: Ground, workload: Workload) -> None:
    """Put the workload on the events topic."""
    await write_all(ground.kafka, _events(ground.names.events, workload))


def _events(topic: str, workload: Workload) -> Iterator[Outgoing]:
    chains: dict[str, str] = {}
    for work in workload.works():
        subject, body = f"redo/bench/key-{work.key:04d}", work.encode()
        sequence = work.place + 1
        id_, type_ = event_id(subject, sequence), "return.updated"
        before = chains.get(subject) or chain_start(subject)
        chains[subject] = chain_next(before, id_, type_, body)
        event = Event(
            id=id_,
            type=type_,
            subject=subject,
            sequence=sequence,
            chain=chains[subject],
            time=_WRITTEN_AT,
            source="/redo/bench",
            causation_id=f"bench-{work.id}",
            body=body,
        )
        yield Outgoing(topic, subject.encode(), body, to_headers(event))


async def run(ground: Ground, workload: Workload, target: str) -> Result:
    """Deliver all of it once, as `target`, in a process of its own."""
    async with taking(lambda _body, _at: None) as url:
        order = DeliverOrder(
            kafka=ground.bootstrap,
            prefix=ground.names.prefix,
            target=target,
            workload=workload.name,
            records=workload.records,
            url=url if workload.calls else "",
        )
        async with started("deliver", order) as child:
            worked = Worked.model_validate(await child.hear(LIMIT))
    values = {
        WALL: worked.seconds * 1000,
        COMMITTED: worked.committed * 1000,
        RATE: workload.records / worked.seconds,
        CPU: worked.cpu / workload.records * 1e6,
    }
    if worked.healthy_p99 is not None:
        values[HEALTHY] = worked.healthy_p99 * 1000
    if worked.alone is not None:
        bound = sum(workload.longest_key(), timedelta())
        values |= {BOUND: bound / _MS, ALONE: worked.alone * 1000}
    values |= memory_values("deliver", worked.memory)
    return Result(workload.name, values, worked.peak)


def memory_values(part: str, memory: dict[int, float]) -> dict[Quantity, float]:
    """Return resident memory after so many events, and how much it grew in percent."""
    values = {
        Quantity(f"{part}.memory_at_{count}", "MiB", "lower"): mebibytes
        for count, mebibytes in sorted(memory.items())
    }
    held = list(values.values())
    if len(held) > 1:
        growth = (max(held) / held[0] - 1) * 100
        values[Quantity(f"{part}.memory_growth", "%", "lower")] = growth
    return values
