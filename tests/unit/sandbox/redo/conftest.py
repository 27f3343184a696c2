"""Running Redo shops, and clients of their API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

import httpx
import pytest

from bridge.clock import Clock, SystemClock
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_list import NO_TRAPS, Traps
from bridge.sandbox.redo_modes import NOTHING, Chosen
from bridge.sandbox.redo_ways import AS_REDO, RedoWays
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.simulators import Manners, ShopOptions, ShopSimulator
from tests.support import loopback

TOKEN = "token-of-tests"  # noqa: S105 of the simulator
ADDRESS = {
    "line1": "7 Fixture Lane",
    "city": "Testville",
    "state": "OH",
    "postalCode": "43004",
    "country": "US",
}


class Given(TypedDict, total=False):
    """What a test may say of a shop."""

    clock: Clock
    manners: Manners
    traps: Traps
    ways: RedoWays
    chosen: Chosen
    tokens: Mapping[str, tuple[str, ...]]


class StillClock(SystemClock):
    """A clock that shows one time until it is set on."""

    def __init__(self) -> None:
        self.at = super().now()

    def now(self) -> datetime:
        return self.at


Start = Callable[..., Awaitable[ShopSimulator]]
Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a shop with these options; all are stopped in the end."""
    running: list[ShopSimulator] = []

    async def begin(**given: Unpack[Given]) -> ShopSimulator:
        chosen = given.get("chosen", NOTHING)
        options = ShopOptions(
            "s1",
            given.get("tokens", ShopOptions.full_access(TOKEN)),
            manners=given.get("manners", Manners()),
            traps=given.get("traps", NO_TRAPS) if chosen == NOTHING else chosen.traps(),
            ways=given.get("ways", AS_REDO) if chosen == NOTHING else chosen.ways(),
        )
        simulator = ShopSimulator(options, clock=given.get("clock"))
        await simulator.start()
        running.append(simulator)
        return simulator

    yield begin
    for simulator in running:
        await simulator.stop()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make a client of a shop's API; all are closed in the end."""
    made: list[httpx.AsyncClient] = []

    def client(
        simulator: ShopSimulator, token: str | None = TOKEN
    ) -> httpx.AsyncClient:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        made.append(loopback.client(base_url=simulator.url, headers=headers))
        return made[-1]

    yield client
    for each in made:
        await each.aclose()


def add(
    simulator: ShopSimulator,
    number: int = 0,
    story: Story = Story.REFUND,
    *,
    ago: timedelta = timedelta(),
) -> ShopReturn:
    """Let a shopper file a return of two lines; their order has three more."""
    plan = Plan(number, 1, story, Packing.FULL, reviewed=False)
    now = SystemClock().now() - ago + timedelta(milliseconds=number)
    return_ = invent_return(plan, now)
    simulator.shop.add(return_)
    return return_
