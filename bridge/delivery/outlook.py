"""The outlook: what only this process knows of a partition, told to those who ask.

Written beside the parked events, with a commit that takes place anyway: when the
breaker changes, and every ten seconds while lanes wait. Nothing is restored from it.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bridge.deadletters.standing import (
    BreakerStanding,
    BudgetStanding,
    Standing,
    WaitReason,
    encode,
)
from bridge.delivery.budget import per_second
from bridge.delivery.desk import Desk
from bridge.delivery.lanes import Lanes
from bridge.delivery.shelf import Shelf

EVERY = timedelta(seconds=10)
_MUCH = 1e9  # calls: no limit at all, in a form that JSON can hold


class Outlook:
    """Says how one partition of a target stands, when it is worth saying."""

    def __init__(self, desk: Desk, lanes: Lanes, worker: str, partition: int) -> None:
        self._desk = desk
        self._lanes = lanes
        self._worker = worker
        self._partition = partition
        self._said_at = -math.inf
        self._said: Standing | None = None

    def tell(self, shelf: Shelf) -> None:
        """Write how it stands, if there is news."""
        now = self._desk.clock.monotonic()
        if self._said is None and not (self._desk.stopped or self._lanes.any_waiting):
            return
        changed = self._said is None or self._said.breaker.state != self._state()
        if changed or now - self._said_at >= EVERY.total_seconds():
            standing = self._standing(now)
            quiet = not (self._desk.stopped or standing.waiting)
            self._said, self._said_at = (None if quiet else standing), now
            shelf.add(*encode(standing, self._partition))

    def _standing(self, now: float) -> Standing:
        at = self._desk.clock.now()
        return Standing(
            worker=self._worker,
            at=at,
            breaker=self._breaker(at, now),
            budget=self._budget(at, now),
            waiting=self._waiting(),
            oldest=self._oldest(),
        )

    def _state(self) -> str:
        trip = self._desk.breaker.tripped
        if trip is not None and trip.cause == "unauthorized":
            return "unauthorized"
        return self._desk.breaker.state

    def _breaker(self, at: datetime, now: float) -> BreakerStanding:
        trip = self._desk.breaker.tripped
        if trip is None:
            return BreakerStanding()
        return BreakerStanding.model_validate(
            {
                "state": self._state(),
                "reason": trip.reason,
                "since": at - timedelta(seconds=now - trip.at),
                "next_probe_at": at + self._desk.breaker.wait(now),
            }
        )

    def _budget(self, at: datetime, now: float) -> BudgetStanding | None:
        turns = self._desk.turns
        if turns is None or not turns.waiting:
            return None
        wait = turns.budget.wait(now)
        budget = turns.budget
        return BudgetStanding(
            available=min(budget.available(now), _MUCH),
            per_second=min(per_second(budget.limits) * budget.share, _MUCH),
            waiting=turns.waiting,
            blocked_until=at + wait if wait else None,
        )

    def _waiting(self) -> Mapping[str, int]:
        found = {why: self._lanes.waiting(why) for why in WaitReason}
        return {why: count for why, count in found.items() if count}

    def _oldest(self) -> Mapping[str, datetime]:
        oldest: dict[str, int] = {}
        for lane in self._lanes:
            if lane.why is not None:
                time = lane.head.timestamp
                oldest[lane.why] = min(time, oldest.get(lane.why, time))
        return {
            why: datetime.fromtimestamp(time / 1000, UTC)
            for why, time in oldest.items()
        }
