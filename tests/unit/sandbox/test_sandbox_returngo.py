"""The simulated ReturnGO against the checklist of its sheet (returngo.md, 12)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Literal

import httpx
import pytest

from bridge.sandbox.journal import Journal
from bridge.sandbox.messenger import Ladder, Unreliable
from bridge.sandbox.quota import SECOND, busiest
from bridge.sandbox.returngo import EVENTS, ReturnGoOptions, ReturnGoSimulator, Shoppers
from bridge.sandbox.returngo_api import KEY
from bridge.sandbox.returngo_shop import MOVES, ReturnGoHabits, ReturnGoShop
from bridge.sandbox.warehouse_documents import Parcel as Box
from tests.support.clock import START, FakeClock, settle

SHOP, OTHER = "one.example", "two.example"
KEYS = {"k1": frozenset({SHOP, OTHER}), "k2": frozenset({"three.example"})}


class Bridge:
    """What the webhooks reach: keeps their bodies and answers as it is told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.status = 202

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(self.status)


class World:
    """A simulator on a clock that stands still, and a client of it."""

    def __init__(self, options: ReturnGoOptions | None = None) -> None:
        self.clock = FakeClock()
        self.bridge = Bridge()
        self.simulator = ReturnGoSimulator(
            options or ReturnGoOptions(KEYS),
            clock=self.clock,
            journal=Journal(self.clock),
            transport=httpx.MockTransport(self.bridge),
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.simulator.app),
            base_url="http://returngo.test",
            headers={"x-api-key": "k1", "x-shop-name": SHOP},
        )

    @property
    def shop(self) -> ReturnGoShop:
        return self.simulator.shops[SHOP]

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.client.get(path, params=query)

    async def close(self) -> None:
        await self.client.aclose()
        await self.simulator.stop()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.close()


@pytest.fixture
async def make() -> AsyncIterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        await world.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": ""}, 401),
        ({"x-api-key": "strange"}, 401),
        ({"x-shop-name": "three.example"}, 403),
        ({"x-shop-name": ""}, 403),
        ({"x-shop-name": OTHER}, 200),
        ({"x-api-key": "k2", "x-shop-name": "three.example"}, 200),
    ],
)
async def test_a_key_opens_its_owners_shops_and_no_other(
    world: World, headers: dict[str, str], status: int
) -> None:
    answer = await world.client.get("/rmas", params={"pagesize": "1"}, headers=headers)

    assert answer.status_code == status
    assert answer.headers["x-amzn-requestid"]


async def test_a_gateway_says_403_of_a_key_it_does_not_know(make: list[World]) -> None:
    make.append(World(ReturnGoOptions(KEYS, gateway=True)))

    answer = await make[0].client.get("/rmas", headers={"x-api-key": "strange"})

    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"pagesize": "0"},
        {"pagesize": "501"},
        {"pagesize": "many"},
        {"pagesize": "1", "rma_updated_at": "about:2027-01-01T00:00:00"},
        {"pagesize": "1", "rma_updated_at": "gte:2027-01-01T00:00:00Z"},
        {"pagesize": "1", "sort_by": " rma_updated_at"},
        {"pagesize": "1", "cursor": "not a cursor"},
        {"pagesize": "1", "cursor": "cmV0dXJucy5pZDo5"},
    ],
)
async def test_a_query_that_does_not_fit_is_refused(
    world: World, query: dict[str, str]
) -> None:
    world.shop.create()

    assert (await world.get("/rmas", **query)).status_code == 400


async def test_a_list_is_walked_by_cursor_newest_first(world: World) -> None:
    created = [world.shop.create().id for _ in range(5)]
    rows: list[dict[str, object]] = []
    query = {"pagesize": "2"}

    for _ in range(3):
        page = (await world.get("/rmas", **query)).json()
        rows += page["rmas"]
        query["cursor"] = page.get("next_cursor", "")

    assert [row["rmaId"] for row in rows] == created[::-1]
    assert query["cursor"] == ""
    assert set(rows[0]) == {"rmaId", "status", "order_name", "events"}


async def test_filters_and_sorting_count(world: World) -> None:
    first, second = world.shop.create(), world.shop.create()
    await world.clock.advance(timedelta(hours=1))
    world.shop.set_status(first, "Approved")

    async def ids(**query: str) -> list[str]:
        answer = await world.get("/rmas", pagesize="9", **query)
        return [row["rmaId"] for row in answer.json()["rmas"]]

    since = f"{START + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    assert await ids(rma_updated_at=f"gte:{since}") == [first.id]
    assert await ids(rma_updated_at=f"lt:{since}") == [second.id]
    assert await ids(rma_created_at=f"gt:{since}") == []
    assert await ids(status="Approved,Done") == [first.id]
    assert await ids(order_name=second.order_name) == [second.id]
    assert await ids(sort_by="+rma_updated_at") == [second.id, first.id]
    assert await ids(sort_by="-rma_updated_at") == [first.id, second.id]


async def test_the_end_of_a_list_may_be_an_empty_cursor(make: list[World]) -> None:
    make.append(World(ReturnGoOptions(KEYS, habits=ReturnGoHabits(empty_cursor=True))))

    page = await make[0].get("/transactions", pagesize="5")

    assert page.json() == {"transactions": [], "next_cursor": ""}


async def test_the_update_time_stands_still_for_parcels_and_money(
    world: World,
) -> None:
    rma = world.shop.create(2)
    world.shop.set_status(rma, "Approved")
    await world.clock.advance(timedelta(hours=1))
    for status in ("LabelCreated", "Shipped", "Received"):
        world.shop.move(rma, rma.parcels[0], status)
    world.shop.validate(rma)
    world.shop.settle(rma, world.shop.pay(rma, fee=4.5))

    body = (await world.get(f"/rma/{rma.id}")).json()

    assert body["lastUpdated"] == START.isoformat()
    assert body["rmaSummary"]["status"] == "Validated"
    assert len(body["items"]) == 2
    assert body["items"][0]["shopLineItemId"] == body["items"][1]["shopLineItemId"]
    assert body["isOutOfPolicy"] == 0
    fee, refund = body["transactions"]
    assert isinstance(refund["id"], int)
    assert fee["returnItemIds"] == []
    assert "rmaId" not in refund


async def test_the_update_time_moves_where_it_is_told_to(make: list[World]) -> None:
    make.append(World(ReturnGoOptions(KEYS, habits=ReturnGoHabits(frozen=False))))
    rma = make[0].shop.create()
    await make[0].clock.advance(timedelta(hours=1))

    make[0].shop.move(rma, rma.parcels[0], "Shipped")

    assert rma.touched_at == START + timedelta(hours=1)


@pytest.mark.parametrize("before", MOVES)
@pytest.mark.parametrize("after", MOVES)
async def test_a_shipment_moves_along_the_table_or_stays(
    world: World, before: str, after: str
) -> None:
    rma = world.shop.create()
    rma.parcels[0].status = before

    answer = await world.client.put(
        f"/shipment/{rma.parcels[0].id}", json={"status": after}
    )

    allowed = after == before or after in MOVES[before]
    assert answer.status_code == (200 if allowed else 400)
    assert rma.parcels[0].status == (after if allowed else before)


async def test_a_parcel_received_moves_its_rma_and_comes_back_as_comment_and_webhook(
    world: World,
) -> None:
    for event in ("SHIPMENT_STATUS_UPDATED", "RMA_STATUS_UPDATED"):
        world.shop.register("http://bridge.test/hook", event)
    rma = world.shop.create()
    rma.status = "Approved"

    await world.client.put(
        f"/shipment/{rma.parcels[0].id}", json={"status": "Received"}
    )
    await settle()

    body = (await world.get(f"/rma/{rma.id}")).json()
    assert body["rmaSummary"]["status"] == "Received"
    assert body["comments"][0]["triggeredBy"] == "ReturnGO API"
    assert [each["eventName"] for each in world.bridge.bodies] == [
        "SHIPMENT_STATUS_UPDATED",
        "RMA_STATUS_UPDATED",
    ]


async def test_a_transaction_tells_of_its_beginning_and_never_of_its_end(
    world: World,
) -> None:
    world.shop.register("http://bridge.test/hook", "TRANSACTION_CREATED")
    rma = world.shop.create()

    movement = world.shop.pay(rma)
    world.shop.settle(rma, movement)
    await settle()

    assert len(world.bridge.bodies) == 1
    listed = (await world.get("/transactions", pagesize="5", rma_ids=rma.id)).json()
    assert listed["transactions"][0]["status"] == "Success"
    world.shop.settle(rma, movement, "Failed")
    assert (await world.get(f"/rma/{rma.id}")).json()["comments"][0][
        "commentType"
    ] == "error"


@pytest.mark.parametrize(
    ("style", "fields"),
    [("name", {"eventName"}), ("ids", {"eventName", "rmaId"})],
)
async def test_a_webhook_says_as_little_as_it_is_told_to(
    make: list[World], style: Literal["ids", "name"], fields: set[str]
) -> None:
    make.append(World(ReturnGoOptions(KEYS, habits=ReturnGoHabits(webhooks=style))))
    make[0].shop.register("http://bridge.test/hook", "RMA_CREATED")

    make[0].shop.create()
    await settle()

    assert set(make[0].bridge.bodies[0]) == fields


async def test_a_new_rma_tells_of_itself_and_of_its_shipment(world: World) -> None:
    for event in EVENTS:
        world.shop.register("http://bridge.test/hook", event)

    world.shop.create()
    world.shop.create(shipped=False)
    await settle()

    assert [body["eventName"] for body in world.bridge.bodies] == [
        "RMA_CREATED",
        "SHIPMENT_CREATED",
        "RMA_CREATED",
    ]


async def test_registrations_may_be_double_and_are_all_served(world: World) -> None:
    body = {"url": "http://bridge.test/hook", "eventName": "RMA_CREATED"}
    for _ in range(2):
        assert (await world.client.post("/webhook", json=body)).status_code == 201

    world.shop.create()
    await settle()

    assert len(world.bridge.bodies) == 2
    first = (await world.get("/webhooks")).json()[0]
    assert first["eventName"] == "RMA_CREATED"
    assert (await world.client.delete(f"/webhook/{first['id']}")).status_code == 200
    assert (await world.client.delete(f"/webhook/{first['id']}")).status_code == 404


async def test_webhooks_are_lost_doubled_and_late(make: list[World]) -> None:
    habits = Unreliable(lost=0.3, twice=0.3, delayed=0.5, late=timedelta(minutes=5))
    make.append(World(ReturnGoOptions(KEYS, webhooks=habits)))
    world = make[0]
    world.shop.register("http://bridge.test/hook", "RMA_CREATED")

    created = [world.shop.create().id for _ in range(200)]
    await world.clock.advance(timedelta(minutes=6))

    came = [str(body["rmaId"]) for body in world.bridge.bodies]
    assert 0 < len(set(created) - set(came)) < 100
    assert len(came) > len(set(came))
    assert list(dict.fromkeys(came)) != sorted(set(came))


async def test_a_refused_webhook_is_sent_again_only_along_a_ladder(
    make: list[World],
) -> None:
    ladder = Ladder((timedelta(seconds=10), timedelta(seconds=20)), life=SECOND * 60)
    make += [World(), World(ReturnGoOptions(KEYS, ladder=ladder))]
    for world in make:
        world.shop.register("http://bridge.test/hook", "RMA_CREATED")
        world.bridge.status = 500
        world.shop.create()
        await world.clock.advance(timedelta(minutes=5))

    assert [len(world.bridge.bodies) for world in make] == [1, 3]


async def test_the_day_is_counted_until_midnight_and_says_nothing_of_when(
    make: list[World],
) -> None:
    make.append(World(ReturnGoOptions(KEYS, per_day=3)))
    world = make[0]
    codes = [(await world.get("/webhooks")).status_code for _ in range(4)]

    refused = await world.get("/webhooks")

    assert codes == [200, 200, 200, 429]
    assert "retry-after" not in refused.headers
    await world.clock.advance(timedelta(hours=15))
    assert (await world.get("/webhooks")).status_code == 200


async def test_a_second_takes_so_many_calls(make: list[World]) -> None:
    make.append(World(ReturnGoOptions(KEYS, per_second=2)))
    codes = [(await make[0].get("/webhooks")).status_code for _ in range(3)]

    await make[0].clock.advance(SECOND)

    assert codes == [200, 200, 429]
    assert (await make[0].get("/webhooks")).status_code == 200
    assert make[0].simulator.quota.refused["k1"] == 1


def test_the_busiest_moment_is_found_wherever_it_begins() -> None:
    times = [START + timedelta(milliseconds=ms) for ms in (0, 900, 1_100, 1_800, 5_000)]

    assert busiest(times, SECOND) == 3
    assert busiest([], SECOND) == 0


async def test_a_comment_has_the_form_that_is_switched_on(world: World) -> None:
    rma = world.shop.create()
    path = f"/rma/{rma.id}/comment"

    assert (await world.client.post(path, json={"htmlText": "a"})).status_code == 201
    assert (await world.client.post(path, json={"comment": "a"})).status_code == 400
    nobody = await world.client.post("/rma/9/comment", json={"htmlText": "a"})
    assert nobody.status_code == 404


async def test_a_status_is_set_and_a_cancelled_rma_reopened(world: World) -> None:
    rma = world.shop.create()
    path = f"/rma/{rma.id}/status"

    for status, code in (("Canceled", 200), ("Approved", 200), ("Elsewhere", 400)):
        answer = await world.client.put(path, json={"status": status})
        assert answer.status_code == code

    assert rma.status == "Approved"
    nobody = await world.client.put("/rma/9/status", json={"status": "Done"})
    assert nobody.status_code == 404


async def test_what_is_not_there_is_not_found(world: World) -> None:
    rma = world.shop.create()
    shipment = f"/shipment/{rma.parcels[0].id}"

    assert (await world.get("/rma/9")).status_code == 404
    assert (await world.client.delete(shipment)).status_code == 200
    assert (await world.client.delete(shipment)).status_code == 404
    assert (await world.client.put(shipment, json={})).status_code == 404


async def test_an_rma_without_shipment_and_one_to_be_exchanged_are_told(
    world: World,
) -> None:
    rma = world.shop.create(shipped=False, resolution="InstantVariantExchange")

    body = (await world.get(f"/rma/{rma.id}")).json()

    assert body["shipments"] == []
    assert body["items"][0]["shipmentId"] is None
    assert body["exchangeOrders"][0]["orderId"] == ""


async def test_shoppers_lead_an_rma_to_its_end(world: World) -> None:
    shoppers = Shoppers(world.shop, world.clock)

    async with asyncio.TaskGroup() as lives:
        lives.create_task(shoppers.live(0.05))
        lives.create_task(shoppers.live(0.9))
        await world.clock.advance(timedelta(minutes=1))

    statuses = [rma.status for rma in world.shop.rmas.values()]
    assert statuses == ["Rejected", "Done"]


async def test_a_shipment_takes_texts_and_the_same_status_again_as_no_change(
    world: World,
) -> None:
    rma = world.shop.create()
    path = f"/shipment/{rma.parcels[0].id}"
    texts = {"carrierName": "DemoPost", "trackingURL": "https://track.example/1"}

    for body in ({"status": "Shipped", **texts}, {"status": "Shipped"}):
        answer = await world.client.put(path, json=body, headers={KEY: "event-1"})
        assert answer.status_code == 200
        assert answer.json()["trackingURL"] == texts["trackingURL"]

    first, second = world.simulator.front.log.calls
    assert (first.subject, first.key) == (rma.id, "event-1")
    assert (first.effect, second.effect) == (1, None)


async def test_the_status_that_stands_is_taken_as_no_change(world: World) -> None:
    rma = world.shop.create()

    for _ in range(2):
        await world.client.put(f"/rma/{rma.id}/status", json={"status": "Done"})

    effects = [call.effect for call in world.simulator.front.log.calls]
    assert effects == [1, None]


@pytest.mark.parametrize("reported", [True, False])
async def test_a_parcel_at_a_dock_is_received_by_whoever_reports_or_in_the_end(
    world: World, *, reported: bool
) -> None:
    parcels: list[Box] = []

    async def dock(parcel: Box) -> None:
        parcels.append(parcel)
        (rma,) = world.shop.rmas.values()
        for status in ("Received", "Validated") if reported else ():
            world.shop.move(rma, rma.parcels[0], status, by_api=True)

    shoppers = Shoppers(
        world.shop, world.clock, dock=dock, patience=timedelta(minutes=1)
    )
    living = asyncio.create_task(shoppers.live(0.9))
    await world.clock.advance(timedelta(seconds=20))
    early = living.done()
    await world.clock.advance(timedelta(minutes=2))
    rma = await living

    assert early == reported
    assert len(parcels[0].units) == len(rma.units)
    assert (rma.status, rma.parcels[0].status) == ("Done", "Validated")
