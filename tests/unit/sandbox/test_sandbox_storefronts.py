from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import SystemClock
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.sandbox import DevOptions, Doors, Sandbox, Wiring
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.storefronts import PLATFORMS, Platform
from tests.support.waiting import wait_until

WAREHOUSE = "warehouse"
SIGNED_IN = {"redo": "authorization", "loop": "x-loop-signature"}


class Listener:
    """Takes every webhook and notes whose it was and how it proved itself."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.paths: set[str] = set()
        self.headers: dict[str, Mapping[str, str]] = {}
        routes = [Route("/hooks/{rest:path}", self._hear, methods=["POST"])]
        self.server = LoopbackServer(Starlette(routes=routes))

    async def _hear(self, request: Request) -> Response:
        account = request.url.path.split("/")[2]
        self.heard[account] += 1
        self.paths.add(request.url.path)
        self.headers[account] = dict(request.headers)
        return Response(status_code=202)

    def doors(self, platforms: tuple[Platform, ...]) -> Doors:
        url = f"{self.server.url}/hooks"
        shops = {name: f"{url}/{name}" for name in platforms}
        return Doors(shops, f"{url}/{WAREHOUSE}")


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    await made.server.start()
    yield made
    await made.server.stop()


async def played(
    listener: Listener, platforms: tuple[Platform, ...], returns: int
) -> tuple[Wiring, Sandbox]:
    """Play a run to its end; nobody announces anything to the warehouse."""
    options = DevOptions(
        returns=returns,
        platforms=platforms,
        duration=timedelta(seconds=0.2),
        faults="none",
        hurry=50,
    )
    wiring, sandbox = await over(listener, options)

    async def told() -> bool:
        return all(shop.idle for shop in sandbox.shops.values())

    await wait_until(told, what="webhooks to arrive")
    return wiring, sandbox


async def over(listener: Listener, options: DevOptions) -> tuple[Wiring, Sandbox]:
    """Play a run until its traffic is over."""
    clock = SystemClock()
    sandbox = Sandbox(options, clock=clock, journal=Journal(clock))
    wiring = await sandbox.start()
    sandbox.subscribe(listener.doors(options.platforms))
    await sandbox.traffic()
    return wiring, sandbox


@pytest.mark.parametrize("platform", ["returngo", "returnlogic"])
async def test_where_faults_are_wanted_the_network_is_cut_and_webhooks_are_lost(
    listener: Listener, platform: Platform
) -> None:
    options = DevOptions(
        returns=4,
        platforms=(platform,),
        duration=timedelta(seconds=1),
        faults="some",
        hurry=10,
    )

    _, sandbox = await over(listener, options)
    kinds = [happening.kind for happening in sandbox.journal.recent(200)]
    numbers, at_rest = sandbox.numbers(), sandbox.settled()
    await sandbox.stop()

    assert numbers.webhooks_lost > 0
    assert Kind.DISCARDED in kinds
    if platform == "returnlogic":
        assert Kind.SWITCHED in kinds
        assert not at_rest  # nobody has switched it on again


async def test_every_platform_tells_its_own_account_of_its_share_of_the_returns(
    listener: Listener,
) -> None:
    wiring, sandbox = await played(listener, PLATFORMS, 9)
    numbers = sandbox.numbers()
    shares = {name: len(stands) for name, stands in sandbox.stands().items()}
    await sandbox.stop()

    assert shares == {"redo": 3, "loop": 2, "returngo": 2, "returnlogic": 2}
    assert sum(numbers.returns.values()) == 9
    assert set(listener.heard) == set(PLATFORMS)
    assert numbers.webhooks == listener.heard.total()
    assert set(wiring.shops) == set(PLATFORMS)


async def test_webhooks_prove_themselves_as_their_platform_does(
    listener: Listener,
) -> None:
    wiring, sandbox = await played(listener, PLATFORMS, 4)
    await sandbox.stop()

    for name, header in SIGNED_IN.items():
        assert header in listener.headers[name]
    hinted: tuple[Platform, ...] = ("returngo", "returnlogic")
    for name in hinted:
        secret = wiring.shops[name].hook_secret
        assert f"/hooks/{name}/{secret}" in listener.paths


async def test_what_only_reads_is_not_judged_where_returns_are_fetched(
    listener: Listener,
) -> None:
    _, sandbox = await played(listener, ("returngo", "returnlogic"), 2)
    await sandbox.stop()

    assert sandbox.calls() == []


async def test_more_platforms_than_returns_leave_some_without(
    listener: Listener,
) -> None:
    _, sandbox = await played(listener, ("redo", "loop"), 1)
    await sandbox.stop()

    assert not sandbox.stands()["loop"]
