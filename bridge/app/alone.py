"""What the command line says of a simulated platform that runs by itself."""

from dataclasses import dataclass
from datetime import timedelta

from bridge.sandbox.faults import Level
from bridge.sandbox.simulators import Manners, Place


@dataclass(frozen=True, slots=True)
class Alone:
    """Where it listens and how it behaves; `rate` is new returns a second.

    `hook_url` is where webhooks go, None for nowhere.
    """

    host: str
    port: int
    hook_url: str | None
    faults: Level
    seed: int
    rate: float

    @property
    def place(self) -> Place:
        return Place(self.host, self.port)

    @property
    def manners(self) -> Manners:
        return Manners(self.faults, habits=self.faults, seed=self.seed)

    @property
    def every(self) -> timedelta:
        """The time between two new returns, where there are any."""
        return timedelta(seconds=1 / (self.rate or 1))

    @property
    def returns(self) -> int | None:
        """How many returns are made; None for ever more."""
        return None if self.rate else 0
