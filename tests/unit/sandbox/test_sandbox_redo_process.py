"""Redo's `process`, scans that move nothing, and the care of its webhooks."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from bridge.clock import SystemClock
from bridge.sandbox.journal import Journal
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_webhooks import Subscription
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from tests.support import loopback
from tests.unit.sandbox.conftest import Receiver

Until = Callable[[Callable[[], bool]], Awaitable[None]]
CALLBACK = {"url": "https://bridge.example/hooks/shop", "auth": None}
HOOK = {"callback": CALLBACK, "externalId": "ours", "topic": "return"}


@pytest.fixture
async def simulator(
    clock: SystemClock, journal: Journal
) -> AsyncIterator[ShopSimulator]:
    options = ShopOptions("s1", ShopOptions.full_access("all"))
    made = ShopSimulator(options, clock=clock, journal=journal)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(simulator: ShopSimulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": "Bearer all"}
    async with loopback.client(base_url=simulator.url, headers=headers) as client:
        yield client


@pytest.fixture
async def return_(simulator: ShopSimulator) -> ShopReturn:
    """Give a return of several lines that the shop knows."""
    for number in range(20):
        plan = Plan(number, 1, Story.REFUND, Packing.FULL, reviewed=False)
        made = invent_return(plan, SystemClock().now())
        if len(made.lines) > 1:
            simulator.shop.add(made)
            return made
    raise AssertionError("no plan has several lines")


def products(return_: ShopReturn, *, reject: bool = False) -> list[dict[str, object]]:
    return [{"_id": line.id, "reject": reject} for line in return_.lines]


async def test_products_wait_until_all_are_given_and_are_paid_later(
    simulator: ShopSimulator,
    client: httpx.AsyncClient,
    return_: ShopReturn,
    until: Until,
) -> None:
    url, (first, *rest) = f"/returns/{return_.id}/process", products(return_)

    waits = await client.post(url, json={"products": [first]})
    assert (waits.status_code, simulator.processing.busy) == (200, False)
    started = await client.post(url, json={"products": rest, "customerNotes": "ok"})
    assert return_.status != "complete"
    await until(lambda: not simulator.processing.busy)

    assert waits.json()["message"] != started.json()["message"]
    assert return_.status == "complete"
    assert simulator.processing.paid == dict.fromkeys(
        (line.id for line in return_.lines), 1
    )


async def test_to_process_again_pays_again(
    simulator: ShopSimulator,
    client: httpx.AsyncClient,
    return_: ShopReturn,
    until: Until,
) -> None:
    body = {"products": products(return_)}

    for _ in range(2):
        await client.post(f"/returns/{return_.id}/process", json=body)
        await until(lambda: not simulator.processing.busy)

    assert set(simulator.processing.paid.values()) == {2}


async def test_what_is_rejected_is_not_paid(
    simulator: ShopSimulator,
    client: httpx.AsyncClient,
    return_: ShopReturn,
    until: Until,
) -> None:
    all_out = {"products": products(return_, reject=True)}

    await client.post(f"/returns/{return_.id}/process", json=all_out)
    await until(lambda: not simulator.processing.busy)

    assert return_.status == "rejected"
    assert {line.status for line in return_.lines} == {"rejected"}
    assert not simulator.processing.paid


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"products": []},
        {"products": [{"_id": "of nobody"}]},
        {"products": [{"_id": "x", "reject": True, "processInput": {}}]},
        {"products": [{"_id": "x", "more": 1}]},
    ],
)
async def test_what_does_not_fit_is_an_invalid_request(
    client: httpx.AsyncClient, return_: ShopReturn, body: object
) -> None:
    answer = await client.post(f"/returns/{return_.id}/process", json=body)

    assert answer.status_code == 400


async def test_a_scan_may_leave_the_update_time_where_it_was(
    simulator: ShopSimulator, return_: ShopReturn
) -> None:
    at = return_.updated_at
    simulator.shop.scans_stamp = False

    simulator.shop.scan(return_.id, lambda each, _: each.tags.append("scanned"))
    still = return_.updated_at
    simulator.shop.scans_stamp = True
    simulator.shop.scan(return_.id, lambda each, _: each.tags.append("scanned"))

    assert still == at < return_.updated_at
    assert len(return_.tags) == 2


async def test_a_change_without_an_external_id_clears_it(
    client: httpx.AsyncClient,
) -> None:
    made = (await client.post("/stores/s1/webhooks", json={"webhook": HOOK})).json()
    webhook = {"callback": CALLBACK, "externalId": "ours"}
    url = f"/webhooks/{made['webhook']['id']}"

    kept = await client.put(url, json={"webhook": webhook})
    before = (await client.get(url)).json()["webhook"]["externalId"]
    cleared = await client.put(url, json={"webhook": {"callback": CALLBACK}})
    after = (await client.get(url)).json()["webhook"]["externalId"]

    assert (kept.status_code, cleared.status_code) == (204, 204)
    assert (before, after) == ("ours", None)


async def test_a_webhook_that_is_not_there_or_does_not_fit_is_told(
    client: httpx.AsyncClient,
) -> None:
    made = (await client.post("/stores/s1/webhooks", json={"webhook": HOOK})).json()
    webhook = {"webhook": {"callback": CALLBACK}}
    url = f"/webhooks/{made['webhook']['id']}"

    nobodys = [
        await client.get("/webhooks/f00"),
        await client.put("/webhooks/f00", json=webhook),
    ]
    odd = await client.put(url, json={"webhook": {"callback": {"url": "http://x"}}})

    assert [answer.status_code for answer in nobodys] == [404, 404]
    assert odd.status_code == 400


async def test_a_webhook_with_backfill_brings_what_there_is_once(
    simulator: ShopSimulator,
    client: httpx.AsyncClient,
    return_: ShopReturn,
    receiver: Receiver,
    until: Until,
) -> None:
    simulator.sender.subscribe(Subscription(receiver.url, "t"))
    await until(lambda: len(receiver.bodies) == 1)
    webhook = {**HOOK, "backfill": True}

    for _ in range(2):
        await client.post("/stores/s1/webhooks", json={"webhook": webhook})
    await until(lambda: simulator.idle)
    simulator.shop.scan(return_.id, lambda *_: None)
    await until(lambda: len(receiver.bodies) == 3)

    assert [b'"backfill"' in body for body in receiver.bodies] == [False, True, False]
