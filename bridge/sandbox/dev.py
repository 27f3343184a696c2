"""The demo from first to last: broker, simulated world, bridge, traffic, quiet, proof.

The bridge itself is a port, `World`: this module knows how to play, not what with.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bridge.clock import Clock
from bridge.sandbox.broker import EmbeddedBroker
from bridge.sandbox.checker import CallReport, check_calls
from bridge.sandbox.journal import Happening, Journal
from bridge.sandbox.numbers import BridgeNumbers, Watcher, bridge_numbers
from bridge.sandbox.plain import PlainView
from bridge.sandbox.sandbox import DevOptions, Doors, Sandbox, SandboxNumbers, Wiring
from bridge.sandbox.storefronts import Platform
from bridge.sandbox.view import LiveView

_LOOK = timedelta(milliseconds=250)


Stands = Mapping[Platform, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: whether every promise held, and the lines that say so."""

    ok: bool
    lines: tuple[str, ...]


class World(Protocol):
    """The bridge, as the demo needs it; the composition root implements it."""

    async def start_bridge(self, kafka: str, wiring: Wiring) -> Doors:
        """Start the whole bridge on the Kafka at `HOST:PORT`; return its doors."""
        ...

    async def settled(self) -> bool:
        """Tell whether every event is finished or its lane held.

        Raises if a part of the bridge has failed.
        """
        ...

    async def behind(self, stands: Stands) -> Sequence[str]:
        """Return the subjects whose snapshot does not stand as at their platform.

        `stands` is the state of every return, by platform and id, in its own word.
        """
        ...

    async def verify(self) -> Verdict:
        """Read the topics back and judge them."""
        ...

    async def stop_bridge(self) -> None:
        """Stop every part; safe to call also when the start has failed."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `settled` is False if it did not come to rest in time.

    `behind` are the subjects that the bridge does not know as their platform does.
    """

    settled: bool
    behind: tuple[str, ...]
    verdict: Verdict
    calls: CallReport
    sandbox: SandboxNumbers
    bridge: BridgeNumbers
    took: timedelta

    @property
    def ok(self) -> bool:
        """Tell whether every promise held, by the bridge's own proof and by ours."""
        heard = self.settled and not self.behind
        return heard and self.verdict.ok and self.calls.ok

    @property
    def lines(self) -> tuple[str, ...]:
        """The end of the run in words."""
        rest = "came to rest" if self.settled else "DID NOT come to rest in time"
        return (
            f"The run {rest} after {self.took.total_seconds():.0f} s: {self._did()}.",
            f"{self.sandbox.webhooks_lost} webhooks were lost; {self._heard()}.",
            f"The simulated systems saw {self._saw()}.",
            *self.verdict.lines,
        )

    def _did(self) -> str:
        returns = sum(self.sandbox.returns.values())
        return f"{returns} returns, {self.bridge.events} events"

    def _heard(self) -> str:
        if not self.behind:
            return "every return stands in the bridge as at its platform"
        return f"the bridge is behind with {', '.join(self.behind)}"

    def _saw(self) -> str:
        seen = self.calls
        return (
            f"{seen.calls} calls about {seen.subjects} subjects, {seen.effects} with "
            f"effect: {len(seen.overlaps)} overlaps, {len(seen.inversions)} "
            f"inversions, {len(seen.repeats)} repeated effects, and "
            f"{len(seen.excused)} more after an answer that was lost"
        )


class _Status:
    """The view's window on simulators, metrics and journal."""

    def __init__(self, sandbox: Sandbox, journal: Journal) -> None:
        self._sandbox = sandbox
        self._journal = journal

    def bridge(self) -> BridgeNumbers:
        return bridge_numbers()

    def sandbox(self) -> SandboxNumbers:
        return self._sandbox.numbers()

    def recent(self, count: int) -> Sequence[Happening]:
        return self._journal.recent(count)


async def play(world: World, options: DevOptions, *, clock: Clock) -> Result:
    """Run the demo once; everything it started is stopped when it returns."""
    started = clock.monotonic()
    journal = Journal(clock)
    sandbox = Sandbox(options, clock=clock, journal=journal)
    async with contextlib.AsyncExitStack() as stack:
        broker = EmbeddedBroker()
        stack.callback(broker.stop)
        kafka = await broker.start()
        stack.push_async_callback(sandbox.stop)
        wiring = await sandbox.start()
        stack.push_async_callback(world.stop_bridge)
        sandbox.subscribe(await world.start_bridge(kafka, wiring))
        show = _view(_Status(sandbox, journal), options, clock=clock, journal=journal)
        async with _beside(_watch(journal, clock)), _beside(show):
            await sandbox.traffic()
            settled = await _quiet(world, sandbox, options, clock)
        return Result(
            settled=settled,
            behind=tuple(await world.behind(sandbox.stands())),
            verdict=await world.verify(),
            calls=check_calls(sandbox.calls()),
            sandbox=sandbox.numbers(),
            bridge=bridge_numbers(),
            took=timedelta(seconds=clock.monotonic() - started),
        )


Endless = Callable[[], Coroutine[object, object, None]]


def _view(
    status: _Status, options: DevOptions, *, clock: Clock, journal: Journal
) -> Endless:
    if not options.plain:
        return LiveView(status, clock=clock).run
    plain = PlainView(status, clock=clock)
    journal.listen(plain.line)
    return plain.run


def _watch(journal: Journal, clock: Clock) -> Endless:
    watcher = Watcher(journal)

    async def run() -> None:
        while True:
            watcher.look()
            await clock.sleep(_LOOK)

    return run


@contextlib.asynccontextmanager
async def _beside(endless: Endless) -> AsyncIterator[None]:
    """Run `endless` as long as the block lasts; if it broke, say so at the end."""
    task = asyncio.create_task(endless())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _quiet(
    world: World, sandbox: Sandbox, options: DevOptions, clock: Clock
) -> bool:
    """Wait until nothing moves and nothing is missing; False if that takes too long.

    What polling brings late moves things once more: nothing may be missing at the
    beginning and at the end of a quiet while.
    """
    deadline = clock.monotonic() + options.settle.total_seconds()
    complete = False
    while await _still(world, sandbox, options, clock, deadline):
        was_complete = complete
        complete = not await world.behind(sandbox.stands())
        if was_complete and complete:
            return True
    return False


async def _still(
    world: World,
    sandbox: Sandbox,
    options: DevOptions,
    clock: Clock,
    deadline: float,
) -> bool:
    """Wait until nothing has moved for a while; False at the deadline."""
    still_since = clock.monotonic()
    while clock.monotonic() - still_since < options.quiet.total_seconds():
        if clock.monotonic() > deadline:
            return False
        await clock.sleep(min(_LOOK, options.quiet))
        if not (sandbox.settled() and await world.settled()):
            still_since = clock.monotonic()
    return True
