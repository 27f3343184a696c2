"""`bench poison`: what one poisoned subject per partition costs the healthy ones.

1,000 healthy subjects get events open-loop at 70 % of what the target's 64 places can
take at 200 ms a call: the target is what is busy, not the machine, which two runs at a
time would fill at much less. The time runs from when an event was due to the end of its
call.

With poison, a subject in each partition gets events at the same pace, and the target
refuses them (`REFUSED`) or fails at them (`FAILING`) for ever. Both run side by side at
the same time: what the machine does meanwhile, it does to both.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.app.benchmarks.author import Author, Make, offer
from bridge.app.benchmarks.child import started
from bridge.app.benchmarks.ground import TARGET, Ground
from bridge.app.benchmarks.orders import Healthy, PoisonOrder
from bridge.app.benchmarks.poison_worker import CALL, DUE, IN_FLIGHT, POISONED
from bridge.app.benchmarks.rows import Quantity, Result
from bridge.clock import Clock
from bridge.streams.records import Outgoing
from bridge.streams.topics import PARTITIONS

WITHOUT = Quantity("poison.p99_without", "ms", "lower")
WITH = Quantity("poison.p99_with", "ms", "lower")
CHANGE = Quantity("poison.p99_change", "%", "lower")

#: Each workload: whether poisoned subjects are refused.
WORKLOADS = {"REFUSED": True, "FAILING": False}
RECORDS = 6_720  # thirty seconds

_HEALTHY = tuple(f"redo/healthy/{number:04d}" for number in range(1_000))
_POISON = tuple(f"{POISONED}{number:02d}" for number in range(PARTITIONS))
_PARTITION = {subject: number for number, subject in enumerate(_POISON)}
_LOAD = 0.7
_WARM_UP = 2_000
_LIMIT = timedelta(minutes=5)


async def run(
    grounds: tuple[Ground, Ground], workload: str, records: int, clock: Clock
) -> Result:
    """Measure without poison on the first ground and with it on the second."""
    clean = _Plan(WORKLOADS[workload], (), records)
    without, with_ = await asyncio.gather(
        _measure(grounds[0], clean, clock),
        _measure(grounds[1], replace(clean, poison=_POISON), clock),
    )
    values = {
        WITHOUT: without.p99 * 1000,
        WITH: with_.p99 * 1000,
        CHANGE: (with_.p99 / without.p99 - 1) * 100,
    }
    return Result(workload, values, max(without.peak, with_.peak))


@dataclass(frozen=True, slots=True)
class _Plan:
    """One half of a run: `records` healthy events, and poisoned ones among them."""

    refuses: bool
    poison: tuple[str, ...]
    records: int

    def subjects(self) -> Iterator[str]:
        """Yield whose event comes when: all subjects take turns at the same pace."""
        step = len(_HEALTHY) // max(1, len(self.poison))
        for number in range(self.records):
            yield _HEALTHY[number % len(_HEALTHY)]
            if self.poison and number % step == 0:
                yield self.poison[number // step % len(self.poison)]


async def _measure(ground: Ground, plan: _Plan, clock: Clock) -> Healthy:
    subjects = list(plan.subjects())
    rate = _LOAD * IN_FLIGHT / CALL.total_seconds() * len(subjects) / plan.records
    order = PoisonOrder(
        kafka=ground.bootstrap,
        prefix=ground.names.prefix,
        target=TARGET,
        refuses=plan.refuses,
        healthy=plan.records,
    )
    async with started("poison", order) as child:
        await child.hear()
        make = _make(ground.names.events, subjects)
        await offer(ground.kafka, make, len(subjects), rate, clock)
        return Healthy.model_validate(await child.hear(_LIMIT))


def _make(topic: str, subjects: Sequence[str]) -> Make:
    """Return what writes the events; those of the warm-up are due at no time."""
    author, warm = Author(topic), min(_WARM_UP, len(subjects) // 4)

    def make(number: int, due: float) -> Outgoing:
        subject = subjects[number]
        body = DUE.pack(due if number >= warm else 0.0)
        return author.write(subject, body, _PARTITION.get(subject))

    return make
