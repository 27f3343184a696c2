"""The conversations about one subject, as its receipts tell them; pure.

One subject has one conversation at a time at a target. One that began before the last
one ended is an overlap; between two workers it is told only beyond what their clocks
may be apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bridge.streams.receipts import Attempt

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Conversations:
    """Until when the last conversation lasted, and whose it was."""

    busy_until: datetime = _NEVER
    worker: str = ""

    def take(
        self, attempts: Sequence[Attempt], worker: str, skew: timedelta
    ) -> Iterator[str]:
        """Take the attempts of the next receipt; yield each overlap in words."""
        if not attempts:
            return
        began = attempts[0].started_at
        slack = timedelta(0) if worker == self.worker else skew
        if began + slack < self.busy_until:
            yield f"began at {began}, the call before ended at {self.busy_until}"
        for earlier, later in pairwise(attempts):
            if later.started_at < earlier.ended_at:
                yield f"was tried at {later.started_at} during an earlier try"
        self.worker = worker
        self.busy_until = max(self.busy_until, attempts[-1].ended_at)
