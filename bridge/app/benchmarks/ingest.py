"""`bench ingest`: the door alone, with 7 KB bodies from Redo, and a real Kafka.

`ingest.rate` is what 64 senders get through that wait for each answer; the latencies
are those of requests offered open-loop at the workload's rate.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, islice

from bridge.app.benchmarks.bodies import filed
from bridge.app.benchmarks.child import Child
from bridge.app.benchmarks.deliver import memory_values
from bridge.app.benchmarks.door import PATH, opened
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.load import Answers, Load, connected, on_the_wire, senders
from bridge.app.benchmarks.orders import Cost
from bridge.app.benchmarks.rows import Quantity, Result, percentile
from bridge.clock import Clock

RATE = Quantity("ingest.rate", "webhooks/s", "higher")
CPU = Quantity("ingest.cpu", "us/webhook", "lower")
P50 = Quantity("ingest.p50", "ms", "lower")
P99 = Quantity("ingest.p99", "ms", "lower")

SATURATING = 20_000
FLAT, FLAT_RECORDS = "FLAT", 200_000

_SENDERS = 64
_BODIES, _WARM_UP = 1_000, 500
_OFFERED_FOR = 10  # seconds
_FLAT_POINTS = (20_000, 60_000, 100_000, 200_000)
_LIMIT = timedelta(minutes=10)


def webhooks(ground: Ground) -> Sequence[bytes]:
    """Return a thousand different webhooks as requests."""
    bodies = (webhook.body for webhook in islice(filed(), _BODIES))
    return list(on_the_wire(bodies, PATH, ground.token))


async def run(ground: Ground, rate: float, records: int, clock: Clock) -> Result:
    """Measure throughput with `records` webhooks, then latency at `rate` per second."""
    requests = webhooks(ground)
    async with opened(ground, "ingest", clock) as door:
        async with connected(door.port, _SENDERS, clock) as load:
            await load.saturate(_take(requests, min(_WARM_UP, records)), _LIMIT)
            cpu = door.child.cpu
            full = await load.saturate(_take(requests, records), _LIMIT)
            cpu = door.child.cpu - cpu
        offered = _take(requests, min(records, int(rate * _OFFERED_FOR)))
        async with connected(door.port, senders(rate), clock) as load:
            half = await load.offer(offered, rate, _LIMIT)
        peak = Cost.model_validate(await door.child.stop()).peak
    values = {
        RATE: records / full.seconds,
        CPU: cpu / records * 1e6,
        **latencies(half, P50, P99),
    }
    return Result(f"{rate:g}/s", values, peak)


async def run_flat(ground: Ground, records: int, clock: Clock) -> Result:
    """Send 200,000 webhooks and note what memory the door holds on the way."""
    requests = webhooks(ground)
    points = [point for point in _FLAT_POINTS if point <= records] or [records]
    async with opened(ground, "ingest", clock) as door:
        async with connected(door.port, _SENDERS, clock) as load:
            memory = await _held(load, requests, points, door.child)
        peak = Cost.model_validate(await door.child.stop()).peak
    return Result(FLAT, memory_values("ingest", memory), peak)


async def _held(
    load: Load, requests: Sequence[bytes], points: Sequence[int], child: Child
) -> dict[int, float]:
    memory, sent = {}, 0
    for point in points:
        await load.saturate(_take(requests, point - sent), _LIMIT)
        sent, memory[point] = point, child.memory
    return memory


def latencies(answers: Answers, p50: Quantity, p99: Quantity) -> dict[Quantity, float]:
    """Return both percentiles in milliseconds."""
    ordered = sorted(answers.latencies)
    return {
        p50: percentile(ordered, 0.50) * 1000,
        p99: percentile(ordered, 0.99) * 1000,
    }


def _take(requests: Sequence[bytes], count: int) -> Sequence[bytes]:
    return list(islice(cycle(requests), count))
