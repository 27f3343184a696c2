"""A running Loop, a client of its API, and a receiver of its webhooks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bridge.clock import Clock, SystemClock
from bridge.sandbox.loop_oauth import AUDIENCE, OAuthClient
from bridge.sandbox.loop_returns import LoopExchange, LoopReturn, LoopUnit
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from tests.support import loopback

KEY = "key-of-tests"
SECRET = "secret-of-tests"  # noqa: S105 of the simulator

BACK = "https://app.example/installed"
APP = OAuthClient("app", "hush", redirect_uri=BACK)

Start = Callable[..., Awaitable[LoopSimulator]]


async def authorize(simulator: LoopSimulator, **changes: str) -> httpx.Response:
    """Install the app as a merchant does who agrees to everything."""
    asked = {
        "response_type": "code",
        "client_id": APP.id,
        "redirect_uri": BACK,
        "scope": "returns",
        "state": "s-1",
        "organization": "7070",
        "audience": AUDIENCE,
    }
    async with loopback.client() as client:
        return await client.get(f"{simulator.url}/authorize", params=asked | changes)


def told(answer: httpx.Response) -> dict[str, str]:
    """Return what the app is told where the merchant is sent back to."""
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: text for name, (text,) in query.items()}


async def exchange(simulator: LoopSimulator, **form: str) -> httpx.Response:
    """Ask for a token as the app does."""
    proof = {"client_id": APP.id, "client_secret": APP.secret}
    async with loopback.client() as client:
        return await client.post(f"{simulator.url}/oauth/token", json=proof | form)


async def install(simulator: LoopSimulator, scope: str) -> str:
    """Return an access token for these scopes."""
    code = told(await authorize(simulator, scope=scope))["code"]
    answer = await exchange(simulator, grant_type="authorization_code", code=code)
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a simulator with these options; all are stopped in the end."""
    running: list[LoopSimulator] = []

    async def begin(clock: Clock | None = None, **options: object) -> LoopSimulator:
        given: dict[str, object] = {
            "keys": LoopOptions.full_access(KEY),
            "secret": SECRET,
            **options,
        }
        simulator = LoopSimulator(LoopOptions(**given), clock=clock)  # type: ignore[arg-type]  # by name
        await simulator.start()
        running.append(simulator)
        return simulator

    yield begin
    for simulator in running:
        await simulator.stop()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with loopback.client(headers={"X-Authorization": KEY}) as made:
        yield made


@pytest.fixture
def new_return() -> Callable[..., LoopReturn]:
    """Make a return of two units of one order line, so long ago."""

    def make(id_: int = 900_411, *, ago: timedelta = timedelta(0)) -> LoopReturn:
        at = SystemClock().now() - ago
        units = [
            LoopUnit(6_000_000 + id_ * 10 + n, 15, "KETTLE/1L", "Kettle é", 5_200)
            for n in (1, 2)
        ]
        wish = LoopExchange(41_000_000 + id_, "LAMP", "Lamp", 12_000)
        return_ = LoopReturn(id_, 3_300_000 + id_, f"#L-{id_}", at, units)
        return_.exchanges = [wish]
        return return_

    return make
