"""`bench restore`: how soon a successor is at work, and how fast it releases.

10,000 events of 500 subjects are parked, and healthy pulses go on in all partitions.
One owner after the other, each a process of its own:

1. parks everything, and lets go in order;
2. takes over: at work (`clean`) when it has called in every partition;
3. joins, so that each has half of the partitions; the second is killed (SIGKILL), and
   the third is at work (`killed`) when it has called in its partitions too. The
   `bound` is session time-out + lease + call deadline. The longest silence in the
   partitions it had already is the `gap`: what the rebalance costs healthy ones;
4. takes over and releases everything, in order: an inversion is an error.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from bridge.app.benchmarks.author import Author, offer
from bridge.app.benchmarks.child import Child, started
from bridge.app.benchmarks.ground import TARGET, Ground
from bridge.app.benchmarks.orders import Reached, Restored, RestoreOrder
from bridge.app.benchmarks.restore_worker import PATIENCE, PULSE
from bridge.app.benchmarks.rows import Quantity, Result
from bridge.app.benchmarks.serving import OWNERSHIP
from bridge.clock import Clock
from bridge.delivery.policy import JITTER
from bridge.errors import BridgeError
from bridge.streams.bulk import write_all
from bridge.streams.records import Outgoing
from bridge.streams.topics import PARTITIONS

CLEAN = Quantity("restore.clean", "s", "lower")
KILLED = Quantity("restore.killed", "s", "lower")
BOUND = Quantity("restore.killed_bound", "s", "lower")
GAP = Quantity("restore.healthy_gap", "s", "lower")
RATE = Quantity("restore.released", "events/s", "higher")

WORKLOAD = "PARKED"
RECORDS = 10_000

_EACH = 20
_BODY = b'{"body":"%s"}' % (b"x" * 2_000)
_PULSE_RATE, _PULSES = 20.0 * PARTITIONS, 1_000_000  # cancelled long before
_LIMIT = timedelta(minutes=4)


async def run(ground: Ground, records: int, clock: Clock) -> Result:
    """Hand `records` parked events over three times, and release them."""
    await write_all(ground.kafka, _parked(ground.names.events, records))
    async with started("restore", _order(ground, parked=records)) as first:
        await first.hear(_LIMIT)
        await first.hear(_LIMIT)
    async with _pulses(ground, clock):
        clean, killed, third = await _hand_over(ground, records, clock)
    await clock.sleep(PATIENCE * (1 + JITTER))  # then every lane is due at once
    async with started("restore", _order(ground, busy=False, released=records)) as last:
        restored = Restored.model_validate(await last.hear(_LIMIT))
    if restored.inversions:
        raise BridgeError(f"out of order, {restored.inversions} times: no measure")
    bound = OWNERSHIP.session_timeout + OWNERSHIP.lease + OWNERSHIP.call_deadline
    values = {
        CLEAN: clean,
        KILLED: killed,
        BOUND: bound.total_seconds(),
        GAP: third.longest_gap,
        RATE: restored.released / restored.release_seconds,
    }
    return Result(WORKLOAD, values, max(third.peak, restored.peak))


async def _hand_over(
    ground: Ground, records: int, clock: Clock
) -> tuple[float, float, Restored]:
    """Return seconds until at work: after an orderly end, a kill; and who survived."""
    half = PARTITIONS // 2
    plain = _order(ground, pulses=(PARTITIONS,), released=records + 1)
    endless = plain.model_copy(update={"left": half})
    heir = _order(ground, pulses=(half, PARTITIONS))
    async with started("restore", endless) as second:
        reached = await _step(second)
        async with started("restore", heir) as third:
            await asyncio.gather(_step(second), _step(third))  # both are at work
            second.kill()
            at = clock.monotonic()
            killed = (await _step(third)).at - at
            survived = Restored.model_validate(await third.hear(_LIMIT))
    return reached.at - reached.began, killed, survived


async def _step(child: Child) -> Reached:
    return Reached.model_validate(await child.hear(_LIMIT))


def _order(
    ground: Ground,
    *,
    busy: bool = True,
    parked: int = 0,
    pulses: tuple[int, ...] = (),
    released: int = 0,
) -> RestoreOrder:
    return RestoreOrder(
        kafka=ground.bootstrap,
        prefix=ground.names.prefix,
        target=TARGET,
        busy=busy,
        parked=parked,
        pulses=pulses,
        released=released,
    )


def _parked(topic: str, records: int) -> Iterator[Outgoing]:
    """Yield so many events of `records / 20` subjects, the subjects in turn."""
    author, subjects = Author(topic), max(1, records // _EACH)
    for number in range(records):
        yield author.write(f"redo/parked/{number % subjects:04d}", _BODY)


@asynccontextmanager
async def _pulses(ground: Ground, clock: Clock) -> AsyncIterator[None]:
    """Let an event of a healthy subject come in each partition every 50 ms."""
    author = Author(ground.names.events)

    def make(number: int, _due: float) -> Outgoing:
        partition = number % PARTITIONS
        return author.write(f"{PULSE}{partition:02d}", b"{}", partition)

    offering = asyncio.create_task(
        offer(ground.kafka, make, _PULSES, _PULSE_RATE, clock)
    )
    try:
        yield
    finally:
        offering.cancel()
        with suppress(asyncio.CancelledError):
            await offering
