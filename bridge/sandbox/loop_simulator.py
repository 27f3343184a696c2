"""The simulated Loop as a running server, for `dev`, alone, and for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette

from bridge.clock import Clock, SystemClock
from bridge.sandbox.calls import CallLog
from bridge.sandbox.faults import FaultPlan
from bridge.sandbox.front import Front
from bridge.sandbox.journal import Journal
from bridge.sandbox.loop_admin import LoopAdmin
from bridge.sandbox.loop_api import LoopApi
from bridge.sandbox.loop_backstage import LoopBackstage
from bridge.sandbox.loop_desk import VERSIONS, Desk, LoopTemper, dress
from bridge.sandbox.loop_floor import LoopFloor
from bridge.sandbox.loop_keys import Limits, LoopKeys
from bridge.sandbox.loop_labels import LoopLabels
from bridge.sandbox.loop_oauth import LoopOAuth, OAuthClient
from bridge.sandbox.loop_reports import LoopReports
from bridge.sandbox.loop_scopes import ALL_SCOPES
from bridge.sandbox.loop_shop import LoopShop
from bridge.sandbox.loop_switches import LoopSwitches
from bridge.sandbox.loop_topics import PAIRS
from bridge.sandbox.loop_webhooks import INACTIVE, LoopHabits, LoopSender
from bridge.sandbox.narrator import narrator
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.simulators import Manners, Place


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """The shop: its API keys with their scopes, its webhook secret, its ways.

    `header` and `default_status` and `skips_edges` are what Loop leaves unknown.
    `number` is also its organization's, `client` the one app that may be installed,
    `versions` those that are served, the oldest first.
    """

    keys: Mapping[str, frozenset[str]] = field(repr=False)
    secret: str = field(repr=False)
    number: int = 7070
    header: str = "x-authorization"
    client: OAuthClient | None = None
    limits: Limits = field(default_factory=Limits)
    switches: LoopSwitches = field(default_factory=LoopSwitches)
    habits: LoopHabits = field(default_factory=LoopHabits)
    default_status: str = INACTIVE
    skips_edges: bool = False
    versions: tuple[str, ...] = VERSIONS
    temper: LoopTemper = field(default_factory=LoopTemper)
    place: Place = field(default_factory=Place)
    manners: Manners = field(default_factory=Manners)

    @staticmethod
    def full_access(key: str) -> Mapping[str, frozenset[str]]:
        """Return keys for one client that may do all."""
        return {key: ALL_SCOPES}


class LoopSimulator:
    """A running Loop.

    `shop` takes changes, `sender` registrations and habits, `desk` bad days.
    """

    def __init__(
        self,
        options: LoopOptions,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        clock = clock or SystemClock()
        journal = journal or Journal(clock)
        self.sender = LoopSender(
            options.secret, clock=clock, journal=journal, habits=options.habits
        )
        self.shop = LoopShop(
            options.number,
            self.sender.send,
            clock=clock,
            journal=journal,
            switches=options.switches,
        )
        oauth = LoopOAuth(options.client, organization=str(options.number), clock=clock)
        self.keys = LoopKeys(
            options.keys,
            clock=clock,
            oauth=oauth,
            limits=options.limits,
            header=options.header,
        )
        self.front = _front(options.manners, clock, journal)
        self.desk = Desk(
            self.shop, self.keys, self.front, clock, options.versions, options.temper
        )
        self._server = LoopbackServer(
            self._app(oauth, options),
            host=options.place.host,
            port=options.place.port,
            clock=clock,
        )

    def _app(self, oauth: LoopOAuth, options: LoopOptions) -> Starlette:
        desk = self.desk
        api = LoopApi(desk, skips_edges=options.skips_edges)
        admin = LoopAdmin(desk, self.sender, default_status=options.default_status)
        parts = (api, admin, LoopFloor(desk), LoopLabels(desk), LoopReports(desk))
        routes = desk.versioned([route for part in parts for route in part.routes])
        backstage = LoopBackstage(desk, self.sender, seed=options.manners.seed)
        return Starlette(routes=[*oauth.routes, *backstage.routes, *routes])

    @property
    def url(self) -> str:
        """The host; the API is at `/api/2026-10` below it."""
        return self._server.url

    @property
    def idle(self) -> bool:
        """Tell whether nothing of it is on its way."""
        return self.sender.pending == 0 and not self.shop.busy

    def subscribe(self, url: str) -> None:
        """Register `url` for every pair that makes sense, as a merchant would."""
        for topic, trigger in PAIRS:
            self.sender.register(topic, trigger, url)

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.front.close()
        await self.shop.close()
        await self.sender.close()
        await self._server.stop()


def _front(manners: Manners, clock: Clock, journal: Journal) -> Front:
    front = Front(
        "loop",
        clock=clock,
        faults=FaultPlan(manners.faults, manners.seed),
        log=CallLog(manners.calls_file, listener=narrator(journal)),
        hold=manners.hold,
    )
    front.dress = dress
    return front
