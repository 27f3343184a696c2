"""How the simulated Loop's webhooks travel: signed, retried, in no order, at times odd.

Six tries with growing waits; a `Retry-After` up to half an hour is obeyed, a longer
one fails the delivery (loop.md, section 2, from older documents). Whether Loop ever
switches a registration off is unknown: `off_after` does, after so many failures.
"""

import asyncio
import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from random import Random

import httpx

from bridge.clock import Clock
from bridge.sandbox import outgoing
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.loop_bodies import Json, php

HEADER = "X-Loop-Signature"
ACTIVE, INACTIVE = "active", "inactive"

_RETRIES = 5
_FIRST_WAIT = timedelta(seconds=0.5)
_LONGEST_OBEYED = timedelta(minutes=30)
_PATIENCE = timedelta(seconds=5)
#: What a topic sends at a trigger that is not its own (a guess: section 5).
_EMPTY = b"[]"
#: Longer than anybody waits: the delivery fails.
_NEVER = timedelta.max


@dataclass(frozen=True, slots=True)
class Registration:
    """One webhook: a topic, a trigger, an address; its secret is the shop's."""

    id: int
    topic: str
    trigger: str
    url: str
    status: str = ACTIVE


@dataclass(frozen=True, slots=True)
class LoopHabits:
    """How likely a webhook goes odd ways, 0 to 1, and how late it may come.

    `forged` signs with another secret. `late` shuffles: each webhook waits up to so
    long before its first try. Which errors are tried again is unknown: with
    `only_5xx` none of the receiver's refusals is.
    """

    twice: float = 0.0
    lost: float = 0.0
    forged: float = 0.0
    late: timedelta = timedelta()
    off_after: int | None = None
    only_5xx: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Message:
    """One webhook on its way; `name` is what people call the return."""

    to: Registration
    name: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@dataclass
class Tally:
    """What became of the webhooks, by trigger where it says so."""

    sent: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    retried: int = 0
    discarded: int = 0


class LoopSender:
    """All registrations of one shop, and what is on its way to them."""

    def __init__(
        self,
        secret: str,
        *,
        clock: Clock,
        journal: Journal,
        habits: LoopHabits | None = None,
    ) -> None:
        self.registrations: dict[int, Registration] = {}
        self.tally = Tally()
        self.habits = habits or LoopHabits()
        self._secret = secret.encode()
        self._clock = clock
        self._journal = journal
        self._numbers = count(1)
        self._ids = count(321)
        self._failures: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = outgoing.client(_PATIENCE)

    @property
    def pending(self) -> int:
        """How many deliveries are still on the way."""
        return len(self._tasks)

    def register(
        self, topic: str, trigger: str, url: str, status: str = ACTIVE
    ) -> Registration:
        """Add a registration, also one that is there already (section 5)."""
        made = Registration(next(self._ids), topic, trigger, url, status)
        self.registrations[made.id] = made
        return made

    def switch(self, status: str) -> None:
        """Switch every registration on or off, as somebody in the admin might."""
        for id_, known in self.registrations.items():
            self.registrations[id_] = replace(known, status=status)

    def send(self, topic: str, body: Json, name: str) -> None:
        """Take a webhook for everybody who registered for it."""
        trigger = str(body["trigger"])
        for known in tuple(self.registrations.values()):
            if known.trigger == trigger and known.status == ACTIVE:
                fits = known.topic == topic
                self._spawn(self._travel(known, php(body) if fits else _EMPTY, name))

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

    async def _travel(self, to: Registration, body: bytes, name: str) -> None:
        # Not security: the run has to be the same for the same seed.
        dice = Random(f"{self.habits.seed}/{next(self._numbers)}")  # noqa: S311
        await self._clock.sleep(self.habits.late * dice.random())
        if dice.random() < self.habits.lost:
            self.tally.lost += 1
            return
        headers = self._signed(body, forged=dice.random() < self.habits.forged)
        message = _Message(to, name, body, headers)
        for _ in range(2 if dice.random() < self.habits.twice else 1):
            await self._deliver(message, dice)

    def _signed(self, body: bytes, *, forged: bool) -> dict[str, str]:
        secret = b"not-the-secret" if forged else self._secret
        digest = hmac.new(secret, body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            HEADER: base64.b64encode(digest).decode(),
        }

    async def _deliver(self, message: _Message, dice: Random) -> None:
        for attempt in range(_RETRIES + 1):
            wait = await self._post(message)
            if wait is None:
                self._arrived(message)
                return
            if wait > _LONGEST_OBEYED or attempt == _RETRIES:
                break
            self.tally.retried += 1
            backoff = _FIRST_WAIT * 2**attempt * dice.uniform(0.8, 1.2)
            await self._clock.sleep(max(wait, backoff))
        self._discard(message)

    def _arrived(self, message: _Message) -> None:
        self.tally.sent[message.to.trigger] += 1
        self._failures[message.to.id] = 0
        self._journal.note(Kind.SENT, f"{message.name} {message.to.trigger}")

    def _discard(self, message: _Message) -> None:
        to = message.to
        self.tally.discarded += 1
        self._failures[to.id] += 1
        self._journal.note(Kind.DISCARDED, f"{message.name} {to.trigger}")
        limit = self.habits.off_after
        if limit is not None and self._failures[to.id] >= limit:
            known = self.registrations.get(to.id, to)
            self.registrations[to.id] = replace(known, status=INACTIVE)

    async def _post(self, message: _Message) -> timedelta | None:
        """Return None if it was taken, else how long the receiver asks to wait."""
        try:
            response = await self._client.post(
                message.to.url, content=message.body, headers=message.headers
            )
        except httpx.HTTPError:
            return timedelta()
        if response.is_success:
            return None
        if self.habits.only_5xx and response.is_client_error:
            return _NEVER
        return _asked(response.headers.get("retry-after", ""), self._clock.now())


def _asked(text: str, now: datetime) -> timedelta:
    """Return what a `Retry-After` asks for, in either of its forms, else nothing."""
    if text.isdigit():
        return timedelta(seconds=int(text))
    try:
        return max(timedelta(), parsedate_to_datetime(text) - now)
    except (ValueError, TypeError):  # no date, or one without a zone
        return timedelta()
