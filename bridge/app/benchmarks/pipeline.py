"""`bench pipeline`: from a webhook to the call at the warehouse, through all of it.

One process plays all roles; webhooks of new returns are offered open-loop, and each
must come to exactly one call. The time runs from when the webhook was due to the
first byte of the call.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from bridge.app.benchmarks.bodies import Webhook, filed
from bridge.app.benchmarks.door import PATH, opened
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.load import connected, on_the_wire
from bridge.app.benchmarks.orders import Cost
from bridge.app.benchmarks.recorder import Recorder, recording
from bridge.app.benchmarks.rows import Quantity, Result, percentile
from bridge.clock import Clock
from bridge.errors import BridgeError

P50 = Quantity("pipeline.p50", "ms", "lower")
P99 = Quantity("pipeline.p99", "ms", "lower")
CPU = Quantity("pipeline.cpu", "us/webhook", "lower")

WORKLOADS = ("200/s", "5/s")

_SENDERS = 64
_WARM_UP, _WARM_RATE = 50, 20.0
_LIMIT = timedelta(minutes=3)


def webhooks_at(rate: float) -> int:
    """Return how many webhooks a run at `rate` per second takes: 15 s, 100 at least."""
    return max(100, int(15 * rate))


async def run(ground: Ground, rate: float, records: int, clock: Clock) -> Result:
    """Send `records` webhooks at `rate` per second and wait for all their calls."""
    webhooks = list(islice(filed(), _WARM_UP + records))
    async with (
        recording(clock) as recorder,
        opened(ground, "all", clock, recorder.url) as door,
    ):
        sender = _Sender(ground, recorder, clock)
        await sender.send(webhooks[:_WARM_UP], _WARM_RATE, door.port)
        cpu = door.child.cpu
        times = await sender.send(webhooks[_WARM_UP:], rate, door.port)
        cpu = door.child.cpu - cpu
        peak = Cost.model_validate(await door.child.stop()).peak
    times.sort()
    values = {
        P50: percentile(times, 0.50) * 1000,
        P99: percentile(times, 0.99) * 1000,
        CPU: cpu / records * 1e6,
    }
    return Result(f"{rate:g}/s", values, peak)


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
        async with connected(port, _SENDERS, self._clock) as load:
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
