"""What all partitions of one target share in a process: pool, policy, gate, network."""

import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import httpx

from bridge.clock import Clock
from bridge.delivery.calls import Calls
from bridge.delivery.gate import Gate
from bridge.delivery.lanes import Lanes
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.policy import Policy
from bridge.delivery.pool import Pool
from bridge.platforms.contract import Target
from bridge.telemetry import events, logger, metrics

Send = Callable[[httpx.Request, Calls], Awaitable[httpx.Response]]

log = logger(__name__)


@dataclass(slots=True, eq=False)
class Desk:
    """One target in this process. `lanes` are those of the partitions owned here.

    `size` is bytes of their events in memory.
    """

    target: Target
    options: DeliveryOptions
    clock: Clock
    send: Send
    pool: Pool = field(init=False)
    policy: Policy = field(init=False)
    gate: Gate = field(default_factory=Gate)
    lanes: set[Lanes] = field(default_factory=set)
    in_flight: int = 0
    size: int = 0

    def __post_init__(self) -> None:
        self.pool = Pool(self.options.concurrency, self.clock)
        chance = random.Random()  # noqa: S311 - jitter, no secret
        self.policy = Policy(self.options, chance)
        name = self.target.name
        metrics.IN_FLIGHT.labels(name).set_function(lambda: self.in_flight)
        metrics.LANES_WAITING.labels(name).set_function(
            lambda: sum(lanes.waiting for lanes in self.lanes)
        )
        metrics.LANES_HELD.labels(name).set_function(
            lambda: sum(lanes.held for lanes in self.lanes)
        )
        metrics.OLDEST_UNFINISHED.labels(name).set_function(self.oldest_age)

    @property
    def busy(self) -> int:
        """How many subjects have something under way or waiting, but not held."""
        return sum(lanes.busy for lanes in self.lanes)

    def oldest_age(self) -> float:
        """Return the age of the oldest unfinished event in seconds; 0 without any."""
        oldest = min(_known(lanes.oldest() for lanes in self.lanes), default=None)
        now = self.clock.now().timestamp()
        return 0.0 if oldest is None else max(0.0, now - oldest / 1000)

    def shut(self, reason: str) -> None:
        """Stop the target: one alarm, whatever number of events is waiting."""
        if self.gate.shut(self.clock.now()):
            log.error(events.TARGET_STOPPED, target=self.target.name, reason=reason)

    def reopen(self) -> None:
        """A call came through: let all the others pass again."""
        if self.gate.open():
            log.info(events.TARGET_RESUMED, target=self.target.name)


def _known(times: Iterable[int | None]) -> Iterable[int]:
    return (time for time in times if time is not None)
