"""Waiting for one's turn at a credential: the thin side of `budget.py`.

First come, first served, live traffic and replays in two rows.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.clock import Clock
from bridge.delivery.budget import LIVE, Budget, Call, Order
from bridge.streams.holding import Holding

_MOMENT = 0.25  # seconds for which a turn stands
_AT_ONCE = 0.001


@dataclass(slots=True, eq=False)
class _Turn:
    """One call that waits."""

    call: Call
    at: float = 0.0
    has_come: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """Lets the calls of one credential pass as its budget allows."""

    def __init__(self, budget: Budget, clock: Clock) -> None:
        self.budget = budget
        self._clock = clock
        self._order = Order()
        self._rows: dict[bool, deque[_Turn]] = {False: deque(), True: deque()}
        self._usher: asyncio.Task[None] | None = None
        spans = (limit.per.total_seconds() / 2 for limit in budget.limits)
        self._moment = min((_MOMENT, *spans))

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return sum(len(row) for row in self._rows.values())

    def own(self, name: str, holding: Holding) -> None:
        """Note which part of the budget is this process's, and was another's."""
        self.budget.own(name, holding.partitions, holding.of)
        if holding.inherited:
            now = self._clock.monotonic()
            self.budget.inherit(holding.inherited, now, holding.quiet)
        if self.waiting:
            self._call_usher()

    async def take(self, call: Call = LIVE) -> float:
        """Return when `call` may go, and count it; one cancelled before is not.

        The answer is when that was (monotonic).
        """
        now = self._clock.monotonic()
        row = self._rows[call.replay]
        if not row and not self.budget.wait(now, call):
            self.budget.take(now, call)
            return now
        turn = _Turn(call)
        row.append(turn)
        if len(row) == 1:  # it may be able to go before whoever is waited for
            self._call_usher()
        try:
            await turn.has_come.wait()
        except asyncio.CancelledError:
            with suppress(ValueError):  # its turn came just now: that call is lost
                row.remove(turn)
            raise
        return turn.at

    async def late(self, call: Call, at: float) -> float:
        """Return when a call may go that was held up since its turn came, at `at`.

        It counts from when it goes. One held up for longer stands in line again: calls
        that were held up together would go together.
        """
        now = self._clock.monotonic()
        if now - at > self._moment:
            return await self.take(call)
        if now - at > _AT_ONCE:
            self.budget.move(at, now, call)
            return now
        return at

    def _call_usher(self) -> None:
        if self._usher is not None:
            self._usher.cancel()
        self._usher = asyncio.create_task(self._let_pass())

    async def _let_pass(self) -> None:
        """Grant turns while any call waits."""
        while self.waiting:
            now = self._clock.monotonic()
            row = self._next(now)
            wait = self.budget.wait(now, row[0].call)
            if wait:
                await self._clock.sleep(wait)
            else:
                self._grant(row, now)
        self._usher = None

    def _next(self, now: float) -> deque[_Turn]:
        """Return the row whose head goes next.

        A replay held back by a limit of its own does not hold live traffic back.
        """
        live, replays = self._rows[False], self._rows[True]
        if not (live and replays):
            return live or replays
        if not self._order.replay_first:
            return live
        waits = [self.budget.wait(now, row[0].call) for row in (live, replays)]
        return live if waits[0] < waits[1] else replays

    def _grant(self, row: deque[_Turn], now: float) -> None:
        turn = row[0]
        if all(self._rows.values()):
            self._order.went(turn.call)
        row.popleft()
        self.budget.take(now, turn.call)
        turn.at = now
        turn.has_come.set()
