"""The simulated Loop as a whole process: `returns-bridge sandbox loop`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial, reduce

from bridge.clock import SystemClock
from bridge.sandbox.loop_desk import LoopTemper
from bridge.sandbox.loop_keys import Limits
from bridge.sandbox.loop_oauth import OAuthClient
from bridge.sandbox.loop_shoppers import LoopTraffic
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.loop_webhooks import ACTIVE, LoopHabits
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import printing, serve

#: How oddly webhooks travel, by the level of faults.
HABITS = {
    "none": LoopHabits(),
    "some": LoopHabits(twice=0.12, late=timedelta(seconds=1)),
    "many": LoopHabits(twice=0.3, lost=0.1, late=timedelta(seconds=3)),
}


#: The app that may be installed where nothing else is set up: nobody's.
DEMO_APP = OAuthClient("demo-loop-app", "demo-loop-app-secret")

_FORGED = 0.2
_FAILURES = 3


class LoopMode(StrEnum):
    """A way of Loop that is off at first; any number of them go together."""

    PAYS_AT_FIRST_SCAN = "pays-at-first-scan"
    PROCESSES_FLAGGED = "processes-flagged"
    LABELS_MOVE_UPDATED_AT = "labels-move-updated-at"
    RESTOCKS_BY_WEBHOOK = "restocks-by-webhook"
    CREDIT_BY_WEBHOOK = "credit-by-webhook"
    LABEL_REQUESTS = "label-requests"
    LABEL_REQUEST_UUIDS = "label-request-uuids"
    FORGES = "forges"
    SWITCHES_OFF = "switches-off"
    RETRIES_ONLY_5XX = "retries-only-5xx"
    ACTIVE_BY_DEFAULT = "active-by-default"
    SKIPS_EDGES = "skips-edges"
    TELLS_RETRY_AFTER = "tells-retry-after"
    PLAIN_ERRORS = "plain-errors"
    WITHOUT_2026_07 = "without-2026-07"


def _switched(**on: bool) -> Callable[[LoopOptions], LoopOptions]:
    def switched(given: LoopOptions) -> LoopOptions:
        switches = replace(given.switches, **on)  # type: ignore[arg-type]  # by name
        return replace(given, switches=switches)

    return switched


#: What each mode changes.
MODES: Mapping[LoopMode, Callable[[LoopOptions], LoopOptions]] = {
    LoopMode.PAYS_AT_FIRST_SCAN: _switched(pays_at_first_scan=True),
    LoopMode.PROCESSES_FLAGGED: _switched(processes_flagged=True),
    LoopMode.LABELS_MOVE_UPDATED_AT: _switched(labels_move_updated_at=True),
    LoopMode.RESTOCKS_BY_WEBHOOK: _switched(restocks_by_webhook=True),
    LoopMode.CREDIT_BY_WEBHOOK: _switched(credit_by_webhook=True),
    LoopMode.LABEL_REQUESTS: _switched(label_requests=True),
    LoopMode.LABEL_REQUEST_UUIDS: _switched(
        label_requests=True, label_request_uuids=True
    ),
    LoopMode.FORGES: lambda given: replace(
        given, habits=replace(given.habits, forged=_FORGED)
    ),
    LoopMode.SWITCHES_OFF: lambda given: replace(
        given, habits=replace(given.habits, off_after=_FAILURES)
    ),
    LoopMode.RETRIES_ONLY_5XX: lambda given: replace(
        given, habits=replace(given.habits, only_5xx=True)
    ),
    LoopMode.ACTIVE_BY_DEFAULT: lambda given: replace(given, default_status=ACTIVE),
    LoopMode.SKIPS_EDGES: lambda given: replace(given, skips_edges=True),
    LoopMode.TELLS_RETRY_AFTER: lambda given: replace(
        given, limits=Limits(tells_retry_after=True)
    ),
    LoopMode.PLAIN_ERRORS: lambda given: replace(
        given, temper=LoopTemper(plain_errors=True)
    ),
    LoopMode.WITHOUT_2026_07: lambda given: replace(given, versions=given.versions[1:]),
}


def in_modes(options: LoopOptions, modes: Iterable[LoopMode]) -> LoopOptions:
    """Return the options with these modes on."""
    return reduce(lambda given, mode: MODES[mode](given), modes, options)


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
    modes: tuple[LoopMode, ...] = ()
    api_key: str = field(repr=False, kw_only=True)
    secret: str = field(repr=False, kw_only=True)


async def run_loop(run: LoopRun, place: Place, manners: Manners) -> None:
    """Serve, let the shoppers in, and stay until SIGINT or SIGTERM."""
    clock = SystemClock()
    options = LoopOptions(
        keys=LoopOptions.full_access(run.api_key),
        secret=run.secret,
        header=run.header,
        client=DEMO_APP,
        habits=HABITS[manners.habits],
        place=place,
        manners=manners,
    )
    simulator = LoopSimulator(
        in_modes(options, run.modes), clock=clock, journal=printing(clock)
    )
    if run.hook_url is not None:
        simulator.subscribe(run.hook_url)
    traffic = LoopTraffic(simulator.shop, clock=clock, seed=manners.seed)
    await serve(
        simulator,
        partial(traffic.run, run.every, run.returns),
        address=lambda: f"{simulator.url}/api/2026-10",
    )
