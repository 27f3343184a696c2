"""Shops, warehouse and shoppers as one sandbox, with secrets that last one run."""

import asyncio
import base64
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.clock import Clock
from bridge.sandbox.calls import Call
from bridge.sandbox.faults import Level
from bridge.sandbox.journal import Journal
from bridge.sandbox.simulators import Manners, WarehouseOptions, WarehouseSimulator
from bridge.sandbox.storefronts import Platform, ShopWiring, Staging, Storefront
from bridge.sandbox.storefronts_believed import LoopFront, RedoFront
from bridge.sandbox.storefronts_hinted import ReturnGoFront, ReturnLogicFront
from bridge.sandbox.warehouse import Pace
from bridge.sandbox.warehouse_api import Keys
from bridge.sandbox.warehouse_documents import Parcel
from bridge.sandbox.warehouse_reports import ReportTo


@dataclass(frozen=True, slots=True)
class DevOptions:
    """One run: how many returns, on which platforms, over which time, how faulty.

    The returns are shared out evenly over the platforms.
    `settle` is how long the run waits for quiet once the traffic has ended, and
    `quiet` how long all must be still; `hold` the longest a simulator keeps a caller
    whose answer is lost. People and parcels are `hurry` times as fast as usual.
    """

    returns: int = 30
    platforms: tuple[Platform, ...] = ("redo",)
    duration: timedelta = timedelta(seconds=25)
    faults: Level = "some"
    seed: int = 1
    plain: bool = False
    settle: timedelta = timedelta(minutes=3)
    quiet: timedelta = timedelta(seconds=2)
    hold: timedelta = timedelta(seconds=8)
    hurry: float = 1.0


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the bridge has to know to talk to the simulated systems.

    `warehouse_url` is the warehouse's base (event door `/hooks/returns`, resource door
    `/inbound-returns/…`), `warehouse_token` the bearer token of its API.
    `warehouse_secret` signs what goes to the warehouse and `report_secret` what comes
    from it (`whsec_…`).
    """

    shops: Mapping[Platform, ShopWiring]
    warehouse_url: str
    warehouse_token: str = field(repr=False)
    warehouse_secret: str = field(repr=False)
    report_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Doors:
    """The bridge's webhook URLs, one per account."""

    shops: Mapping[Platform, str]
    warehouse: str


@dataclass(frozen=True, slots=True)
class SandboxNumbers:
    """What the simulated systems count. `returns` and `documents` are by state."""

    returns: Mapping[str, int]
    documents: Mapping[str, int]
    webhooks: int
    webhooks_lost: int
    reports: int
    calls: int
    effects: int
    set_aside: int
    faults: Mapping[str, int]


#: What plays each platform.
FRONTS: Mapping[Platform, Callable[[Staging], Storefront]] = {
    "redo": RedoFront,
    "loop": LoopFront,
    "returngo": ReturnGoFront,
    "returnlogic": ReturnLogicFront,
}


class Sandbox:
    """One run's simulated world; make it inside the event loop."""

    def __init__(self, options: DevOptions, *, clock: Clock, journal: Journal) -> None:
        manners = Manners(
            options.faults, options.faults, seed=options.seed, hold=options.hold
        )
        self.journal = journal
        self._options = options
        self._token = secrets.token_urlsafe(24)
        self._secrets = [signing_secret() for _ in range(2)]
        self._done = False
        self.warehouse = WarehouseSimulator(
            WarehouseOptions(
                "demo-east",
                Keys((self._secrets[0],), self._token),
                manners=manners,
                pace=Pace(0.3 / options.hurry, 0.9 / options.hurry, seed=options.seed),
            ),
            clock=clock,
            journal=journal,
        )
        staging = Staging(manners, options.hurry, self._dock, clock, journal)
        self.shops = {name: FRONTS[name](staging) for name in options.platforms}

    async def start(self) -> Wiring:
        """Start every server and return what the bridge has to know."""
        await self.warehouse.start()
        return Wiring(
            shops={name: await shop.start() for name, shop in self.shops.items()},
            warehouse_url=self.warehouse.url,
            warehouse_token=self._token,
            warehouse_secret=self._secrets[0],
            report_secret=self._secrets[1],
        )

    def subscribe(self, doors: Doors) -> None:
        """Tell every system where the bridge's doors are."""
        for name, shop in self.shops.items():
            shop.subscribe(doors.shops[name])
        self.warehouse.reporter.subscribe(ReportTo(doors.warehouse, self._secrets[1]))

    async def traffic(self) -> None:
        """Let the shoppers in, everywhere at once; return when the last is done."""
        options = self._options
        async with asyncio.TaskGroup() as shopping:
            for shop, returns in zip(self.shops.values(), self._shares(), strict=True):
                between = options.duration / max(1, returns)
                shopping.create_task(shop.traffic(returns, between))
        self._done = True

    def _shares(self) -> list[int]:
        """Return how many of the returns are made on each platform."""
        each, more = divmod(self._options.returns, len(self.shops))
        return [each + (number < more) for number in range(len(self.shops))]

    def settled(self) -> bool:
        """Tell whether traffic is over and nothing is on its way or on a bench."""
        shops = all(shop.idle for shop in self.shops.values())
        return self._done and shops and self.warehouse.idle

    async def stop(self) -> None:
        for shop in self.shops.values():
            await shop.stop()
        await self.warehouse.stop()

    def calls(self) -> list[Call]:
        """Return the calls to judge: all but mere reads of what is only hinted at."""
        shops = [call for shop in self.shops.values() for call in shop.judged()]
        return [*shops, *self.warehouse.front.log.calls]

    def stands(self) -> Mapping[Platform, Mapping[str, str]]:
        """Return the state of every return, by platform and id, in its own word."""
        return {name: shop.stands() for name, shop in self.shops.items()}

    def numbers(self) -> SandboxNumbers:
        fronts = [*(shop.front for shop in self.shops.values()), self.warehouse.front]
        calls = [call for front in fronts for call in front.log.calls]
        webhooks = [shop.webhooks() for shop in self.shops.values()]
        warehouse = self.warehouse
        return SandboxNumbers(
            returns=Counter(
                state for shop in self.stands().values() for state in shop.values()
            ),
            documents=Counter(
                document.status for document in warehouse.warehouse.documents.values()
            ),
            webhooks=sum(each.sent for each in webhooks),
            webhooks_lost=sum(each.lost for each in webhooks),
            reports=warehouse.reporter.sent,
            calls=len(calls),
            effects=sum(call.effect is not None for call in calls),
            set_aside=len(warehouse.warehouse.set_aside),
            faults=sum((front.faults.injected for front in fronts), Counter()),
        )

    async def _dock(self, parcel: Parcel) -> None:
        self.warehouse.warehouse.receive(parcel)


def signing_secret() -> str:
    """Return a new secret as Standard Webhooks writes it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
