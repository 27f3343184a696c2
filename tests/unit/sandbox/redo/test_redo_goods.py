"""Custom orders, the upload of products, and tags, over HTTP."""

import copy
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue

from bridge.sandbox.simulators import ShopSimulator
from tests.support.leaping import LeapingClock
from tests.unit.sandbox.redo.conftest import ADDRESS, Connect, Start, add

CUSTOM, UPLOAD = "/stores/s1/custom/orders", "/stores/s1/products/bulk-upload"
TAGS = "/stores/s1/return-tags"
EUROS: JsonValue = {"amount": "30.00", "currencyCode": "EUR"}
PRICE: JsonValue = {"presentmentMoney": EUROS, "shopMoney": EUROS}


def custom(**changed: JsonValue) -> dict[str, JsonValue]:
    """Return an order of one line, of which one of two units may come back."""
    line: dict[str, JsonValue] = {
        "id": "L1",
        "title": "Stoneware Mug",
        "productId": "700100",
        "sku": "MUG-TEAL",
        "quantity": 2,
        "returnableQuantity": 1,
        "priceSet": PRICE,
        "weight": {"value": 800, "unit": "kg"},
    }
    return {
        "id": "FH-EU-31",
        "type": "order",
        "createdAt": "2027-02-25T09:00:00Z",
        "updatedAt": "2027-03-12T09:00:00Z",
        "presentmentCurrency": "EUR",
        "shopCurrency": "EUR",
        "customer": {"email": "f@example.com", "firstName": "F", "lastName": "T"},
        "shippingAddress": {
            "address1": "7 Fixture Lane",
            "city": "Testville",
            "provinceCode": "ZZ",
            "zip": "00000",
            "countryCode": "DE",
        },
        "lineItems": [line],
        "orderDiscounts": [],
        "shippingLines": [],
        "fulfillments": [],
        **changed,
    }


async def returned(client: httpx.AsyncClient) -> httpx.Response:
    item = {"lineItemId": "L1", "quantity": 1, "reason": "x", "compensation": "refund"}
    data = {
        "provider": "custom",
        "externalOrderId": "FH-EU-31",
        "items": [item],
        "shippingAddress": ADDRESS,
    }
    return await client.post("/stores/s1/returns", json={"data": data})


async def test_a_custom_order_is_an_upsert(start: Start, connect: Connect) -> None:
    client = connect(await start())

    first = await client.post(CUSTOM, json=custom())
    again = await client.post(CUSTOM, json=custom())

    assert (first.status_code, again.status_code) == (200, 200)
    assert set(first.json()) == {"message", "orderId", "redoId"}
    assert first.json()["redoId"] == again.json()["redoId"]


async def test_a_custom_order_can_be_returned_as_far_as_it_says(
    start: Start, connect: Connect
) -> None:
    client = connect(await start())

    before = await returned(client)
    await client.post(CUSTOM, json=custom())
    first, second = await returned(client), await returned(client)

    assert [each.status_code for each in (before, first, second)] == [404, 201, 409]
    made = first.json()["return"]
    assert made["items"][0]["orderItem"]["line_item_id"] == "L1"
    assert made["order"]["name"] == "#FH-EU-31"


async def test_weights_are_grams_whatever_the_unit(
    start: Start, connect: Connect
) -> None:
    client = connect(await start())
    await client.post(CUSTOM, json=custom())
    made = (await returned(client)).json()["return"]

    order = (await client.get(f"/returns/{made['id']}")).json()["order"]

    assert order["items"][0]["variant"]["weight"] == {"kg": 0.8}


async def test_a_refund_of_an_unknown_line_is_ignored(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    lines: list[JsonValue] = [
        {"lineItemId": id_, "quantity": 1, "subtotalSet": PRICE, "totalTaxSet": PRICE}
        for id_ in ("L1", "L7")
    ]
    at = "2027-03-12T08:59:00Z"
    refunds: list[JsonValue] = [{"id": "R-1", "createdAt": at, "lineItems": lines}]

    answer = await connect(shop).post(CUSTOM, json=custom(refunds=refunds))

    assert answer.status_code == 200
    kept = shop.custom.refunds["FH-EU-31"]
    assert [each["line"] for each in kept] == ["L1"]


async def test_what_does_not_fit_is_told_in_the_structure_of_the_request(
    start: Start, connect: Connect
) -> None:
    body = copy.deepcopy(custom(type="basket"))
    del body["lineItems"][0]["sku"]  # type: ignore[union-attr,index,arg-type]  # a literal above

    answer = await connect(await start()).post(CUSTOM, json=body)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "errors"}
    assert set(answer.json()["errors"]) == {"type", "lineItems"}
    assert set(answer.json()["errors"]["lineItems"]["0"]) == {"sku"}


async def test_ids_of_lines_are_unique_and_that_is_no_matter_of_the_schema(
    start: Start, connect: Connect
) -> None:
    body = custom()
    lines = body["lineItems"]
    assert isinstance(lines, list)

    twice = custom(lineItems=lines * 2)
    answer = await connect(await start()).post(CUSTOM, json=twice)

    assert (answer.status_code, list(answer.json())) == (400, ["error"])


# ----------------------------------------------------------------------- products


def family(title: str, *skus: str, **more: JsonValue) -> dict[str, JsonValue]:
    variants: list[JsonValue] = [
        {"sku": sku, "price": 1800, "currency": "USD"} for sku in skus
    ]
    return {"title": title, "variants": variants, **more}


async def uploaded(
    client: httpx.AsyncClient, *families: dict[str, JsonValue]
) -> httpx.Response:
    return await client.post(UPLOAD, json={"products": list(families)})


async def test_one_upload_runs_at_a_time(start: Start, connect: Connect) -> None:
    clock = LeapingClock()
    shop = await start(clock=clock)
    shop.products.takes = timedelta(minutes=1)
    client = connect(shop)

    first = await uploaded(client, family("Mug", "M"))
    meanwhile = await uploaded(client, family("Mug", "M"))
    clock.leap(timedelta(minutes=1))
    later = await uploaded(client, family("Mug", "M"))

    statuses = [each.status_code for each in (first, meanwhile, later)]
    assert statuses == [200, 409, 200]


async def test_a_family_is_known_by_its_id_its_external_id_or_a_sku(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    shop.products.takes = timedelta()
    client = connect(shop)
    made = await uploaded(client, family("Mug", "M", external_id="e-1"))
    [first] = made.json()["results"]
    own_id = first["product_family_id"]

    again = await uploaded(
        client,
        family("Mug", "N", product_family_id=own_id),
        family("Mug", "O", external_id="e-1"),
        family("Mug", "M"),
        family("Rug", "R"),
        family("Rug", "R", product_family_id="pfa_nobody"),
    )

    body = again.json()
    statuses = [each["status"] for each in body["results"]]
    assert statuses == ["updated", "updated", "updated", "created", "error"]
    assert [body["total_count"], body["processed_count"], body["error_count"]] == [
        5,
        4,
        1,
    ]
    assert body["results"][2]["products"] == first["products"]
    assert first["products"][0]["id"].startswith("prd_")


@pytest.mark.parametrize(
    "products",
    [
        [],
        [{"title": "", "variants": []}],
        [family("Mug")],
        [{"title": "M", "variants": [{"sku": "S", "price": 1.5, "currency": "USD"}]}],
        [family("Mug", "M")] * 1001,
    ],
    ids=["none", "no title", "no variant", "major units", "too many"],
)
async def test_an_upload_that_does_not_fit_is_refused(
    start: Start, connect: Connect, products: list[JsonValue]
) -> None:
    answer = await connect(await start()).post(UPLOAD, json={"products": products})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"


# --------------------------------------------------------------------------- tags


async def tagged(client: httpx.AsyncClient, simulator: ShopSimulator) -> str:
    """Set up a tag and let a return wear it; give the return's path."""
    await client.put(f"{TAGS}/To%20check", json={"pillTheme": "DANGER"})
    return_ = add(simulator)
    simulator.shop.change(return_.id, lambda each, _: each.tags.append("To check"))
    return f"/returns/{return_.id}"


async def worn(client: httpx.AsyncClient, path: str) -> list[str]:
    return [tag["name"] for tag in (await client.get(path)).json()["return"]["tags"]]


async def test_a_tag_is_set_up_and_recoloured(start: Start, connect: Connect) -> None:
    client = connect(await start())

    first = await client.put(f"{TAGS}/New", json={"pillTheme": "DANGER"})
    again = await client.put(f"{TAGS}/New", json={"pillTheme": "SUCCESS"})
    listed = (await client.get(TAGS)).json()["tags"]

    assert (first.status_code, again.status_code) == (200, 200)
    assert listed == [again.json()["tag"]]
    assert set(listed[0]) == {"name", "kind", "pillTheme", "source", "numericId"}
    assert listed[0]["pillTheme"] == "SUCCESS"


async def test_a_new_name_goes_on_to_returns_and_is_given_once(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    client = connect(shop)
    path = await tagged(client, shop)
    change = {"pillTheme": "DANGER", "newName": "Checked"}

    first = await client.put(f"{TAGS}/To%20check", json=change)
    again = await client.put(f"{TAGS}/To%20check", json=change)

    assert await worn(client, path) == ["Checked"]
    assert (first.status_code, again.status_code) == (200, 400)
    type_ = "com.getredo.api:return-tag/rename-precondition-failed"
    assert again.json()["type"] == type_


async def test_a_deleted_tag_comes_off_every_return(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    client = connect(shop)
    path = await tagged(client, shop)

    gone = await client.delete(f"{TAGS}/To%20check")
    again = await client.delete(f"{TAGS}/To%20check")

    assert (gone.json(), again.status_code) == ({"success": True}, 400)
    assert await worn(client, path) == []


async def test_a_tag_has_one_of_the_known_colours(
    start: Start, connect: Connect
) -> None:
    answer = await connect(await start()).put(f"{TAGS}/New", json={"pillTheme": "PUCE"})

    assert answer.status_code == 400
    assert answer.json()["type"] == "com.getredo.api:return-tag/invalid-request"
