"""The Orders API: orders and the parcels that take them to the shopper, over HTTP."""

import httpx
import pytest
from pydantic import JsonValue

from tests.unit.sandbox.redo.conftest import Connect, Start

ORDERS = "/stores/s1/orders"
ORDER: dict[str, JsonValue] = {
    "orderId": "FH-2001",
    "createdAt": "2027-02-25T09:00:00Z",
    "lineItems": [
        {"id": "L1", "productId": "7", "title": "Mug", "quantity": 2, "price": 18.0}
    ],
    "totalPrice": 43.06,
    "locationId": "loc_demo_a",
}
LINES: list[JsonValue] = [{"id": "L1", "quantity": 2}]


@pytest.fixture
async def client(start: Start, connect: Connect) -> httpx.AsyncClient:
    """Give a client of a shop that knows one order."""
    made = connect(await start())
    answer = await made.post(ORDERS, json=ORDER)
    assert answer.status_code == 200
    return made


async def fulfilled(client: httpx.AsyncClient, **how: JsonValue) -> httpx.Response:
    path, body = f"{ORDERS}/FH-2001/fulfillments", {"lineItems": LINES, **how}
    return await client.post(path, json=body)


async def told(client: httpx.AsyncClient, status: str, **more: str) -> httpx.Response:
    path = f"{ORDERS}/FH-2001/fulfillments/F-1/shipment-status"
    return await client.post(path, json={"status": status, **more})


async def parcels(client: httpx.AsyncClient) -> list[dict[str, JsonValue]]:
    return list((await client.get(f"{ORDERS}/FH-2001")).json()["fulfillments"])


async def test_an_order_is_filed_once(client: httpx.AsyncClient) -> None:
    again = await client.post(ORDERS, json=ORDER)

    assert again.status_code == 409
    assert list(again.json()) == ["error"]


@pytest.mark.parametrize(
    "changed",
    [
        {"lineItems": []},
        {"lineItems": [{"id": "1", "productId": "1", "title": "x", "quantity": 1001}]},
        {"createdAt": "yesterday"},
        {"totalPrice": -1},
        {"locationId": "somewhere"},
    ],
    ids=str,
)
async def test_an_order_that_does_not_fit_is_an_error(
    client: httpx.AsyncClient, changed: dict[str, JsonValue]
) -> None:
    answer = await client.post(ORDERS, json={**ORDER, "orderId": "new", **changed})

    assert (answer.status_code, list(answer.json())) == (400, ["error"])


async def test_reading_takes_either_id_or_the_name_and_writing_no_name(
    client: httpx.AsyncClient,
) -> None:
    filed = await client.post(ORDERS, json={**ORDER, "orderId": "FH-2"})
    ids = [filed.json()["orderId"], "FH-2", "%23FH-2"]

    reads = [await client.get(f"{ORDERS}/{id_}") for id_ in ids]
    by_name = await client.delete(f"{ORDERS}/%23FH-2")
    by_id = await client.delete(f"{ORDERS}/{ids[0]}")
    gone = await client.get(f"{ORDERS}/FH-2")

    assert [each.json()["orderId"] for each in reads] == ["FH-2"] * 3
    assert reads[0].json()["totalPrice"] == 43.06
    assert (by_name.status_code, by_id.status_code, gone.status_code) == (404, 200, 404)
    assert by_id.json() == {"success": True, **filed.json()}


async def test_a_dummy_parcel_moves_as_it_is_told(client: httpx.AsyncClient) -> None:
    made = await fulfilled(client, fulfillmentId="F-1", useDummyTracking=True)
    start = made.json()["fulfillment"]

    await told(client, "in_transit", message="Off it goes")
    await told(client, "delivered", datetime="2027-02-28T10:00:00Z")
    [parcel] = await parcels(client)

    assert (made.json()["success"], start["status"]) == (True, "pre_transit")
    assert start["trackingNumber"].startswith("DUMMY-")
    assert parcel["status"] == "delivered"
    assert parcel["deliveredAt"] == "2027-02-28T10:00:00.000Z"
    history = parcel["trackingHistory"]
    assert isinstance(history, list)
    assert [each["status"] for each in history] == [  # type: ignore[index,call-overload]  # objects
        "pre_transit",
        "in_transit",
        "delivered",
    ]


async def test_a_dummy_may_begin_elsewhere_and_only_a_dummy(
    client: httpx.AsyncClient,
) -> None:
    first: JsonValue = {"status": "out_for_delivery", "location": {"city": "Demo"}}

    dummy = await fulfilled(client, useDummyTracking=True, initialTracking=first)
    real = await fulfilled(client, initialTracking=first)

    parcel = dummy.json()["fulfillment"]
    assert parcel["status"] == "out_for_delivery"
    assert parcel["trackingHistory"][0]["location"]["city"] == "Demo"
    assert real.status_code == 400


async def test_without_the_dummy_nothing_is_known_yet(
    client: httpx.AsyncClient,
) -> None:
    carried: JsonValue = {"carrier": "DemoPost", "code": "OUT-1"}

    made = (await fulfilled(client, tracking=carried)).json()["fulfillment"]

    assert (made["status"], made["trackingHistory"]) == ("unknown", [])
    assert (made["trackingCompany"], made["trackingNumber"]) == ("DemoPost", "OUT-1")
    assert made["id"]


@pytest.mark.parametrize("status", ["stalled_in_transit", "delayed", "arriving_early"])
async def test_what_is_for_automations_moves_no_status(
    client: httpx.AsyncClient, status: str
) -> None:
    await fulfilled(client, fulfillmentId="F-1", useDummyTracking=True)

    await told(client, status, estimatedDeliveryDate="2027-03-03T00:00:00Z")
    [parcel] = await parcels(client)

    history = parcel["trackingHistory"]
    assert isinstance(history, list)
    assert (parcel["status"], len(history)) == ("pre_transit", 2)
    assert parcel["estimatedDeliveryDate"] == "2027-03-03"


async def test_what_is_filed_twice_stands_twice(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await fulfilled(client, fulfillmentId="F-1", useDummyTracking=True)
        await told(client, "in_transit")

    first, second = await parcels(client)
    assert first["id"] == second["id"] == "F-1"
    assert len(str(first["trackingHistory"])) > len(str(second["trackingHistory"]))


async def test_what_is_not_there_or_does_not_fit_is_told(
    client: httpx.AsyncClient,
) -> None:
    await fulfilled(client, fulfillmentId="F-1")
    other = f"{ORDERS}/FH-2001/fulfillments/F-2/shipment-status"

    answers = [
        await told(client, "unknown"),
        await told(client, "dancing"),
        await client.post(other, json={"status": "in_transit"}),
        await client.get(f"{ORDERS}/nobody's"),
        await client.post(
            f"{ORDERS}/FH-2001/fulfillments",
            json={"lineItems": [{"id": "L9", "quantity": 1}]},
        ),
    ]

    assert [each.status_code for each in answers] == [400, 400, 404, 404, 400]
    assert {"error"} == {name for each in answers for name in each.json()}
