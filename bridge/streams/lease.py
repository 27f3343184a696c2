"""The lease: until when an owner may still start calls.

An owner may start a call only while

    now < start of its last acknowledged transaction + lease

A successor fences first; the predecessor's last successful transaction came before
that fence, so every call the predecessor could still start had started before
`fence + lease` and has ended before `fence + lease + call deadline`. The successor
waits that long unless the predecessor marked its last commit `released`. Nothing
here depends on session time-outs, heartbeats or clocks that agree: each side measures
its own time from an event that Kafka put in order.
"""

from datetime import timedelta

from bridge.clock import Clock


class Lease:
    """One owner's permission to start calls. Renewed by acknowledged transactions."""

    def __init__(self, clock: Clock, length: timedelta) -> None:
        self._clock = clock
        self._length = length.total_seconds()
        self._until = 0.0
        self._not_before = 0.0

    def wait_for_predecessor(self, fenced_at: float, longest: timedelta) -> None:
        """Forbid calls until whatever a predecessor may have started has ended.

        `fenced_at` is monotonic time after the fence, `longest` lease + deadline.
        """
        self._not_before = fenced_at + longest.total_seconds()

    def renew(self, started: float) -> None:
        """Extend the lease after a transaction begun at `started` was acknowledged."""
        self._until = max(self._until, started + self._length)

    def holds(self) -> bool:
        """Tell whether a call may start now."""
        return self._not_before <= self._clock.monotonic() < self._until

    def handover_left(self) -> timedelta:
        """How long calls of a predecessor may still be on their way; zero if none."""
        left = self._not_before - self._clock.monotonic()
        return timedelta(seconds=max(0.0, left))

    def end(self) -> None:
        """Give the lease up: no call starts any more."""
        self._until = 0.0
        self._length = 0.0
