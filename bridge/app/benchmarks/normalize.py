"""`bench normalize`: how many observations of 7 KB one process folds in a second."""

from datetime import timedelta

from bridge.app.benchmarks.bodies import observations
from bridge.app.benchmarks.child import started
from bridge.app.benchmarks.deliver import memory_values
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.normalize_worker import LIMIT
from bridge.app.benchmarks.orders import NormalizeOrder, Worked
from bridge.app.benchmarks.rows import Quantity, Result
from bridge.streams.bulk import write_all

RATE = Quantity("normalize.rate", "observations/s", "higher")
EVENTS = Quantity("normalize.events", "events/observation", "lower")
CPU = Quantity("normalize.cpu", "us/observation", "lower")

#: How many observations each workload has, and at how many events memory is noted.
WORKLOADS: dict[str, tuple[int, tuple[int, ...]]] = {
    "MIXED": (10_000, ()),
    "FLAT": (100_000, (20_000, 60_000, 100_000, 200_000)),
}


async def run(ground: Ground, workload: str, records: int) -> Result:
    """Fill `returns.raw` and normalise it once, in a process of its own."""
    await write_all(ground.kafka, observations(records, ground.names.raw))
    order = NormalizeOrder(
        tree=ground.tree(),
        secrets=ground.secrets,
        records=records,
        checkpoints=WORKLOADS[workload][1],
    )
    async with started("normalize", order) as child:
        worked = Worked.model_validate(await child.hear(LIMIT + timedelta(minutes=1)))
    values = {
        RATE: records / worked.committed,
        EVENTS: worked.events / records,
        CPU: worked.cpu / records * 1e6,
        **memory_values("normalize", worked.memory),
    }
    return Result(workload, values, worked.peak)
