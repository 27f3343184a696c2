"""The plain view: one line per noteworthy happening, and a summary now and then."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from bridge.clock import Clock
from bridge.sandbox.journal import Happening, Kind
from bridge.sandbox.numbers import BridgeNumbers
from bridge.sandbox.sandbox import SandboxNumbers
from bridge.sandbox.view import DevStatus

_EVERY = timedelta(seconds=5)
_QUIET = frozenset({Kind.SENT, Kind.MOVED})


class PlainView:
    """Writes lines with `write`; give `line` to the journal as a listener."""

    def __init__(
        self, status: DevStatus, *, clock: Clock, write: Callable[[str], None] = print
    ) -> None:
        self._status = status
        self._clock = clock
        self._write = write
        self._started = clock.monotonic()

    async def run(self) -> None:
        """Write a summary every few seconds; ends by cancellation."""
        while True:
            await self._clock.sleep(_EVERY)
            self._write(self.summary())

    def line(self, happening: Happening) -> None:
        """Write a happening if it is worth a line."""
        if happening.kind not in _QUIET:
            self._write(f"{self._elapsed()}  {happening.kind:<18} {happening.text}")

    def summary(self) -> str:
        """Return how things stand, on one line."""
        bridge, sandbox = self._status.bridge(), self._status.sandbox()
        words = (*_flow(bridge, sandbox), *_trouble(bridge, sandbox))
        return f"{self._elapsed()}  == {', '.join(words)}"

    def _elapsed(self) -> str:
        return f"{self._clock.monotonic() - self._started:6.1f} s"


def _flow(bridge: BridgeNumbers, sandbox: SandboxNumbers) -> tuple[str, ...]:
    returns = sum(sandbox.returns.values())
    return (
        f"{returns} returns ({_states(sandbox.returns)})",
        f"{bridge.webhooks} webhooks in",
        f"{bridge.events} events",
        f"{bridge.attempts} calls out",
    )


def _trouble(bridge: BridgeNumbers, sandbox: SandboxNumbers) -> tuple[str, ...]:
    waiting = sum(lane.waiting for lane in bridge.lanes)
    held = sum(lane.held for lane in bridge.lanes)
    return (
        f"retries {bridge.retries}",
        f"dead letters {bridge.dead_letters}",
        f"lanes waiting {waiting}, held {held}",
        f"faults injected {sum(sandbox.faults.values())}",
    )


def _states(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
