"""The two simulated systems as running servers: shop and warehouse, each by itself.

Usable by `dev`, alone in a container, and by tests as recording fake targets.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.clock import Clock, SystemClock
from bridge.sandbox.calls import Call, CallLog
from bridge.sandbox.catalogue import OVERSIZE
from bridge.sandbox.faults import FaultPlan, Level
from bridge.sandbox.front import Front
from bridge.sandbox.habits import RATES, Habits
from bridge.sandbox.journal import Journal
from bridge.sandbox.narrator import narrator
from bridge.sandbox.redo_api import RedoApi
from bridge.sandbox.redo_creation import Creation
from bridge.sandbox.redo_custom import CustomOrders
from bridge.sandbox.redo_desk import Desk
from bridge.sandbox.redo_events import Events
from bridge.sandbox.redo_hooks import HookAdmin
from bridge.sandbox.redo_import import Import
from bridge.sandbox.redo_keys import ALL_SCOPES, Tokens
from bridge.sandbox.redo_list import NO_TRAPS, Traps
from bridge.sandbox.redo_process import Processing
from bridge.sandbox.redo_products import Catalogue
from bridge.sandbox.redo_shop import RedoShop
from bridge.sandbox.redo_tags import Tags
from bridge.sandbox.redo_tracking import Tracking
from bridge.sandbox.redo_ways import AS_REDO, RedoWays
from bridge.sandbox.redo_webhooks import WebhookSender
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.warehouse import Pace, Warehouse, Ways
from bridge.sandbox.warehouse_api import Keys, WarehouseApi
from bridge.sandbox.warehouse_backstage import WarehouseBackstage
from bridge.sandbox.warehouse_reports import Reporter, Reporting


@dataclass(frozen=True, slots=True)
class Manners:
    """How a simulator behaves: its faults and habits, and where it notes its calls.

    `hold` is the longest a lost answer keeps its caller waiting.
    """

    faults: Level = "none"
    habits: Level = "none"
    seed: int = 0
    hold: timedelta = timedelta(seconds=20)
    calls_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True, slots=True)
class ShopOptions:
    """The shop: its store id, its API tokens with their scopes, traps and ways."""

    store: str
    tokens: Mapping[str, Collection[str]] = field(repr=False)
    place: Place = Place()
    manners: Manners = Manners()
    traps: Traps = NO_TRAPS
    ways: RedoWays = AS_REDO

    @staticmethod
    def full_access(token: str) -> Mapping[str, Collection[str]]:
        """Return tokens for one client that may do all."""
        return {token: ALL_SCOPES}


@dataclass(frozen=True, slots=True)
class WarehouseOptions:
    """The warehouse: what callers must prove, its ways, how it reports.

    With `remembers` off, the event door forgets webhook ids (see `WarehouseApi`).
    """

    account: str
    keys: Keys
    place: Place = Place()
    manners: Manners = Manners()
    pace: Pace = field(default_factory=Pace)
    ways: Ways = field(default_factory=lambda: Ways(frozenset({OVERSIZE.sku})))
    reporting: Reporting = field(default_factory=Reporting)
    remembers: bool = True


class ShopSimulator:
    """A running Redo shop. `shop` takes changes, `sender` the subscription.

    `processing` has counted what was paid; `events`, `custom` and `products` keep what
    the API took and does not show.
    """

    def __init__(
        self,
        options: ShopOptions,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        clock = clock or SystemClock()
        journal = journal or Journal(clock)
        manners, ways = options.manners, options.ways
        self.sender = WebhookSender(
            clock=clock,
            journal=journal,
            habits=Habits(ways.rates or RATES[manners.habits], manners.seed),
            posting=ways.posting,
        )
        self.shop = RedoShop(
            options.store, sender=self.sender, clock=clock, journal=journal
        )
        self.shop.scans_stamp, self.shop.burst = ways.scans_stamp, ways.burst
        self.shop.odd = ways.odd
        self.front = _front("shop", manners, clock, narrator(journal))
        self.processing = Processing(self.shop, clock)
        self.events, self.custom = Events(clock), CustomOrders(self.shop)
        self.products = Catalogue(clock)
        self._server = LoopbackServer(
            self._app(options, clock),
            host=options.place.host,
            port=options.place.port,
            clock=clock,
        )

    def _app(self, options: ShopOptions, clock: Clock) -> Starlette:
        shop, ways = self.shop, options.ways
        tokens = {token: frozenset(held) for token, held in options.tokens.items()}
        desk = Desk(
            options.store,
            front=self.front,
            tokens=Tokens(tokens),
            temper=ways.temper,
            clock=clock,
        )
        parts = (
            RedoApi(shop, self.processing, options.traps),
            Creation(shop, clock, ways.rma),
            Import(shop, self.products, clock),
            HookAdmin(shop, self.sender, clock=clock, plain_http=ways.plain_http),
            *(Tags(shop), Tracking(clock), self.custom, self.events, self.products),
        )
        kept = Route("/sandbox/kept", self._kept)
        return Starlette(
            routes=[kept, *(route for part in parts for route in part.routes(desk))]
        )

    async def _kept(self, _: Request) -> Response:
        """Show what the API took and does not show, to whoever tries things out."""
        kept: JsonValue = {
            "events": list[JsonValue](self.events.kept),
            "customRefunds": {
                order: list[JsonValue](refunds)
                for order, refunds in self.custom.refunds.items()
            },
            "paid": dict(self.processing.paid),
        }
        return JSONResponse(kept)

    @property
    def url(self) -> str:
        """The API's base, with the version: `http://127.0.0.1:PORT/v2.2`."""
        return f"{self._server.url}/v2.2"

    @property
    def idle(self) -> bool:
        """Tell whether nothing of it is on its way."""
        return self.sender.pending == 0 and not self.processing.busy

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.front.close()
        await self.processing.close()
        await self.sender.close()
        await self._server.stop()


class WarehouseSimulator:
    """A running warehouse. `warehouse` takes parcels, `reporter` the subscription."""

    def __init__(
        self,
        options: WarehouseOptions,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        clock = clock or SystemClock()
        journal = journal or Journal(clock)
        manners, place = options.manners, options.place
        habits = Habits(RATES[manners.habits], manners.seed)
        self.reporter = Reporter(
            options.account, clock=clock, habits=habits, reporting=options.reporting
        )
        self.warehouse = Warehouse(
            reporter=self.reporter,
            clock=clock,
            journal=journal,
            pace=options.pace,
            ways=options.ways,
        )
        self.front = _front("warehouse", manners, clock, narrator(journal))
        api = WarehouseApi(
            self.warehouse,
            front=self.front,
            keys=options.keys,
            remembers=options.remembers,
        )
        backstage = WarehouseBackstage(self.warehouse, self.reporter)
        api.app.routes.extend(backstage.routes)
        self._server = LoopbackServer(
            api.app, host=place.host, port=place.port, clock=clock
        )

    @property
    def url(self) -> str:
        """The base of its doors; the event door is `/hooks/returns` below it."""
        return self._server.url

    @property
    def idle(self) -> bool:
        """Tell whether no parcel is worked on and every report has arrived."""
        return self.warehouse.working == 0 and self.reporter.pending == 0

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.front.close()
        await self.warehouse.close()
        await self.reporter.close()
        await self._server.stop()


def _front(
    name: str, manners: Manners, clock: Clock, listener: Callable[[Call], None]
) -> Front:
    return Front(
        name,
        clock=clock,
        faults=FaultPlan(manners.faults, manners.seed),
        log=CallLog(manners.calls_file, listener=listener),
        hold=manners.hold,
    )
