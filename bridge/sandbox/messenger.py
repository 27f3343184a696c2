"""Webhooks of platforms that promise nothing: lost, doubled, late, and out of order.

What is not taken is tried again along a ladder, if the platform has one, until its
life is over; then it is thrown away for good.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, repeat
from random import Random

import httpx

from bridge.clock import Clock
from bridge.sandbox import outgoing
from bridge.sandbox.journal import Journal, Kind

_PATIENCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Gaps between tries; `last` is repeated until `life` is over. None: one try."""

    gaps: tuple[timedelta, ...] = ()
    last: timedelta | None = None
    life: timedelta = timedelta()

    def waits(self) -> Iterator[timedelta]:
        """Yield the wait before each further try, as long as the life lasts."""
        rest = repeat(self.last) if self.last is not None else ()
        age = timedelta()
        for gap in chain(self.gaps, rest):
            age += gap
            if age > self.life:
                return
            yield gap


@dataclass(frozen=True, slots=True)
class Unreliable:
    """How a sender misbehaves: each a chance from 0 to 1, `late` the longest delay."""

    lost: float = 0.0
    twice: float = 0.0
    delayed: float = 0.0
    late: timedelta = timedelta(seconds=3)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One webhook: `registration` is whose it is, `name` what people call it by."""

    registration: str
    url: str = field(repr=False)
    name: str
    body: bytes = field(repr=False)


Discarded = Callable[[Message], None]


class Messenger:
    """Carries messages, each by itself.

    `sent` counts answers 2xx, `tries` all requests, `lost` what was never sent and
    `discarded` what was given up, all by registration. While `cut_off`, no try gets
    through: the usual cause of a loss is the network. `habits` and `ladder` may be
    switched while it runs.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        ladder: Ladder,
        habits: Unreliable | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.sent: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.discarded: Counter[str] = Counter()
        self.on_discard: Discarded = lambda _: None
        self.cut_off = False
        self._clock = clock
        self._journal = journal
        self.ladder = ladder
        self.habits = habits or Unreliable()
        # Not security: the run has to be the same for the same seed.
        self._dice = Random(self.habits.seed)  # noqa: S311
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = outgoing.client(_PATIENCE, transport)

    @property
    def pending(self) -> int:
        """How many messages are still on their way."""
        return len(self._tasks)

    def send(self, message: Message) -> None:
        """Take a message on its way, or lose it."""
        habits = self.habits
        if self._dice.random() < habits.lost:
            self.lost[message.registration] += 1
            self._journal.note(Kind.LOST, message.name)
            return
        copies = 2 if self._dice.random() < habits.twice else 1
        for _ in range(copies):
            is_late = self._dice.random() < habits.delayed
            delay = habits.late * self._dice.random() if is_late else timedelta()
            task = asyncio.create_task(self._carry(message, delay))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Throw away what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _carry(self, message: Message, delay: timedelta) -> None:
        for wait in chain([delay], self.ladder.waits()):
            if wait:
                await self._clock.sleep(wait)
            if await self._post(message):
                self.sent[message.registration] += 1
                self._journal.note(Kind.SENT, message.name)
                return
        self.discarded[message.registration] += 1
        self._journal.note(Kind.DISCARDED, message.name)
        self.on_discard(message)

    async def _post(self, message: Message) -> bool:
        self.tries[message.registration] += 1
        if self.cut_off:
            return False
        headers = {"content-type": "application/json"}
        try:
            response = await self._client.post(
                message.url, content=message.body, headers=headers
            )
        except httpx.HTTPError:
            return False
        return response.is_success
