"""The odd habits of senders: which message goes twice, late, or out of order.

Decided by the seed, the subject and the number of the message, so that two runs with
one seed misbehave alike.
"""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from bridge.sandbox.faults import Level


@dataclass(frozen=True, slots=True)
class Rates:
    """How likely a subject (`created_late`) or a message shows a habit; 0 to 1."""

    created_late: float = 0.0
    twice: float = 0.0
    old_again: float = 0.0


RATES: dict[Level, Rates] = {
    "none": Rates(),
    "some": Rates(created_late=0.3, twice=0.12, old_again=0.12),
    "many": Rates(created_late=0.5, twice=0.35, old_again=0.35),
}


@dataclass(frozen=True, slots=True)
class Habits:
    """One sender's habits."""

    rates: Rates = Rates()
    seed: int = 0

    def created_late(self, subject: str) -> bool:
        """Tell whether the first update overtakes the news of the creation."""
        return self._dice(subject, "created").random() < self.rates.created_late

    def twice(self, subject: str, number: int) -> bool:
        """Tell whether the subject's message `number` is sent again at once."""
        return self._dice(subject, f"twice {number}").random() < self.rates.twice

    def again_after(self, subject: str, number: int) -> timedelta | None:
        """Return after which time the message comes once more, if it does."""
        dice = self._dice(subject, f"again {number}")
        if dice.random() >= self.rates.old_again:
            return None
        return timedelta(seconds=dice.uniform(1.0, 3.0))

    def _dice(self, subject: str, what: str) -> Random:
        # Not security: the run has to be the same for the same seed.
        return Random(f"{self.seed}/{subject}/{what}")  # noqa: S311
