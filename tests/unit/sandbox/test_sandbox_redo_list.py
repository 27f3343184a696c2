"""The simulated list's traps, and the administration of webhooks."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from bridge.clock import SystemClock
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_list import NO_TRAPS, Traps
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from tests.support import loopback

HOOK = {
    "callback": {"url": "https://bridge.example/hooks/shop", "auth": None},
    "topic": "return",
    "externalId": "ours",
}


@contextlib.asynccontextmanager
async def shop(
    traps: Traps = NO_TRAPS, *, returns: int = 5
) -> AsyncIterator[tuple[ShopSimulator, httpx.AsyncClient]]:
    tokens = ShopOptions.full_access("all")
    simulator = ShopSimulator(ShopOptions("s1", tokens, traps=traps))
    await simulator.start()
    now = SystemClock().now()
    for number in range(returns):
        plan = Plan(number, 1, Story.REFUND, Packing.FULL, reviewed=False)
        simulator.shop.add(invent_return(plan, now + timedelta(seconds=number)))
    headers = {"authorization": "Bearer all"}
    try:
        async with loopback.client(base_url=simulator.url, headers=headers) as client:
            yield simulator, client
    finally:
        await simulator.stop()


async def pages(client: httpx.AsyncClient, limit: int = 20) -> list[list[str]]:
    """Walk through the list in pages of two, at most `limit` of them."""
    found: list[list[str]] = []
    headers = {"x-page-size": "2"}
    while len(found) < limit:
        answer = await client.get("/stores/s1/returns", headers=headers)
        assert answer.status_code == 200
        found.append([return_["id"] for return_ in answer.json()["returns"]])
        if "x-page-next" not in answer.headers:
            break
        headers["x-page-continue"] = answer.headers["x-page-next"]
    return found


async def test_without_traps_every_return_comes_once() -> None:
    async with shop() as (simulator, client):
        found = await pages(client)

        ids = [each.id for each in simulator.shop.all()]
        assert [len(page) for page in found] == [2, 2, 1]
        assert [id_ for page in found for id_ in page] == ids


async def test_empty_pages_lead_on() -> None:
    async with shop(Traps(empty_every=2)) as (_, client):
        found = await pages(client)

        assert [len(page) for page in found] == [2, 0, 2, 0, 1]


async def test_tokens_may_lead_in_a_circle() -> None:
    async with shop(Traps(circles=True)) as (_, client):
        found = await pages(client, limit=4)

        assert found == [found[0]] * 4


async def test_tokens_may_be_refused() -> None:
    async with shop(Traps(expired_every=1)) as (_, client):
        first = await client.get("/stores/s1/returns", headers={"x-page-size": "2"})
        headers = {"x-page-continue": first.headers["x-page-next"]}

        second = await client.get("/stores/s1/returns", headers=headers)

        assert second.status_code == 400


async def test_paging_may_go_by_query() -> None:
    async with shop(Traps(by_query=True)) as (_, client):
        query = {"page-size": "3"}
        first = await client.get("/stores/s1/returns", params=query)
        query["page-continue"] = first.headers["x-page-next"]

        second = await client.get("/stores/s1/returns", params=query)

        assert len(first.json()["returns"]) == 3
        assert len(second.json()["returns"]) == 2


async def test_deleted_returns_may_be_hidden() -> None:
    async with shop(Traps(hides_deleted=True), returns=2) as (simulator, client):
        simulator.shop.put_status(simulator.shop.all()[0].id, "deleted")
        path = "/stores/s1/returns"

        plain = await client.get(path)
        asked = await client.get(path, params={"status": "deleted"})

        assert len(plain.json()["returns"]) == 1
        assert len(asked.json()["returns"]) == 1


async def test_a_webhook_is_an_upsert_by_its_external_id() -> None:
    async with shop() as (_, client):
        path = "/stores/s1/webhooks"

        first = await client.post(path, json={"webhook": HOOK})
        again = await client.post(path, json={"webhook": HOOK})
        listed = (await client.get(path)).json()["webhooks"]

        assert (first.status_code, again.status_code) == (201, 200)
        assert [each["externalId"] for each in listed] == ["ours"]


@pytest.mark.parametrize(
    "callback",
    [{"url": "http://bridge.example/x", "auth": None}, {"url": "https://a.example"}],
)
async def test_a_webhook_needs_tls_and_says_how_it_proves_itself(
    callback: dict[str, object],
) -> None:
    async with shop() as (_, client):
        body = {"webhook": {**HOOK, "callback": callback}}

        answer = await client.post("/stores/s1/webhooks", json=body)

        assert answer.status_code == 400


async def test_a_webhook_can_be_deleted() -> None:
    async with shop() as (_, client):
        path = "/stores/s1/webhooks"
        made = await client.post(path, json={"webhook": HOOK})

        gone = await client.delete(f"/webhooks/{made.json()['webhook']['id']}")

        assert gone.status_code == 204
        assert (await client.get(path)).json() == {"webhooks": []}


async def test_a_replay_needs_a_start_and_a_webhook() -> None:
    async with shop() as (_, client):
        made = await client.post("/stores/s1/webhooks", json={"webhook": HOOK})
        path = f"/webhooks/{made.json()['webhook']['id']}/replay"
        start = {"start": "2020-01-01T00:00:00Z"}

        answers = [
            await client.post(path, json=start),
            await client.post(path, json={}),
            await client.post("/webhooks/none/replay", json=start),
        ]

        assert [answer.status_code for answer in answers] == [202, 400, 404]
