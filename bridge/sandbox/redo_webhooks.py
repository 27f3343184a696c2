"""How the shop's webhooks travel: in order per return, retried, and at times oddly.

Redo promises order per return and throws an event away after some tries (redo.md,
section 5.1); its habits make `created` arrive after `updated`, send bodies twice, and
send old ones late.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from bridge.clock import Clock
from bridge.sandbox.habits import Habits
from bridge.sandbox.journal import Journal, Kind

_SCHEDULE = tuple(timedelta(seconds=wait) for wait in (0.3, 0.6, 1.2, 2.4, 4.8))
"""Waits between tries; after the last the webhook is thrown away."""

_PATIENCE = timedelta(seconds=5)
_SWAP_PATIENCE = timedelta(seconds=2)
_POLL = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where webhooks go and the bearer token the subscriber chose."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One body to be sent, the `number`-th of its return; `name` is the order's."""

    return_id: str
    number: int
    kind: str
    name: str
    body: bytes = field(repr=False)


class WebhookSender:
    """Sends each return's webhooks one after another, returns beside each other.

    Until somebody subscribes, webhooks wait. `sent` counts answers 2xx, by kind.
    """

    def __init__(
        self, *, clock: Clock, journal: Journal, habits: Habits | None = None
    ) -> None:
        self.sent: Counter[str] = Counter()
        self.retried = 0
        self.discarded = 0
        self._clock = clock
        self._journal = journal
        self._habits = habits or Habits()
        self._subscription = asyncio.Event()
        self._to: Subscription | None = None
        self._queues: dict[str, deque[Webhook]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=_PATIENCE.total_seconds())

    @property
    def pending(self) -> int:
        """How many senders still have something on the way."""
        return len(self._tasks)

    def subscribe(self, subscription: Subscription) -> None:
        self._to = subscription
        self._subscription.set()

    def send(self, webhook: Webhook) -> None:
        """Take a webhook; it leaves after those of its return that came before."""
        queue = self._queues.get(webhook.return_id)
        if queue is None:
            queue = self._queues[webhook.return_id] = deque()
            self._spawn(self._work(webhook.return_id, queue))
        queue.append(webhook)

    async def close(self) -> None:
        """Throw away what is still on the way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, return_id: str, queue: deque[Webhook]) -> None:
        if queue[0].kind == "created" and self._habits.created_late(return_id):
            await self._swap(queue)
        while queue:
            webhook = queue.popleft()
            await self._deliver(webhook)
            if self._habits.twice(return_id, webhook.number):
                await self._deliver(webhook)
            later = self._habits.again_after(return_id, webhook.number)
            if later is not None:
                self._spawn(self._send_late(webhook, later))
        del self._queues[return_id]

    async def _swap(self, queue: deque[Webhook]) -> None:
        """Let the first `updated` overtake `created`, if one comes in time."""
        deadline = self._clock.monotonic() + _SWAP_PATIENCE.total_seconds()
        while len(queue) == 1 and self._clock.monotonic() < deadline:
            await self._clock.sleep(_POLL)
        if len(queue) > 1:
            queue[0], queue[1] = queue[1], queue[0]

    async def _send_late(self, webhook: Webhook, later: timedelta) -> None:
        await self._clock.sleep(later)
        await self._deliver(webhook)

    async def _deliver(self, webhook: Webhook) -> None:
        await self._subscription.wait()
        for wait in (*_SCHEDULE, None):
            if await self._post(webhook):
                self.sent[webhook.kind] += 1
                self._journal.note(Kind.SENT, f"{webhook.name} {webhook.kind}")
                return
            if wait is not None:
                self.retried += 1
                await self._clock.sleep(wait)
        self.discarded += 1
        self._journal.note(Kind.DISCARDED, f"{webhook.name} {webhook.kind}")

    async def _post(self, webhook: Webhook) -> bool:
        if self._to is None:
            return False
        headers = {
            "authorization": f"Bearer {self._to.token}",
            "content-type": "application/json",
        }
        try:
            response = await self._client.post(
                self._to.url, content=webhook.body, headers=headers
            )
        except httpx.HTTPError:
            return False
        return response.is_success
