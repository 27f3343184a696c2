"""What the client's tests give to the dispatcher: a clock, a handler, a bell."""

from datetime import UTC, datetime, timedelta

from bridge.canonical.event_data import EventData
from bridge.client.received import Gap, Received


class CountingClock:
    """Time stands still; every sleep is noted and over at once."""

    def __init__(self) -> None:
        self.sleeps: list[timedelta] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 12, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, duration: timedelta) -> None:
        self.sleeps.append(duration)


class Desk:
    """Notes what it was given, and refuses as often as it was told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.events: list[Received[EventData]] = []
        self._refusals = refusals

    async def __call__(self, event: Received[EventData]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise RuntimeError("the ledger is closed")
        self.events.append(event)

    @property
    def sequences(self) -> list[int]:
        return [event.sequence for event in self.events]


class Bell:
    """Notes the gaps it was rung for."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []

    def __call__(self, gap: Gap) -> None:
        self.gaps.append(gap)
