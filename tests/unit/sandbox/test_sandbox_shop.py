import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from bridge.clock import SystemClock
from bridge.sandbox.journal import Journal
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_shop import set_status
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.simulators import Place, ShopOptions, ShopSimulator
from tests.support import loopback

TOKENS = {
    "all": ("returns_read", "returns_write"),
    "reader": ("returns_read",),
    "nobody": (),
}


@pytest.fixture
async def simulator(
    clock: SystemClock, journal: Journal
) -> AsyncIterator[ShopSimulator]:
    made = ShopSimulator(ShopOptions("s1", TOKENS), clock=clock, journal=journal)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(simulator: ShopSimulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": "Bearer all"}
    async with loopback.client(base_url=simulator.url, headers=headers) as client:
        yield client


def add(
    simulator: ShopSimulator, number: int = 0, story: Story = Story.REFUND
) -> ShopReturn:
    plan = Plan(number, 1, story, Packing.FULL, reviewed=False)
    now = SystemClock().now() + timedelta(seconds=number)
    return_ = invent_return(plan, now)
    simulator.shop.add(return_)
    return return_


async def test_a_return_is_read_with_its_order(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    return_ = add(simulator)

    body = (await client.get(f"/returns/{return_.id}")).json()

    assert set(body) == {"return", "order"}
    assert body["return"]["order"]["id"] == body["order"]["id"]
    joins = {item["id"] for item in body["order"]["items"]}
    assert {item["orderItem"]["id"] for item in body["return"]["items"]} <= joins


@pytest.mark.parametrize(
    ("token", "method", "path", "status"),
    [
        (None, "GET", "", 401),
        ("wrong", "GET", "", 401),
        ("nobody", "GET", "", 403),
        ("reader", "GET", "", 200),
        ("reader", "PUT", "/status", 403),
        ("reader", "POST", "/comments", 403),
        ("all", "POST", "/status", 405),
    ],
)
async def test_a_token_may_do_what_its_scopes_say(
    simulator: ShopSimulator, token: str | None, method: str, path: str, status: int
) -> None:
    return_ = add(simulator)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}

    async with loopback.client(base_url=simulator.url, headers=headers) as client:
        response = await client.request(method, f"/returns/{return_.id}{path}")

    assert response.status_code == status


async def test_a_missing_scope_is_named_in_a_problem(simulator: ShopSimulator) -> None:
    headers = {"authorization": "Bearer nobody"}

    async with loopback.client(base_url=simulator.url, headers=headers) as client:
        response = await client.get("/returns/x/status")

    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "com.getredo.api:scope/forbidden"
    assert "returns_read" in response.json()["detail"]


async def test_an_unknown_return_or_store_is_not_found(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/returns/nope")).status_code == 404
    assert (await client.get("/stores/other/returns")).status_code == 404


async def test_complete_completes_the_lines_and_gives_the_credit(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    return_ = add(simulator, story=Story.STORE_CREDIT)

    response = await client.put(
        f"/returns/{return_.id}/status", json={"status": "complete"}
    )

    body = (await client.get(f"/returns/{return_.id}")).json()["return"]
    assert (response.status_code, response.content) == (204, b"")
    assert body["status"] == "complete"
    assert {item["status"] for item in body["items"]} == {"complete"}
    assert len(body["giftCards"]) == 1


async def test_a_deferred_exchange_is_ordered_at_completion(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    return_ = add(simulator, story=Story.EXCHANGE_LATER)
    url = f"/returns/{return_.id}"
    before = (await client.get(url)).json()["return"]["exchange"]

    await client.put(f"{url}/status", json={"status": "complete"})

    after = (await client.get(url)).json()["return"]["exchange"]
    assert "order" not in before
    assert after["order"]["externalId"]


async def test_open_after_complete_reopens_the_lines(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    return_ = add(simulator)
    url = f"/returns/{return_.id}/status"
    await client.put(url, json={"status": "complete"})

    await client.put(url, json={"status": "open"})

    assert (await client.get(url)).json() == {"status": "open"}
    assert {line.status for line in return_.lines} == {"open"}


@pytest.mark.parametrize(
    "body", [{"status": "delivered"}, {"status": "open", "more": 1}, {}, [], "x"]
)
async def test_a_status_that_cannot_be_set_is_an_invalid_request(
    simulator: ShopSimulator, client: httpx.AsyncClient, body: object
) -> None:
    return_ = add(simulator)

    response = await client.put(f"/returns/{return_.id}/status", json=body)

    assert response.status_code == 400
    assert response.json()["type"] == "com.getredo.api:return/invalid-request"


async def test_setting_the_same_status_again_has_no_effect(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    return_ = add(simulator)
    url = f"/returns/{return_.id}/status"

    for _ in range(2):
        await client.put(
            url, json={"status": "flagged"}, headers={"idempotency-key": "e-1"}
        )

    calls = simulator.front.log.calls
    assert [(call.effect, call.key) for call in calls] == [(1, "e-1"), (None, "e-1")]
    assert {call.subject for call in calls} == {return_.id}


async def test_a_comment_is_kept_without_id(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    return_ = add(simulator)
    url = f"/returns/{return_.id}/comments"

    response = await client.post(url, json={"comment": {"message": "Booked in"}})

    assert response.status_code == 201
    assert response.json() == {"comment": {"message": "Booked in"}}
    assert (await client.get(url)).json() == {"comments": [{"message": "Booked in"}]}


@pytest.mark.parametrize(
    "comment", [{}, {"message": "a", "image": "b"}, {"message": "a", "x": 1}]
)
async def test_a_comment_is_a_message_or_an_image_and_nothing_else(
    simulator: ShopSimulator, client: httpx.AsyncClient, comment: dict[str, object]
) -> None:
    return_ = add(simulator)

    response = await client.post(
        f"/returns/{return_.id}/comments", json={"comment": comment}
    )

    assert response.status_code == 400


async def test_a_listing_goes_page_by_page_newest_first(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    made = [add(simulator, number).id for number in range(5)]
    seen: list[str] = []
    headers = {"X-Page-Size": "2"}

    while True:
        page = await client.get("/stores/s1/returns", headers=headers)
        body = page.json()
        seen += [return_["id"] for return_ in body["returns"]]
        assert len(body["orders"]) == len(body["returns"])
        if "x-page-next" not in page.headers:
            break
        headers["X-Page-Continue"] = page.headers["x-page-next"]

    assert seen == made[::-1]


async def test_the_time_filter_includes_its_start_and_excludes_its_end(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    made = [add(simulator, number) for number in range(3)]
    window = {
        "updated_at_min": made[1].updated_at.isoformat(),
        "updated_at_max": made[2].updated_at.isoformat(),
    }

    page = await client.get("/stores/s1/returns", params=window)

    assert [return_["id"] for return_ in page.json()["returns"]] == [made[1].id]


async def test_a_listing_can_ask_for_one_status(
    simulator: ShopSimulator, client: httpx.AsyncClient
) -> None:
    made = [add(simulator, number) for number in range(2)]
    simulator.shop.change(made[0].id, lambda r, _: set_status(r, "rejected"))

    page = await client.get("/stores/s1/returns", params={"status": "rejected"})

    assert [return_["id"] for return_ in page.json()["returns"]] == [made[0].id]


@pytest.mark.parametrize(
    ("params", "headers"),
    [
        ({"updated_at_min": "yesterday"}, {}),
        ({"updated_at_min": "2026-11-21T00:00:00"}, {}),
        ({}, {"X-Page-Size": "0"}),
        ({}, {"X-Page-Size": "501"}),
        ({}, {"X-Page-Continue": "???"}),
    ],
)
async def test_a_filter_that_does_not_fit_is_an_invalid_request(
    client: httpx.AsyncClient, params: dict[str, str], headers: dict[str, str]
) -> None:
    response = await client.get("/stores/s1/returns", params=params, headers=headers)

    assert response.status_code == 400


async def test_a_shop_can_listen_where_it_is_told(clock: SystemClock) -> None:
    options = ShopOptions("s1", TOKENS, place=Place("127.0.0.2"))
    simulator = ShopSimulator(options, clock=clock)

    await simulator.start()
    async with loopback.client() as client:
        response = await client.get(f"{simulator.url}/returns/x")
    await simulator.stop()

    assert simulator.url.startswith("http://127.0.0.2:")
    assert json.loads(response.content)["title"] == "Unauthorized"
