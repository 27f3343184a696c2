"""The simulated Loop as a whole process: `returns-bridge sandbox loop`."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bridge.clock import SystemClock
from bridge.sandbox.loop_shoppers import LoopTraffic
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.loop_webhooks import LoopHabits
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import printing, serve

#: How oddly webhooks travel, by the level of faults.
HABITS = {
    "none": LoopHabits(),
    "some": LoopHabits(twice=0.12, late=timedelta(seconds=1)),
    "many": LoopHabits(twice=0.3, lost=0.1, late=timedelta(seconds=3)),
}


@dataclass(frozen=True, slots=True)
class LoopRun:
    """A Loop shop with shoppers. Without `hook_url` nobody is registered at first.

    A return comes `every` so often, without end unless `returns` says how many; with
    `returns` 0 nobody shops, and the shop only answers. All is kept in memory.
    """

    hook_url: str | None
    every: timedelta = timedelta(seconds=2)
    returns: int | None = None
    header: str = "x-authorization"
    api_key: str = field(repr=False, kw_only=True)
    secret: str = field(repr=False, kw_only=True)


async def run_loop(run: LoopRun, place: Place, manners: Manners) -> None:
    """Serve, let the shoppers in, and stay until SIGINT or SIGTERM."""
    clock = SystemClock()
    options = LoopOptions(
        keys=LoopOptions.full_access(run.api_key),
        secret=run.secret,
        header=run.header,
        habits=HABITS[manners.habits],
        place=place,
        manners=manners,
    )
    simulator = LoopSimulator(options, clock=clock, journal=printing(clock))
    if run.hook_url is not None:
        simulator.subscribe(run.hook_url)
    traffic = LoopTraffic(simulator.shop, clock=clock, seed=manners.seed)
    await serve(
        simulator,
        partial(traffic.run, run.every, run.returns),
        address=lambda: f"{simulator.url}/api/2026-10",
    )
