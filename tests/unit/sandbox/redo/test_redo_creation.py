"""Returns that are created and imported by API, over HTTP."""

import httpx
import pytest
from pydantic import JsonValue

from bridge.sandbox.redo_ways import RedoWays
from bridge.sandbox.shop_returns import ShopReturn
from tests.unit.sandbox.redo.conftest import ADDRESS, Connect, Start, add

PATH, BULK = "/stores/s1/returns", "/stores/s1/returns/bulk"
KEY = {"Idempotency-Key": "key-1"}


def wanted(of: ShopReturn, **changed: object) -> dict[str, object]:
    """Return a request for a line that the shopper has kept so far."""
    order = of.order
    item = {
        "lineItemId": order.external_line_id(order.lines[3]),
        "quantity": 1,
        "reason": "Counter return",
        "compensation": "store_credit",
    }
    data = {
        "provider": "shopify",
        "externalOrderId": order.external_id,
        "items": [item],
        "shippingAddress": ADDRESS,
        **changed,
    }
    return {"data": data}


async def test_a_return_is_created_once_for_a_key(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    client, body = connect(shop), wanted(add(shop))

    first = await client.post(PATH, json=body, headers=KEY)
    again = await client.post(PATH, json=body, headers=KEY)
    listed = (await client.get(PATH)).json()["returns"]

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["return"]["id"] == again.json()["return"]["id"]
    assert len(listed) == 2
    assert first.json()["externalRMAResponses"] == []


async def test_a_created_return_says_what_was_filed(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    label = {"trackingNumber": "T-1", "trackingUrl": "https://track.example/T-1"}
    body = wanted(add(shop), label=label, notes="At the counter")

    made = (await connect(shop).post(PATH, json=body)).json()["return"]

    [item], [parcel] = made["items"], made["shipments"]
    assert made["source"]["mailingAddress"]["postalCode"] == "43004"
    assert (item["reason"], item["refund"]["type"]) == (
        "Counter return",
        "store_credit",
    )
    assert (parcel["tracker"], parcel["trackingUrl"]) == ("T-1", label["trackingUrl"])
    assert "postageLabel" not in parcel
    assert made["notes"] == [{"message": "At the counter"}]
    assert made["totals"]["refund"]["amount"]["amount"] == "0.00"


async def test_without_a_label_redo_buys_one(start: Start, connect: Connect) -> None:
    shop = await start()

    made = await connect(shop).post(PATH, json=wanted(add(shop)))

    assert made.json()["return"]["shipments"][0]["postageLabel"]


async def test_without_a_key_each_call_makes_a_return_until_no_unit_is_left(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    return_ = add(shop)
    client, body = connect(shop), wanted(return_)
    units = return_.order.lines[3].quantity

    answers = [await client.post(PATH, json=body) for _ in range(units + 1)]

    assert [each.status_code for each in answers] == [*([201] * units), 409]


async def test_a_key_is_for_one_return_only(start: Start, connect: Connect) -> None:
    shop = await start()
    return_, client = add(shop), connect(shop)
    await client.post(PATH, json=wanted(return_), headers=KEY)

    other = await client.post(PATH, json=wanted(return_, notes="else"), headers=KEY)

    assert other.status_code == 409


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"externalOrderId": "nobody's"}, 404),
        ({"items": []}, 400),
        ({"provider": ""}, 400),
        ({"shippingAddress": {**ADDRESS, "country": "USA"}}, 400),
        ({"label": {"carrier": "no number"}}, 400),
    ],
)
async def test_what_cannot_be_created_is_told(
    start: Start, connect: Connect, changed: dict[str, object], status: int
) -> None:
    shop = await start()
    body = wanted(add(shop), **changed)

    answer = await connect(shop).post(PATH, json=body)

    assert answer.status_code == status


@pytest.mark.parametrize(
    "changed",
    [{"lineItemId": "another"}, {"quantity": 0}, {"compensation": "exchange"}],
)
async def test_an_item_that_does_not_fit_is_told(
    start: Start, connect: Connect, changed: dict[str, object]
) -> None:
    shop = await start()
    body = wanted(add(shop))
    body["data"]["items"][0] |= changed  # type: ignore[index]  # a literal above

    answer = await connect(shop).post(PATH, json=body)

    assert answer.status_code == 400


async def test_a_3pl_may_refuse_a_return_that_was_created(
    start: Start, connect: Connect
) -> None:
    shop = await start(ways=RedoWays(rma="failed"))
    body = {**wanted(add(shop)), "options": {"createExternalRMAs": True}}

    answer = await connect(shop).post(PATH, json=body)

    [rma] = answer.json()["externalRMAResponses"]
    assert (answer.status_code, rma["success"]) == (201, False)
    assert rma["errorCode"]
    assert rma["errorMessage"]


async def test_a_3pl_is_asked_only_if_that_is_wanted(
    start: Start, connect: Connect
) -> None:
    shop = await start(ways=RedoWays(rma="made"))
    return_, client = add(shop), connect(shop)

    silent = await client.post(PATH, json=wanted(return_))
    body = {**wanted(add(shop, 1)), "options": {"createExternalRMAs": True}}
    asked = await client.post(PATH, json=body)

    assert silent.json()["externalRMAResponses"] == []
    assert [each["success"] for each in asked.json()["externalRMAResponses"]] == [True]


# ------------------------------------------------------------------------- import


async def stocked(client: httpx.AsyncClient) -> str:
    """Upload a product and return its `prd_` id."""
    variant = {"sku": "MUG-TEAL", "price": 1800, "currency": "USD", "title": "Teal"}
    family = {"title": "Stoneware Mug", "variants": [variant]}
    path = "/stores/s1/products/bulk-upload"
    answer = await client.post(path, json={"products": [family]})
    return str(answer.json()["results"][0]["products"][0]["id"])


def row(product: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"products": [{"productId": product, "quantity": 2}], **more}


async def imported(
    client: httpx.AsyncClient, *rows: dict[str, JsonValue]
) -> dict[str, JsonValue]:
    answer = await client.post(BULK, json={"returns": list(rows)})
    assert answer.status_code == 200
    return dict(answer.json())


async def test_rows_are_answered_one_by_one(start: Start, connect: Connect) -> None:
    client = connect(await start())
    product = await stocked(client)

    answer = await imported(client, row(product), row("prd_NOBODY"), row(product))

    results = answer.pop("results")
    assert isinstance(results, list)
    assert answer == {"totalCount": 3, "processedCount": 2, "errorCount": 1}
    told = [(each["index"], each["status"]) for each in results]  # type: ignore[index,call-overload]  # objects
    assert told == [(0, "created"), (1, "error"), (2, "created")]


async def test_a_row_is_imported_once_for_its_key(
    start: Start, connect: Connect
) -> None:
    client = connect(await start())
    product = await stocked(client)
    rows = [row(product, idempotencyKey=key) for key in ("a", "a", "b")]

    first = await imported(client, *rows)
    again = await imported(client, *rows)
    listed = (await client.get(PATH)).json()["returns"]

    assert first["results"] == again["results"]
    assert len(listed) == 2


async def test_an_imported_return_has_no_order_and_perhaps_no_shopper(
    start: Start, connect: Connect
) -> None:
    client = connect(await start())
    product = await stocked(client)
    customer: JsonValue = {"firstName": "Fictiva", "email": "f@example.com"}
    named = row(product, customer=customer, trackingNumber="T-7", notes="Old")

    await imported(client, row(product), named)
    page = (await client.get(PATH)).json()

    with_, without = page["returns"]
    assert page["orders"] == []
    assert not {"order", "source", "externalOrderIds"} & set(without)
    assert with_["source"]["emailAddress"] == "f@example.com"
    assert with_["shipments"][0]["tracker"] == "T-7"
    assert (with_["items"][0]["productId"], with_["items"][0]["quantity"]) == (
        product,
        2,
    )
    assert "orderItem" not in with_["items"][0]
    assert set((await client.get(f"/returns/{with_['id']}")).json()) == {"return"}


@pytest.mark.parametrize(("rows", "status"), [(0, 400), (100, 200), (101, 400)])
async def test_an_import_has_one_to_a_hundred_rows(
    start: Start, connect: Connect, rows: int, status: int
) -> None:
    client = connect(await start())
    product = await stocked(client)

    answer = await client.post(BULK, json={"returns": [row(product)] * rows})

    assert answer.status_code == status


async def test_without_a_catalogue_nothing_can_be_imported(
    start: Start, connect: Connect
) -> None:
    answer = await connect(await start()).post(BULK, json={"returns": [row("prd_1")]})

    assert answer.status_code == 400
    assert "catalogue" in answer.json()["title"]
