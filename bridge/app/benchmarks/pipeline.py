"""`bench pipeline`: from a webhook to the call at the warehouse, through all of it.

One process plays all roles, or each its own (`-split`); webhooks of new returns are
offered open-loop, and each must come to a call. The time runs from when the webhook
was due to the first byte of the call.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from bridge.app.benchmarks.bodies import Webhook, filed
from bridge.app.benchmarks.door import PATH, Door, opened
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.load import connected, on_the_wire, senders
from bridge.app.benchmarks.orders import Cost
from bridge.app.benchmarks.recorder import Recorder, recording
from bridge.app.benchmarks.rows import Quantity, Result, percentile
from bridge.clock import Clock
from bridge.errors import BridgeError

P50 = Quantity("pipeline.p50", "ms", "lower")
P99 = Quantity("pipeline.p99", "ms", "lower")
CPU = Quantity("pipeline.cpu", "us/webhook", "lower")
CALLS = Quantity("pipeline.calls", "calls/webhook", "lower")

WORKLOADS = ("200/s", "200/s-split", "5/s")
#: What ends a workload's name where each role has a process of its own.
SPLIT = "-split"

_WARM_UP, _WARM_RATE = 50, 20.0
_LIMIT = timedelta(minutes=3)


def webhooks_at(rate: float) -> int:
    """Return how many webhooks a run at `rate` per second takes: 15 s, 100 at least."""
    return max(100, int(15 * rate))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is measured: `records` webhooks at `rate` per second, through `roles`.

    The first role is the one whose door is knocked at.
    """

    name: str
    rate: float
    records: int
    roles: Sequence[str] = ("all",)


async def run(ground: Ground, pipeline: Pipeline, clock: Clock) -> Result:
    """Send the webhooks and wait for all their calls."""
    webhooks = list(islice(filed(), _WARM_UP + pipeline.records))
    async with (
        recording(clock) as recorder,
        _running(ground, pipeline.roles, recorder, clock) as doors,
    ):
        sender = _Sender(ground, recorder, clock)
        await sender.send(webhooks[:_WARM_UP], _WARM_RATE, doors[0].port)
        before, calls = [door.child.cpu for door in doors], recorder.calls
        times = await sender.send(webhooks[_WARM_UP:], pipeline.rate, doors[0].port)
        costs = [door.child.cpu - cpu for door, cpu in zip(doors, before, strict=True)]
        calls = recorder.calls - calls
        peaks = [Cost.model_validate(await door.child.stop()).peak for door in doors]
    times.sort()
    values = {
        P50: percentile(times, 0.50) * 1000,
        P99: percentile(times, 0.99) * 1000,
        CPU: sum(costs) / pipeline.records * 1e6,
        **_by_role(pipeline, costs),
        CALLS: calls / pipeline.records,
    }
    return Result(pipeline.name, values, max(peaks))


def _by_role(pipeline: Pipeline, costs: Sequence[float]) -> dict[Quantity, float]:
    if len(costs) == 1:
        return {}
    return {
        Quantity(f"pipeline.cpu_{role}", CPU.unit, "lower"): cost
        / pipeline.records
        * 1e6
        for role, cost in zip(pipeline.roles, costs, strict=True)
    }


@asynccontextmanager
async def _running(
    ground: Ground, roles: Sequence[str], recorder: Recorder, clock: Clock
) -> AsyncIterator[Sequence[Door]]:
    """Start a process for each role; all are ready."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(opened(ground, role, clock, recorder.url))
            for role in roles
        ]


class _Sender:
    """Sends webhooks and waits for what the warehouse hears of them."""

    def __init__(self, ground: Ground, recorder: Recorder, clock: Clock) -> None:
        self._token = ground.token
        self._recorder = recorder
        self._clock = clock

    async def send(
        self, webhooks: Sequence[Webhook], rate: float, port: int
    ) -> list[float]:
        """Return for each webhook the seconds until its call."""
        bodies = (webhook.body for webhook in webhooks)
        requests = list(on_the_wire(bodies, PATH, self._token))
        async with connected(port, senders(rate), self._clock) as load:
            answers = await load.offer(requests, rate, _LIMIT)
        subjects = [webhook.subject for webhook in webhooks]
        if not await self._recorder.heard_of(subjects, _LIMIT):
            heard = sum(subject in self._recorder.called_at for subject in subjects)
            raise BridgeError(
                f"the warehouse heard of {heard:,} of {len(subjects):,} returns"
            )
        return [
            self._recorder.called_at[subject] - answers.began - number / rate
            for number, subject in enumerate(subjects)
        ]
