"""One simulator as a whole process: `returns-bridge sandbox shop|redo|warehouse`.

Both need nothing of each other but the dock: the shop's shoppers send their parcels
to the warehouse's `/dock/parcels`.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

import httpx
from pydantic import TypeAdapter

from bridge.clock import Clock, SystemClock
from bridge.sandbox import outgoing
from bridge.sandbox.journal import Happening, Journal
from bridge.sandbox.plans import draw_up
from bridge.sandbox.redo_keys import ALL_SCOPES
from bridge.sandbox.redo_modes import NOTHING, Chosen, Mode
from bridge.sandbox.redo_webhooks import Subscription
from bridge.sandbox.shoppers import Traffic
from bridge.sandbox.simulators import (
    Manners,
    Place,
    ShopOptions,
    ShopSimulator,
    WarehouseOptions,
    WarehouseSimulator,
)
from bridge.sandbox.warehouse import Pace
from bridge.sandbox.warehouse_api import Keys
from bridge.sandbox.warehouse_documents import Handling, Parcel
from bridge.sandbox.warehouse_modes import WarehouseMode, in_modes
from bridge.sandbox.warehouse_reports import Reporting, ReportTo

_PARCEL = TypeAdapter(Parcel)
_WAIT = timedelta(seconds=1)
#: How long a parcel waits for its announcement.
_PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ShopRun:
    """A shop with shoppers. `dock_url` is the warehouse's base; None for no parcels.

    Without `hook_url` nobody is subscribed at first. The token has `scopes`; what is
    `chosen` is switched on. A return comes `every` so often, without end unless
    `returns` says how many; with `returns` 0 nobody shops, and the shop only answers.
    All is kept in memory.
    """

    hook_url: str | None
    store: str = "demo-store"
    dock_url: str | None = None
    returns: int | None = None
    every: timedelta = timedelta(seconds=2)
    chosen: Chosen = NOTHING
    scopes: Collection[str] = ALL_SCOPES
    api_token: str = field(repr=False, kw_only=True)
    webhook_token: str = field(repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class WarehouseRun:
    """A warehouse: `secret` signs what it gets, `report_secret` what it sends.

    `more_secrets` sign what it sends besides, as during a rotation. Parcels are treated
    in `handlings`, in turn; people and senders are `hurry` times as fast as usual.
    Nobody is told anything without `hook_url`, until somebody subscribes.
    """

    hook_url: str | None
    account: str = "demo-east"
    modes: tuple[WarehouseMode, ...] = ()
    handlings: tuple[Handling, ...] = (Handling.FULL,)
    hurry: float = 1.0
    token: str = field(repr=False, kw_only=True)
    secret: str = field(repr=False, kw_only=True)
    report_secret: str = field(repr=False, kw_only=True)
    more_secrets: tuple[str, ...] = field(default=(), repr=False, kw_only=True)


async def run_shop(run: ShopRun, place: Place, manners: Manners) -> None:
    """Serve, let the shoppers in, and stay until SIGINT or SIGTERM."""
    clock = SystemClock()
    options = ShopOptions(
        run.store,
        {run.api_token: run.scopes},
        place,
        manners,
        run.chosen.traps(),
        run.chosen.ways(),
    )
    simulator = ShopSimulator(options, clock=clock, journal=printing(clock))
    if run.hook_url is not None:
        simulator.sender.subscribe(Subscription(run.hook_url, run.webhook_token))
    async with outgoing.client() as client:
        traffic = Traffic(
            simulator.shop,
            dock=_Carrier(run.dock_url, client, clock),
            clock=clock,
            pays_early=Mode.EARLY_PAYMENT in run.chosen.modes,
        )
        refused = manners.faults != "none"
        plans = draw_up(manners.seed, refused=refused, returns=run.returns)
        await serve(
            simulator,
            partial(traffic.run, plans, run.every),
            address=lambda: simulator.url,
        )


async def run_warehouse(run: WarehouseRun, place: Place, manners: Manners) -> None:
    """Serve and work until SIGINT or SIGTERM."""
    clock = SystemClock()
    simulator = WarehouseSimulator(
        in_modes(_warehouse(run, place, manners), run.modes),
        clock=clock,
        journal=printing(clock),
    )
    if run.hook_url is not None:
        to = ReportTo(run.hook_url, run.report_secret, run.more_secrets)
        simulator.reporter.subscribe(to)
    await serve(simulator, address=lambda: simulator.url)


def _warehouse(run: WarehouseRun, place: Place, manners: Manners) -> WarehouseOptions:
    usual, hurry = Pace(), run.hurry
    pace = Pace(
        usual.least / hurry, usual.most / hurry, _PATIENCE / hurry, manners.seed
    )
    options = WarehouseOptions(
        run.account, Keys((run.secret,), run.token), place, manners, pace
    )
    ways = replace(options.ways, handlings=run.handlings)
    return replace(options, ways=ways, reporting=Reporting(hurry=hurry))


class _Carrier:
    """Brings a parcel to the dock, however long the warehouse does not open."""

    def __init__(
        self, dock_url: str | None, client: httpx.AsyncClient, clock: Clock
    ) -> None:
        self._dock_url = dock_url
        self._client = client
        self._clock = clock

    async def __call__(self, parcel: Parcel) -> None:
        if self._dock_url is None:
            return
        while not await self._hand_over(f"{self._dock_url}/dock/parcels", parcel):
            await self._clock.sleep(_WAIT)

    async def _hand_over(self, url: str, parcel: Parcel) -> bool:
        try:
            answer = await self._client.post(url, content=_PARCEL.dump_json(parcel))
        except httpx.HTTPError:
            return False
        return answer.is_success


class _Simulator(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def serve(
    simulator: _Simulator,
    shopping: Callable[[], Coroutine[None, None, None]] | None = None,
    *,
    address: Callable[[], str] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, and let shoppers in meanwhile.

    The first line that is printed is the `address`, if one is wanted.
    """
    await simulator.start()
    if address is not None:
        print(address(), flush=True)  # noqa: T201 the program's output
    people = asyncio.create_task(shopping()) if shopping else None
    try:
        await _told_to_stop()
    finally:
        if people is not None:
            people.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await people
        await simulator.stop()


async def _told_to_stop() -> None:
    """Return at SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()


def printing(clock: Clock) -> Journal:
    """Return a journal that prints what happens, a line each."""
    journal = Journal(clock)
    journal.listen(_print)
    return journal


def _print(happening: Happening) -> None:
    line = f"{happening.at:%H:%M:%S} {happening.kind:<18} {happening.text}"
    print(line, flush=True)  # noqa: T201 the program's output
