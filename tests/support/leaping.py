"""The machine's clock, which a test can set ahead; what sleeps goes on sleeping."""

from datetime import datetime, timedelta

from bridge.clock import SystemClock


class LeapingClock(SystemClock):
    """Real time plus what was leapt over; with `hasty` every sleep is a leap."""

    def __init__(self, *, hasty: bool = False) -> None:
        self.slept: list[timedelta] = []
        self._ahead = timedelta()
        self._hasty = hasty

    def now(self) -> datetime:
        return super().now() + self._ahead

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead.total_seconds()

    def leap(self, duration: timedelta) -> None:
        """Let `duration` pass at once."""
        self._ahead += duration

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        if self._hasty and duration > timedelta(milliseconds=50):
            self.leap(duration)
            duration = timedelta(0)
        await super().sleep(duration)
