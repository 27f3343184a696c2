"""What all partitions of a target share in a process: pool, breaker, network."""

import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from bridge.clock import Clock
from bridge.deadletters.standing import WaitReason
from bridge.delivery.breaker import Breaker
from bridge.delivery.calls import Calls
from bridge.delivery.flow import DeadFlow, FlowRules
from bridge.delivery.lanes import Lanes, Memory
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.policy import Policy
from bridge.delivery.pool import Pool
from bridge.delivery.turns import Turns
from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Outcome,
    Skipped,
    Target,
)
from bridge.streams.holding import Holding
from bridge.telemetry import events, logger, metrics

Send = Callable[[httpx.Request, Calls], Awaitable[httpx.Response]]

_ENDED_WELL = (Delivered, AlreadyApplied, Skipped)

log = logger(__name__)


class Served(Protocol):
    """One partition that the desk serves."""

    @property
    def lanes(self) -> Lanes:
        """Its lanes."""

    def wake(self) -> None:
        """Let lanes go that waited for the breaker."""


@dataclass(slots=True, eq=False)
class Desk:
    """One target in this process, and the partitions of it that are owned here.

    `turns` is the line at the account's credential; without one nothing limits.
    `in_line` counts the conversations that stand in it.
    """

    target: Target
    options: DeliveryOptions
    clock: Clock
    send: Send
    turns: Turns | None = None
    pool: Pool = field(init=False)
    policy: Policy = field(init=False)
    breaker: Breaker = field(default_factory=Breaker)
    flow: DeadFlow = field(init=False)
    memory: Memory = field(default_factory=Memory)
    partitions: set[Served] = field(default_factory=set)
    in_flight: int = 0
    in_line: int = 0

    def __post_init__(self) -> None:
        self.pool = Pool(self.options.concurrency, self.clock)
        chance = random.Random()  # noqa: S311 - jitter, no secret
        self.policy = Policy(self.options, chance)
        self.flow = DeadFlow(FlowRules(limit=self.options.dead_limit))
        self._measure(self.target.name)

    def _measure(self, name: str) -> None:
        metrics.IN_FLIGHT.labels(name).set_function(lambda: self.in_flight)
        metrics.LANES_HELD.labels(name).set_function(
            lambda: self._sum(lambda lanes: lanes.held)
        )
        metrics.PARKED_EVENTS.labels(name).set_function(
            lambda: self._sum(lambda lanes: lanes.parked)
        )
        metrics.OLDEST_UNFINISHED.labels(name).set_function(self.oldest_age)
        metrics.BREAKER_OPEN.labels(name).set_function(lambda: int(self.stopped))
        for why in WaitReason:
            metrics.LANES_WAITING.labels(name, why).set_function(self._waiting(why))

    def _waiting(self, why: WaitReason) -> Callable[[], float]:
        if why is WaitReason.BUDGET:
            return lambda: self.in_line
        return lambda: self._sum(lambda lanes: lanes.waiting(why))

    def _sum(self, number: Callable[[Lanes], int]) -> int:
        return sum(number(partition.lanes) for partition in self.partitions)

    @property
    def busy(self) -> int:
        """How many subjects have something under way or waiting, but not held."""
        return self._sum(lambda lanes: lanes.busy)

    def oldest_age(self) -> float:
        """Return the age of the oldest unfinished event in seconds; 0 without any."""
        times = (partition.lanes.oldest() for partition in self.partitions)
        oldest = min(_known(times), default=None)
        if oldest is None:
            return 0.0
        return max(0.0, self.clock.now().timestamp() - oldest / 1000)

    def own(self, holding: Holding) -> None:
        """Take so large a share of the credential's budget."""
        if self.turns is not None:
            self.turns.own(self.target.name, holding)

    # ------------------------------------------------------------ the breaker

    @property
    def stopped(self) -> bool:
        """Whether no call may start, probes aside."""
        return self.breaker.tripped is not None

    @property
    def stop_reason(self) -> WaitReason:
        """What lanes wait for while the target is stopped."""
        trip = self.breaker.tripped
        if trip is not None and trip.cause == "unauthorized":
            return WaitReason.UNAUTHORIZED
        return WaitReason.BREAKER

    def learn(self, pass_: int, outcome: Outcome, subject: str) -> None:
        """Tell breaker, flow and budget what a call came to; one alarm or none."""
        now = self.clock.monotonic()
        change = self.breaker.observe(pass_, outcome, subject, now)
        if isinstance(outcome, _ENDED_WELL):
            self.flow.finished(now)
        if self.turns is not None:
            self.turns.budget.observe(outcome, now)
        if change == "opened":
            self._alarm()
        elif change == "closed":
            log.info(events.TARGET_RESUMED, target=self.target.name)
            for partition in list(self.partitions):
                partition.wake()

    def may_bury(self, reason: str) -> bool:
        """Count one more event given up; stop the target instead if it is too many."""
        now = self.clock.monotonic()
        if self.flow.admits(now):
            self.flow.died(now)
            return True
        if self.breaker.trip("dead_letters", reason, now):
            self._alarm()
        return False

    def _alarm(self) -> None:
        trip = self.breaker.tripped
        log.error(
            events.TARGET_STOPPED,
            target=self.target.name,
            cause=None if trip is None else trip.cause,
            reason=None if trip is None else trip.reason,
        )


def _known(times: Iterable[int | None]) -> Iterable[int]:
    return (time for time in times if time is not None)
