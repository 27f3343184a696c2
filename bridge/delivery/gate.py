"""The gate of a target: shut while its credential does not work. Pure.

While shut, one call in a while is let through to see whether it works again; waiting
at the gate is not failing. (The circuit breaker takes this place.)
"""

from datetime import datetime, timedelta

PROBE_EVERY = timedelta(seconds=15)


class Gate:
    """Open or shut until a probe may pass. Times are the caller's."""

    def __init__(self) -> None:
        self._probe_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls pass freely."""
        return self._probe_at is None

    def shut(self, now: datetime) -> bool:
        """Shut, until a probe passes and works; True if it was open."""
        was_open = self.is_open
        self._probe_at = now + PROBE_EVERY
        return was_open

    def open(self) -> bool:
        """Open again; True if it was shut."""
        was_shut = not self.is_open
        self._probe_at = None
        return was_shut

    def admits(self, now: datetime) -> bool:
        """Tell whether a call may pass now; a probe shuts the gate behind itself."""
        if self._probe_at is None:
            return True
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE_EVERY
        return True

    def wait(self, now: datetime) -> timedelta:
        """Return how long until the next probe may pass; zero when open."""
        return timedelta() if self._probe_at is None else self._probe_at - now
