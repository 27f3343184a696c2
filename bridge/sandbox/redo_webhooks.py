"""How the shop's webhooks travel: in order per return, retried, and at times oddly.

Redo promises order per return and throws an event away after some tries (redo.md,
section 5.1); its habits make `created` arrive after `updated`, send bodies twice, and
send old ones late. How often it tries, and whether what fails holds back what comes
after it, is not published.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from bridge.clock import Clock
from bridge.sandbox import outgoing
from bridge.sandbox.habits import Habits
from bridge.sandbox.journal import Journal, Kind

_SWAP_PATIENCE = timedelta(seconds=2)
_POLL = timedelta(milliseconds=20)

OWN = ""
"""The key of the simulator's own subscription."""


@dataclass(frozen=True, slots=True)
class Posting:
    """How hard Redo tries; after the last try the webhook is thrown away.

    The first of `retries` comes after `first`, each further one twice as late. Tries
    take as long as `patience`. If it `blocks`, later webhooks of the return wait.
    """

    retries: int = 5
    first: timedelta = timedelta(seconds=0.3)
    patience: timedelta = timedelta(seconds=5)
    blocks: bool = True

    def waits(self) -> Iterator[timedelta]:
        """Yield the wait before each further try."""
        for number in range(self.retries):
            yield self.first * 2**number


USUAL = Posting()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where webhooks go and the bearer token the subscriber chose, if any."""

    url: str
    token: str | None = field(repr=False)


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

    Everything goes to the own subscription if there is one, else to all others. Until
    somebody subscribes, webhooks wait. `sent` counts answers 2xx, by kind.
    `on_subscribe` hears the key of every new subscription.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        habits: Habits | None = None,
        posting: Posting = USUAL,
    ) -> None:
        self.sent: Counter[str] = Counter()
        self.retried = 0
        self.discarded = 0
        self.on_subscribe: Callable[[str], None] = lambda _: None
        self._clock = clock
        self._journal = journal
        self._habits = habits or Habits()
        self._posting = posting
        self._to: dict[str, Subscription] = {}
        self._waiting: list[Webhook] = []
        self._queues: dict[tuple[str, str], deque[Webhook]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = outgoing.client(self._posting.patience)

    @property
    def pending(self) -> int:
        """How much is still on the way: waiting webhooks and busy senders."""
        return len(self._waiting) + len(self._tasks)

    def subscribe(self, subscription: Subscription, key: str = OWN) -> None:
        """Send to this address from now on; a known `key` only moves."""
        is_new = key not in self._to
        self._to[key] = subscription
        if is_new:
            self.on_subscribe(key)
        waiting, self._waiting = self._waiting, []
        for webhook in waiting:
            self.send(webhook)

    def unsubscribe(self, key: str) -> None:
        """Send no more to this subscription, not even what is on its way."""
        self._to.pop(key, None)

    def send(self, webhook: Webhook, *, to: str | None = None) -> None:
        """Take a webhook; it leaves after those of its return that came before.

        With `to` it is meant for that subscription alone.
        """
        if not self._to and to is None:
            self._waiting.append(webhook)
        wanted = tuple(self._to) if to is None else (to,)
        for key in (OWN,) if OWN in self._to else wanted:
            self._enqueue(key, webhook)

    async def close(self) -> None:
        """Throw away what is still on the way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def _enqueue(self, key: str, webhook: Webhook) -> None:
        place = (key, webhook.return_id)
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = deque()
            self._spawn(self._work(place, queue))
        queue.append(webhook)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, place: tuple[str, str], queue: deque[Webhook]) -> None:
        key, return_id = place
        if queue[0].kind == "created" and self._habits.created_late(return_id):
            await self._swap(queue)
        while queue:
            webhook = queue.popleft()
            await self._deliver(key, webhook)
            if self._habits.twice(return_id, webhook.number):
                await self._deliver(key, webhook)
            later = self._habits.again_after(return_id, webhook.number)
            if later is not None:
                self._spawn(self._send_late(key, webhook, later))
        del self._queues[place]

    async def _swap(self, queue: deque[Webhook]) -> None:
        """Let the first `updated` overtake `created`, if one comes in time."""
        deadline = self._clock.monotonic() + _SWAP_PATIENCE.total_seconds()
        while len(queue) == 1 and self._clock.monotonic() < deadline:
            await self._clock.sleep(_POLL)
        if len(queue) > 1:
            queue[0], queue[1] = queue[1], queue[0]

    async def _send_late(self, key: str, webhook: Webhook, later: timedelta) -> None:
        await self._clock.sleep(later)
        await self._deliver(key, webhook)

    async def _deliver(self, key: str, webhook: Webhook) -> None:
        if await self._arrives(key, webhook):
            return
        if self._posting.blocks:
            await self._retry(key, webhook)
        else:
            self._spawn(self._retry(key, webhook))

    async def _retry(self, key: str, webhook: Webhook) -> None:
        for wait in self._posting.waits():
            self.retried += 1
            await self._clock.sleep(wait)
            if await self._arrives(key, webhook):
                return
        self.discarded += 1
        self._journal.note(Kind.DISCARDED, f"{webhook.name} {webhook.kind}")

    async def _arrives(self, key: str, webhook: Webhook) -> bool:
        """Try once; to somebody who has left, nothing needs to arrive."""
        to = self._to.get(key)
        if to is None:
            return True
        if not await self._post(to, webhook.body):
            return False
        self.sent[webhook.kind] += 1
        self._journal.note(Kind.SENT, f"{webhook.name} {webhook.kind}")
        return True

    async def _post(self, to: Subscription, body: bytes) -> bool:
        headers = {"content-type": "application/json"}
        if to.token is not None:
            headers["authorization"] = f"Bearer {to.token}"
        try:
            response = await self._client.post(to.url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return response.is_success
