"""Who may call Redo, and every form in which it refuses."""

from datetime import timedelta

import httpx
import pytest

from bridge.sandbox.redo_desk import OTHERS_STORE, Temper
from bridge.sandbox.redo_keys import ALL_SCOPES
from bridge.sandbox.redo_ways import RedoWays
from bridge.sandbox.simulators import Manners, ShopSimulator
from tests.support import loopback
from tests.support.leaping import LeapingClock
from tests.unit.sandbox.redo.conftest import Connect, Start, StillClock

STORE = "/stores/s1"
OPERATIONS = {
    "returns_read": ("GET", f"{STORE}/returns"),
    "returns_write": ("POST", f"{STORE}/returns"),
    "webhooks_read": ("GET", f"{STORE}/webhooks"),
    "webhooks_write": ("POST", f"{STORE}/webhooks"),
    "orders_read": ("GET", f"{STORE}/orders/1"),
    "orders_write": ("POST", f"{STORE}/orders"),
    "customer_events_write": ("POST", f"{STORE}/events"),
    "products_write": ("POST", f"{STORE}/products/bulk-upload"),
}


def test_every_scope_has_an_operation_here() -> None:
    assert set(OPERATIONS) == set(ALL_SCOPES)


@pytest.mark.parametrize("scope", OPERATIONS)
async def test_an_operation_needs_its_own_scope(
    start: Start, connect: Connect, scope: str
) -> None:
    others = tuple(each for each in ALL_SCOPES if each != scope)
    shop = await start(tokens={"without": others, "with": (scope,)})
    method, path = OPERATIONS[scope]

    without = await connect(shop, "without").request(method, path)
    with_ = await connect(shop, "with").request(method, path)

    assert (without.status_code, with_.status_code == 403) == (403, False)
    assert without.json()["type"] == "com.getredo.api:scope/forbidden"
    assert scope in without.json()["detail"]


@pytest.mark.parametrize("path", ["/returns", "/webhooks", "/return-tags"])
async def test_without_a_token_nobody_is_let_in(
    start: Start, connect: Connect, path: str
) -> None:
    shop = await start()

    answers = [
        await connect(shop, token).get(f"{STORE}{path}")
        for token in (None, "not-the-token")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_the_orders_api_has_a_form_of_its_own_for_401(
    start: Start, connect: Connect
) -> None:
    shop = await start()

    answer = await connect(shop, None).get(f"{STORE}/orders/1")

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert answer.headers["content-type"] == "application/json"


async def test_another_store_is_forbidden_or_not_there(
    start: Start, connect: Connect
) -> None:
    client = connect(await start())

    theirs = await client.post(f"/stores/{OTHERS_STORE}/custom/orders", json={})
    nobodys = await client.post("/stores/nobody/custom/orders", json={})

    assert (theirs.status_code, nobodys.status_code) == (403, 404)
    assert {each.headers["content-type"] for each in (theirs, nobodys)} == {
        "application/problem+json"
    }


async def refused(shop: ShopSimulator, connect: Connect) -> httpx.Response:
    return await connect(shop).get("/returns/nobody")


async def test_a_problem_has_fields_and_its_own_content_type(
    start: Start, connect: Connect
) -> None:
    answer = await refused(await start(), connect)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"type": "about:blank", "title": "Return not found"}


async def test_a_problem_may_have_no_field(start: Start, connect: Connect) -> None:
    shop = await start(ways=RedoWays(temper=Temper(bare=True)))

    answer = await refused(shop, connect)

    assert (answer.status_code, answer.json()) == (404, {})


async def test_a_problem_may_come_as_json(start: Start, connect: Connect) -> None:
    shop = await start(ways=RedoWays(temper=Temper(as_json=True)))

    answer = await refused(shop, connect)

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["title"] == "Return not found"


async def test_named_errors_are_json_anyway(start: Start, connect: Connect) -> None:
    answer = await connect(await start()).post(f"{STORE}/returns", json={})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert "title" in answer.json()


@pytest.mark.parametrize(("silent", "told"), [(False, "1"), (True, None)])
async def test_too_many_calls_are_refused_with_or_without_a_wait(
    start: Start, connect: Connect, *, silent: bool, told: str | None
) -> None:
    clock = StillClock()
    ways = RedoWays(temper=Temper(per_second=2, silent=silent))
    client = connect(await start(ways=ways, clock=clock))

    answers = [await client.get(f"{STORE}/returns") for _ in range(3)]
    clock.at += timedelta(seconds=1)
    later = await client.get(f"{STORE}/returns")

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].headers.get("retry-after") == told
    assert later.status_code == 200


async def test_faults_do_not_tell_the_wait_of_a_silent_shop(
    start: Start, connect: Connect
) -> None:
    waits = {}
    for silent in (False, True):
        shop = await start(
            manners=Manners(faults="many", seed=1, hold=timedelta(milliseconds=50)),
            ways=RedoWays(temper=Temper(silent=silent)),
            clock=LeapingClock(hasty=True),
        )
        client = connect(shop)
        answers = []
        for number in range(40):
            try:
                answers.append(await client.get(f"/returns/{number}", timeout=1))
            except httpx.HTTPError:
                continue
        throttled = [each for each in answers if each.status_code == 429]
        waits[silent] = {"retry-after" in each.headers for each in throttled}

    assert waits == {False: {True}, True: {False}}


async def test_every_so_many_calls_something_breaks(
    start: Start, connect: Connect
) -> None:
    shop = await start(ways=RedoWays(temper=Temper(broken_every=3)))
    client = connect(shop)

    statuses = [(await client.get(f"{STORE}/returns")).status_code for _ in range(6)]

    assert statuses == [200, 200, 503, 200, 200, 503]


async def test_what_the_api_does_not_show_can_be_looked_at(
    start: Start,
) -> None:
    shop = await start()
    base = shop.url.removesuffix("/v2.2")

    async with loopback.client() as client:
        kept = await client.get(f"{base}/sandbox/kept")

    assert kept.json() == {"events": [], "customRefunds": {}, "paid": {}}
