"""The platforms that sign nothing, each as a whole process, with shoppers.

The first line that a process prints is the address of its API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bridge.clock import SystemClock
from bridge.sandbox.faults import Level
from bridge.sandbox.messenger import Unreliable
from bridge.sandbox.returngo import (
    EVENTS,
    ReturnGoOptions,
    ReturnGoSimulator,
    Shoppers,
)
from bridge.sandbox.returnlogic import (
    ReturnLogicOptions,
    ReturnLogicSimulator,
    TeamShoppers,
)
from bridge.sandbox.returnlogic_team import COMMANDS, FACTS
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import printing, serve
from bridge.sandbox.unsigned_server import UnsignedServer

DEMO_KEY, DEMO_SHOP = "demo-key", "fernhollow-demo.myshopify.example"

#: How badly webhooks travel.
TRAVEL: dict[Level, Unreliable] = {
    "none": Unreliable(),
    "some": Unreliable(lost=0.05, twice=0.1, delayed=0.3),
    "many": Unreliable(lost=0.3, twice=0.35, delayed=0.6, late=timedelta(seconds=20)),
}


@dataclass(frozen=True, slots=True)
class UnsignedRun:
    """Where it listens and sends to, and how often something is returned.

    `hook_url` ends with the token; None registers nothing. With `every` None nobody
    returns anything. `modes` are switched before it serves.
    """

    place: Place
    hook_url: str | None = None
    every: timedelta | None = None
    faults: Level = "none"
    seed: int = 1
    modes: Mapping[str, str] = field(default_factory=dict)


async def run_returngo(run: UnsignedRun, *, per_day: int = 2_000) -> None:
    """Serve ReturnGO with one shop until SIGINT or SIGTERM."""
    clock = SystemClock()
    options = ReturnGoOptions(
        {DEMO_KEY: frozenset({DEMO_SHOP})},
        per_day=per_day,
        webhooks=TRAVEL[run.faults],
        place=run.place,
        manners=Manners(seed=run.seed),
    )
    simulator = ReturnGoSimulator(options, clock=clock, journal=printing(clock))
    shop = simulator.shops[DEMO_SHOP]
    for event in EVENTS if run.hook_url else ():
        shop.register(run.hook_url or "", event)
    people = Shoppers(shop, clock, seed=run.seed)
    await _serve(simulator, run, people)


async def run_returnlogic(run: UnsignedRun) -> None:
    """Serve ReturnLogic with one team until SIGINT or SIGTERM."""
    clock = SystemClock()
    options = ReturnLogicOptions(
        api_key=DEMO_KEY,
        webhooks=TRAVEL[run.faults],
        place=run.place,
        manners=Manners(seed=run.seed),
    )
    simulator = ReturnLogicSimulator(options, clock=clock, journal=printing(clock))
    for action in (*FACTS, *COMMANDS) if run.hook_url else ():
        simulator.team.register(action, run.hook_url or "")
    people = TeamShoppers(simulator.team, clock, seed=run.seed)
    await _serve(simulator, run, people)


async def _serve(
    simulator: UnsignedServer, run: UnsignedRun, people: Shoppers | TeamShoppers
) -> None:
    simulator.modes.switch(run.modes)
    shopping = partial(people.shop_on, run.every) if run.every else None
    await serve(simulator, shopping, address=lambda: simulator.url)
