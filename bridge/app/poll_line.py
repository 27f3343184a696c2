"""Where polling stands in line: at its own pace, then with the targets of its account.

What answers tell of the rate goes to the credential's budget, which targets heed too,
and theirs holds polling back.
"""

from dataclasses import dataclass

import httpx

from bridge.clock import Clock
from bridge.delivery.budget import LIVE, REPLAY, Budget, Call
from bridge.delivery.turns import Turns
from bridge.inbound.pace import Pace
from bridge.platforms.cursor import Lane, Spent
from bridge.platforms.meaning import SHARED, meaning_of
from bridge.platforms.rate_facts import rate_facts
from bridge.platforms.retry_after import retry_after


@dataclass(frozen=True, slots=True)
class PollLine:
    """One account's polling at its credential; history lets live calls go first."""

    pace: Pace
    turns: Turns
    clock: Clock

    @property
    def _budget(self) -> Budget:
        return self.turns.budget

    @property
    def on_record(self) -> bool:
        return self._budget.books.kept

    @property
    def covered(self) -> bool:
        return self._budget.books.covered

    @property
    def due(self) -> bool:
        return self._budget.books.due

    async def take(self, lane: Lane) -> float:
        await self.pace.spend(lane)
        return await self.turns.take(_call_of(lane))

    async def late(self, lane: Lane, at: float) -> None:
        await self.turns.late(_call_of(lane), at)

    def hear(self, response: httpx.Response) -> None:
        """Learn what is left, and from a 429 how long to leave the platform alone."""
        now, at = self.clock.monotonic(), self.clock.now()
        self._budget.hear(rate_facts(response, at), now)
        wait = retry_after(response, at)
        match meaning_of(response.status_code, SHARED, wait_named=wait is not None):
            case "throttled":
                self._budget.throttled(wait, now)
            case "delivered" | "refused":
                self._budget.answered()
            case _:
                pass  # says nothing of the rate

    def write(self) -> tuple[Spent, ...]:
        return self._budget.books.write(self.clock.monotonic(), self.clock.now())

    def wrote(self) -> None:
        self._budget.books.wrote()

    def restore(self, spent: tuple[Spent, ...]) -> None:
        now, at = self.clock.monotonic(), self.clock.now()
        self._budget.books.restore(spent, now, at)


def _call_of(lane: Lane) -> Call:
    return LIVE if lane == "live" else REPLAY
