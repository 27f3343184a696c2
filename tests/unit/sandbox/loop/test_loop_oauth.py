"""The simulated Loop's OAuth: what an app is allowed, by which token, how long."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from bridge.sandbox.loop_keys import Limits
from bridge.sandbox.loop_simulator import LoopSimulator
from tests.support import loopback
from tests.support.leaping import LeapingClock
from tests.unit.sandbox.loop.conftest import APP, authorize, exchange, install, told

Start = Callable[..., Awaitable[LoopSimulator]]

#: A call for each scope, by the scope that it takes.
CALLS = {
    "returns": ("GET", "/warehouse/return/list"),
    "developer_tools": ("GET", "/webhooks"),
    "labels:write": ("PUT", "/labels/1"),
    "label_requests:read": ("GET", "/label-requests"),
    "label_requests:write": ("POST", "/label-requests/1/errors"),
    "happy_returns_shipments:read": ("GET", "/happy-returns/shipments/1"),
}


async def call(simulator: LoopSimulator, token: str, scope: str) -> httpx.Response:
    method, path = CALLS[scope]
    url, bearer = f"{simulator.url}/api/2026-10{path}", f"Bearer {token}"
    async with loopback.client(headers={"Authorization": bearer}) as client:
        return await client.request(method, url)


@pytest.mark.parametrize("scope", CALLS)
async def test_a_token_opens_what_its_scopes_say_and_nothing_else(
    start: Start, scope: str
) -> None:
    simulator = await start(client=APP)
    token = await install(simulator, scope)

    opened = {
        other
        for other in CALLS
        if (await call(simulator, token, other)).status_code != 401
    }

    assert opened == {scope}


async def test_a_missing_scope_looks_like_a_wrong_token(start: Start) -> None:
    simulator = await start(client=APP)
    token = await install(simulator, "returns")

    narrow = await call(simulator, token, "developer_tools")
    wrong = await call(simulator, "nobody", "developer_tools")

    assert narrow.status_code == wrong.status_code == 401
    assert narrow.json() == wrong.json()
    assert narrow.json()["error"]["http_code"] == "GEN-UNAUTHORIZED"


async def test_a_star_stands_for_all_of_its_kind(start: Start) -> None:
    simulator = await start(client=APP)
    token = await install(simulator, "label_requests:* labels:*")

    kinds = ("label_requests:read", "label_requests:write", "labels:write", "returns")
    codes = [(await call(simulator, token, scope)).status_code for scope in kinds]

    assert codes == [200, 404, 404, 401]


async def test_the_app_gets_its_state_back_with_a_code(start: Start) -> None:
    simulator = await start(client=APP)

    answer = await authorize(simulator)

    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{APP.redirect_uri}?")
    assert told(answer)["state"] == "s-1"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"organization": "1"}, "access_denied"),
        ({"audience": "https://other.example"}, "invalid_request"),
        ({"response_type": "token"}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_told_to_the_app(
    start: Start, changes: dict[str, str], error: str
) -> None:
    simulator = await start(client=APP)

    answer = await authorize(simulator, **changes)

    assert told(answer)["error"] == error


@pytest.mark.parametrize(
    "changes", [{"client_id": "x"}, {"redirect_uri": "https://evil.example"}]
)
async def test_nobody_is_sent_to_an_unknown_app(
    start: Start, changes: dict[str, str]
) -> None:
    simulator = await start(client=APP)

    assert (await authorize(simulator, **changes)).status_code == 400


async def test_a_code_is_good_once_and_for_the_app_alone(start: Start) -> None:
    simulator = await start(client=APP)
    code = told(await authorize(simulator))["code"]
    given = {"grant_type": "authorization_code", "code": code}

    stranger = await exchange(simulator, **given, client_secret="x")  # noqa: S106 wrong
    first = await exchange(simulator, **given)
    second = await exchange(simulator, **given)
    odd = await exchange(simulator, grant_type="password")

    codes = [answer.status_code for answer in (stranger, first, second, odd)]
    assert codes == [401, 200, 400, 400]
    assert (first.json()["scope"], first.json()["expires_in"]) == ("returns", 3600)


async def test_a_token_is_asked_for_by_form_or_json(start: Start) -> None:
    simulator = await start(client=APP)
    code = told(await authorize(simulator))["code"]
    form = {"grant_type": "authorization_code", "code": code}
    form |= {"client_id": APP.id, "client_secret": APP.secret}

    async with loopback.client() as client:
        url = f"{simulator.url}/oauth/token"
        odd = await client.post(url, content=b"[]")
        answer = await client.post(url, content=urlencode(form))

    assert (odd.status_code, answer.status_code) == (401, 200)


@pytest.mark.parametrize("rotates", [True, False])
async def test_an_access_token_lives_an_hour_and_is_refreshed(
    start: Start,
    rotates: bool,  # noqa: FBT001 a parameter
) -> None:
    clock = LeapingClock()
    simulator = await start(clock, client=replace(APP, rotates=rotates))
    code = told(await authorize(simulator))["code"]
    pair = await exchange(simulator, grant_type="authorization_code", code=code)
    first, refresh = pair.json()["access_token"], pair.json()["refresh_token"]
    again = {"grant_type": "refresh_token", "refresh_token": refresh}

    clock.leap(timedelta(minutes=59))
    alive = await call(simulator, first, "returns")
    clock.leap(timedelta(minutes=1))
    dead = await call(simulator, first, "returns")
    renewed = await exchange(simulator, **again)
    twice = await exchange(simulator, **again)
    opened = await call(simulator, renewed.json()["access_token"], "returns")

    assert (alive.status_code, dead.status_code) == (200, 401)
    assert (renewed.status_code, opened.status_code) == (200, 200)
    assert twice.status_code == (400 if rotates else 200)


async def test_a_new_token_does_not_make_a_new_budget(start: Start) -> None:
    simulator = await start(client=APP, limits=Limits(2))
    code = told(await authorize(simulator))["code"]
    pair = await exchange(simulator, grant_type="authorization_code", code=code)
    refresh = pair.json()["refresh_token"]

    token = pair.json()["access_token"]
    codes = [(await call(simulator, token, "returns")).status_code for _ in range(2)]
    new = await exchange(simulator, grant_type="refresh_token", refresh_token=refresh)
    token = new.json()["access_token"]
    codes.append((await call(simulator, token, "returns")).status_code)

    assert codes == [200, 200, 429]


async def test_a_shop_without_an_app_installs_none(start: Start) -> None:
    simulator = await start()

    asked = await authorize(simulator)
    token = await exchange(simulator, grant_type="authorization_code", code="x")

    assert (asked.status_code, token.status_code) == (400, 401)


async def test_what_is_revoked_ends_at_once(start: Start) -> None:
    simulator = await start(client=APP)
    token = await install(simulator, "returns")

    simulator.keys.revoke()

    assert (await call(simulator, token, "returns")).status_code == 401
