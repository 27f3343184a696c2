"""Shop, warehouse and shoppers as one sandbox, with secrets that last one run."""

import base64
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.clock import Clock
from bridge.sandbox.calls import Call
from bridge.sandbox.faults import Level
from bridge.sandbox.journal import Journal
from bridge.sandbox.plans import draw_up
from bridge.sandbox.redo_webhooks import Subscription
from bridge.sandbox.shoppers import Traffic, Waits
from bridge.sandbox.simulators import (
    Manners,
    ShopOptions,
    ShopSimulator,
    WarehouseOptions,
    WarehouseSimulator,
)
from bridge.sandbox.warehouse import Pace
from bridge.sandbox.warehouse_api import Keys
from bridge.sandbox.warehouse_documents import Parcel
from bridge.sandbox.warehouse_reports import ReportTo


@dataclass(frozen=True, slots=True)
class DevOptions:
    """One run: how many returns, spread over which time, with which faults.

    `settle` is how long the run waits for quiet once the traffic has ended, and
    `quiet` how long all must be still; `hold` the longest a simulator keeps a caller
    whose answer is lost. People and parcels are `hurry` times as fast as usual.
    """

    returns: int = 30
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

    `shop_url` is Redo's base with the version; `warehouse_url` the warehouse's base
    (event door `/hooks/returns`, resource door `/inbound-returns/…`). Of the secrets,
    `shop_token` and `warehouse_token` are bearer tokens for their APIs,
    `webhook_token` is the one the shop sends, `warehouse_secret` signs what goes to
    the warehouse and `report_secret` what comes from it (`whsec_…`).
    """

    shop_url: str
    shop_store: str
    warehouse_url: str
    shop_token: str = field(repr=False)
    webhook_token: str = field(repr=False)
    warehouse_token: str = field(repr=False)
    warehouse_secret: str = field(repr=False)
    report_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Doors:
    """The bridge's webhook URLs, one per account."""

    shop_hook: str
    warehouse_hook: str


@dataclass(frozen=True, slots=True)
class SandboxNumbers:
    """What the simulated systems count. `returns` and `documents` are by state."""

    returns: Mapping[str, int]
    documents: Mapping[str, int]
    webhooks: int
    webhooks_discarded: int
    reports: int
    calls: int
    effects: int
    set_aside: int
    faults: Mapping[str, int]


class Sandbox:
    """One run's simulated world; make it inside the event loop."""

    def __init__(self, options: DevOptions, *, clock: Clock, journal: Journal) -> None:
        manners = Manners(
            options.faults, options.faults, seed=options.seed, hold=options.hold
        )
        self._options = options
        self._tokens = [secrets.token_urlsafe(24) for _ in range(3)]
        self._secrets = [signing_secret() for _ in range(2)]
        self._done = False
        self.shop = ShopSimulator(
            ShopOptions(
                "demo-store",
                ShopOptions.full_access(self._tokens[0]),
                manners=manners,
            ),
            clock=clock,
            journal=journal,
        )
        self.warehouse = WarehouseSimulator(
            WarehouseOptions(
                "demo-east",
                Keys((self._secrets[0],), self._tokens[2]),
                manners=manners,
                pace=Pace(0.3 / options.hurry, 0.9 / options.hurry, seed=options.seed),
            ),
            clock=clock,
            journal=journal,
        )
        self.shoppers = Traffic(
            self.shop.shop,
            dock=self._dock,
            clock=clock,
            waits=Waits(hurry=options.hurry),
        )

    async def start(self) -> Wiring:
        """Start both servers and return what the bridge has to know."""
        await self.shop.start()
        await self.warehouse.start()
        return Wiring(
            shop_url=self.shop.url,
            shop_store="demo-store",
            warehouse_url=self.warehouse.url,
            shop_token=self._tokens[0],
            webhook_token=self._tokens[1],
            warehouse_token=self._tokens[2],
            warehouse_secret=self._secrets[0],
            report_secret=self._secrets[1],
        )

    def subscribe(self, doors: Doors) -> None:
        """Tell both systems where the bridge's doors are."""
        self.shop.sender.subscribe(Subscription(doors.shop_hook, self._tokens[1]))
        self.warehouse.reporter.subscribe(
            ReportTo(doors.warehouse_hook, self._secrets[1])
        )

    async def traffic(self) -> None:
        """Let the shoppers in; return when the last of them is done."""
        options = self._options
        refused = options.faults != "none"
        plans = draw_up(options.seed, refused=refused, returns=options.returns)
        await self.shoppers.run(plans, options.duration / max(1, options.returns))
        self._done = True

    def settled(self) -> bool:
        """Tell whether traffic is over and nothing is on its way or on a bench."""
        return self._done and self.shop.idle and self.warehouse.idle

    async def stop(self) -> None:
        await self.shop.stop()
        await self.warehouse.stop()

    def calls(self) -> list[Call]:
        """Return every call that shop and warehouse got."""
        return [*self.shop.front.log.calls, *self.warehouse.front.log.calls]

    def numbers(self) -> SandboxNumbers:
        calls = self.calls()
        shop, warehouse = self.shop, self.warehouse
        return SandboxNumbers(
            returns=Counter(return_.status for return_ in shop.shop.all()),
            documents=Counter(
                document.status for document in warehouse.warehouse.documents.values()
            ),
            webhooks=shop.sender.sent.total(),
            webhooks_discarded=shop.sender.discarded,
            reports=warehouse.reporter.sent,
            calls=len(calls),
            effects=sum(call.effect is not None for call in calls),
            set_aside=len(warehouse.warehouse.set_aside),
            faults=shop.front.faults.injected + warehouse.front.faults.injected,
        )

    async def _dock(self, parcel: Parcel) -> None:
        self.warehouse.warehouse.receive(parcel)


def signing_secret() -> str:
    """Return a new secret as Standard Webhooks writes it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
