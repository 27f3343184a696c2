"""The live terminal view: returns, lanes, rates and recent moves on one screen.

It only reads a `DevStatus`; whoever runs the demo fills it.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bridge.clock import Clock
from bridge.sandbox.journal import Happening, Kind
from bridge.sandbox.numbers import BridgeNumbers
from bridge.sandbox.sandbox import SandboxNumbers

_REFRESH = timedelta(milliseconds=250)
_WINDOW = timedelta(seconds=5)
_FEWEST_RECENT = 6
_POOL = 100
_QUIET = frozenset({Kind.SENT, Kind.NORMALISED})
_HEIGHT_ABOVE = 16

#: States in the order of a return's life, the shop's words and the warehouse's.
_ORDER = (
    *("needs_review", "in_review", "open", "awaiting", "in_transit", "delivered"),
    *("arrived", "processing", "completed", "flagged", "complete", "cancelled"),
)

_COLOURS: Mapping[Kind, str] = {
    Kind.CREATED: "cyan",
    Kind.MOVED: "bright_black",
    Kind.SENT: "bright_black",
    Kind.DISCARDED: "red",
    Kind.LOST: "red",
    Kind.SWITCHED: "bold red",
    Kind.NORMALISED: "blue",
    Kind.DELIVERED: "green",
    Kind.RETRIED: "yellow",
    Kind.REFUSED: "red",
    Kind.COUNTED: "magenta",
    Kind.UPDATED: "bright_green",
    Kind.DEAD: "bold red",
}


class DevStatus(Protocol):
    """What the view reads, again and again, while the demo runs."""

    def bridge(self) -> BridgeNumbers:
        """Return what the bridge has counted so far."""
        ...

    def sandbox(self) -> SandboxNumbers:
        """Return what the simulated systems have counted so far."""
        ...

    def recent(self, count: int) -> Sequence[Happening]:
        """Return the last happenings, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    webhooks: int
    events: int
    calls: int


class Rates:
    """Webhooks, events and calls per second over the last few seconds."""

    def __init__(self) -> None:
        self._readings: deque[_Reading] = deque()

    def read(self, at: float, bridge: BridgeNumbers, sandbox: SandboxNumbers) -> None:
        """Take a reading at `at` (monotonic seconds)."""
        webhooks = sandbox.webhooks + sandbox.reports
        self._readings.append(_Reading(at, webhooks, bridge.events, sandbox.calls))
        while at - self._readings[0].at > _WINDOW.total_seconds():
            self._readings.popleft()

    def per_second(self) -> Mapping[str, float]:
        first, last = self._readings[0], self._readings[-1]
        seconds = max(last.at - first.at, 1.0)
        return {
            "webhooks": (last.webhooks - first.webhooks) / seconds,
            "events": (last.events - first.events) / seconds,
            "calls": (last.calls - first.calls) / seconds,
        }


class LiveView:
    """Draws the status until it is stopped; the last picture stays."""

    def __init__(
        self, status: DevStatus, *, clock: Clock, console: Console | None = None
    ) -> None:
        self._status = status
        self._clock = clock
        self._console = console or Console()
        self._rates = Rates()
        self._started = clock.monotonic()

    async def run(self) -> None:
        """Draw again and again; ends by cancellation."""
        with Live(self.draw(), console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    await self._clock.sleep(_REFRESH)
                    live.update(self.draw(), refresh=True)
            finally:
                live.update(self.draw(), refresh=True)

    def draw(self) -> RenderableType:
        """Return the picture of this moment; it fits a terminal of 80 by 24."""
        now = self._clock.monotonic()
        bridge, sandbox = self._status.bridge(), self._status.sandbox()
        self._rates.read(now, bridge, sandbox)
        above = _beside(
            _states(sandbox),
            _stacked(_lanes(bridge), _flow(self._rates.per_second(), bridge)),
            _trouble(bridge, sandbox),
        )
        # One line stays free for what comes after the last picture.
        lines = max(_FEWEST_RECENT, self._console.height - _HEIGHT_ABOVE - 1)
        told = [line for line in self._status.recent(_POOL) if line.kind not in _QUIET]
        recent = Group(*(_line(line) for line in told[-lines:]))
        title = f"returns-bridge dev, {now - self._started:.0f} s"
        return Group(
            Panel(above, title=title, height=_HEIGHT_ABOVE - 2),
            Panel(recent, title="recent moves", height=lines + 2),
        )


def _beside(*parts: RenderableType) -> Table:
    grid = Table.grid(expand=True, padding=(0, 1))
    for _ in parts:
        grid.add_column()
    grid.add_row(*parts)
    return grid


def _stacked(*parts: RenderableType) -> Group:
    spaced = [piece for part in parts for piece in (part, Text())]
    return Group(*spaced[:-1])


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _states(sandbox: SandboxNumbers) -> Table:
    """Where returns stand: as the shop sees them, and as the dock does."""
    table = _table("returns", "shop", "dock")
    for state in dict.fromkeys((*_ORDER, *sandbox.returns, *sandbox.documents)):
        shop, warehouse = sandbox.returns.get(state), sandbox.documents.get(state)
        if shop or warehouse:
            table.add_row(state, str(shop or ""), str(warehouse or ""))
    return table


def _lanes(bridge: BridgeNumbers) -> Table:
    table = _table("lanes", "busy", "waiting", "held")
    for lane in bridge.lanes:
        held = Text(str(lane.held), style="red" if lane.held else "")
        table.add_row(lane.target, str(lane.in_flight), str(lane.waiting), held)
    return table


def _flow(rates: Mapping[str, float], bridge: BridgeNumbers) -> Table:
    table = _table("flow", "per s", "total")
    sums = {
        "webhooks": bridge.webhooks,
        "events": bridge.events,
        "calls": bridge.attempts,
    }
    for name, rate in rates.items():
        table.add_row(name, f"{rate:.1f}", str(sums[name]))
    return table


def _trouble(bridge: BridgeNumbers, sandbox: SandboxNumbers) -> Table:
    table = _table("trouble", "total")
    table.add_row("retries", str(bridge.retries))
    table.add_row("dead letters", str(bridge.dead_letters))
    table.add_row(Text("injected", style="bold"), "")
    for name, count in sorted(sandbox.faults.items()):
        table.add_row(f" {name}", str(count))
    return table


def _line(happening: Happening) -> Text:
    line = Text(f"{happening.at:%H:%M:%S} ", style="bright_black")
    line.append(f"{happening.kind:<18} ", style=_COLOURS[happening.kind])
    line.append(happening.text, style="default")
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
