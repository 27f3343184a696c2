import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from bridge.clock import SystemClock
from bridge.sandbox.journal import Happening, Journal, Kind
from bridge.sandbox.numbers import BridgeNumbers, LaneNumbers, Watcher, bridge_numbers
from bridge.sandbox.plain import PlainView
from bridge.sandbox.sandbox import SandboxNumbers
from bridge.sandbox.view import LiveView, Rates
from bridge.telemetry import metrics

BRIDGE = BridgeNumbers(
    webhooks=120,
    events=210,
    attempts=80,
    retries=12,
    dead_letters=1,
    lanes=(LaneNumbers("warehouse", in_flight=3, waiting=2, held=1),),
)
SANDBOX = SandboxNumbers(
    returns={"open": 3, "delivered": 15},
    documents={"awaiting": 7},
    webhooks=118,
    webhooks_lost=0,
    reports=30,
    calls=95,
    effects=70,
    set_aside=1,
    faults={"throttled": 4, "slow": 5},
)
HAPPENING = Happening(
    datetime(2026, 11, 21, 3, 0, 5, tzinfo=UTC), Kind.COUNTED, "W-9001 2 of 2"
)


class Status:
    def bridge(self) -> BridgeNumbers:
        return BRIDGE

    def sandbox(self) -> SandboxNumbers:
        return SANDBOX

    def recent(self, count: int) -> Sequence[Happening]:
        return [HAPPENING][:count]


class FakeClock(SystemClock):
    """A clock whose sleep moves time, and ends the test's loop in the end."""

    def __init__(self, sleeps: int = 3) -> None:
        self.seconds = 100.0
        self._sleeps = sleeps

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, duration: timedelta) -> None:
        self._sleeps -= 1
        if self._sleeps < 0:
            raise asyncio.CancelledError
        self.seconds += duration.total_seconds()


def drawn(width: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=24, record=True)
    view = LiveView(Status(), clock=FakeClock(), console=console)
    console.print(view.draw())
    return console.export_text()


@pytest.mark.parametrize("width", [80, 160])
def test_the_live_view_shows_returns_lanes_trouble_and_moves(width: int) -> None:
    text = drawn(width)

    for shown in (
        "delivered",
        "15",
        "awaiting",
        "warehouse",
        "busy",
        "waiting",
        "held",
    ):
        assert shown in text
    for shown in ("retries", "dead letters", "throttled", "per s"):
        assert shown in text
    assert "03:00:05 warehouse counted  W-9001 2 of 2" in text
    assert max(len(line) for line in text.splitlines()) <= width
    assert len(text.splitlines()) < 24


async def test_the_live_view_draws_until_it_is_cancelled() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, record=True)
    view = LiveView(Status(), clock=FakeClock(), console=console)

    with pytest.raises(asyncio.CancelledError):
        await view.run()

    assert "returns-bridge dev, 1 s" in console.export_text()


def test_rates_are_per_second_over_the_last_seconds() -> None:
    rates = Rates()
    for second in range(10):
        bridge = BridgeNumbers(events=40 * second)
        rates.read(float(second), bridge, SANDBOX)

    assert rates.per_second() == {"webhooks": 0.0, "events": 40.0, "calls": 0.0}


async def test_the_plain_view_writes_a_summary_every_few_seconds() -> None:
    written: list[str] = []
    view = PlainView(Status(), clock=FakeClock(2), write=written.append)

    with pytest.raises(asyncio.CancelledError):
        await view.run()

    assert len(written) == 2
    assert written[0].startswith("   5.0 s  == 18 returns (15 delivered, 3 open)")
    assert "retries 12, dead letters 1, lanes waiting 2, held 1" in written[0]


def test_the_plain_view_writes_only_what_is_worth_a_line() -> None:
    written: list[str] = []
    view = PlainView(Status(), clock=FakeClock(), write=written.append)

    for kind in Kind:
        view.line(Happening(HAPPENING.at, kind, "text"))

    assert len(written) == len(Kind) - 2
    assert not any("webhook sent" in line for line in written)


def test_the_journal_keeps_the_last_lines_and_counts_all() -> None:
    journal = Journal(SystemClock(), keep=2)
    for number in range(3):
        journal.note(Kind.MOVED, str(number))

    assert [happening.text for happening in journal.recent(5)] == ["1", "2"]
    assert [happening.text for happening in journal.recent(1)] == ["2"]
    assert journal.counts[Kind.MOVED] == 3


def test_the_bridge_is_read_from_its_metrics() -> None:
    before = bridge_numbers()
    metrics.INBOUND_REQUESTS.labels("demo", "accepted", "").inc(2)
    metrics.INBOUND_REQUESTS.labels("demo", "refused", "unauthentic").inc()
    metrics.EVENTS.labels("return.created").inc(3)
    for outcome in (
        "delivered",
        "already_applied",
        "failed",
        "throttled",
        "refused",
        "skipped",
    ):
        metrics.ATTEMPTS.labels("view-test", outcome, "").inc()
    metrics.LANES_HELD.labels("view-test").set(1)

    after = bridge_numbers()

    assert after.webhooks - before.webhooks == 2
    assert after.events - before.events == 3
    assert after.attempts - before.attempts == 5
    assert after.delivered - before.delivered == 2
    assert after.retries - before.retries == 2
    assert LaneNumbers("view-test", 0, 0, 1) in after.lanes


def test_what_rises_in_the_metrics_becomes_a_line() -> None:
    journal = Journal(SystemClock())
    watcher = Watcher(journal)
    watcher.look()
    metrics.EVENTS.labels("return.created").inc(2)
    metrics.DEAD_LETTERS.labels("deliver", "warehouse", "invalid").inc()

    watcher.look()
    watcher.look()

    assert [(line.kind, line.text) for line in journal.recent(9)] == [
        (Kind.NORMALISED, "2 return.created"),
        (Kind.DEAD, "1 invalid; its return waits for an operator"),
    ]
