"""The shop's returns and orders as Redo writes them (redo.md, sections 7 and 8)."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from bridge.sandbox.catalogue import Product, Shopper
from bridge.sandbox.front import Json
from bridge.sandbox.redo_orders import cover, money, name, order_body, tax, variant
from bridge.sandbox.shop_returns import (
    Label,
    Order,
    ReturnLine,
    ShopReturn,
)

MERCHANT = "Fernhollow Demo Goods"


def rfc3339(moment: datetime) -> str:
    """Return a moment as Redo writes it, with milliseconds."""
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def webhook_body(kind: str, at: datetime, return_: ShopReturn) -> Json:
    """Return the envelope of section 5.2 around the full snapshot."""
    return {
        "type": kind,
        "at": rfc3339(at),
        "merchantName": MERCHANT,
        **return_and_order(return_),
    }


def return_and_order(return_: ShopReturn) -> Json:
    """Return a return beside its order; an imported one has none."""
    body: Json = {"return": return_body(return_)}
    if return_.order.known:
        body["order"] = order_body(return_.order)
    return body


def return_body(return_: ShopReturn) -> Json:
    """Return section 7's `return` object."""
    body = {**_body(return_), **_shipments(return_), **_exchange(return_)}
    return body if return_.order.known else _orderless(return_.order, body)


def _orderless(order: Order, body: Json) -> Json:
    """An import breaks what the contract calls required: order, perhaps source."""
    gone = {"order", "externalOrderIds", "shopifyOrderIds", "externalReturnIds"}
    if not order.shopper.email:
        gone.add("source")
    return {name: value for name, value in body.items() if name not in gone}


def _body(return_: ShopReturn) -> Json:
    order = return_.order
    return {
        "id": return_.id,
        "type": "return",
        "status": return_.status,
        "createdAt": rfc3339(return_.created_at),
        "updatedAt": rfc3339(return_.updated_at),
        "order": {"id": order.id, "name": order.name},
        "externalOrderIds": [order.external_id],
        "externalReturnIds": [
            {"provider": "shopify", "value": str(990_000 + order.number)}
        ],
        "shopifyOrderIds": [order.external_id],
        "compensationMethods": ["refund", "store_credit", "exchange"],
        "completeWithNoAction": all(line.green for line in return_.lines),
        "items": [_item(return_, line) for line in return_.lines],
        "source": _source(order.shopper),
        "destination": _DESTINATION,
        "dropoffs": [],
        "giftCards": _gift_cards(return_),
        "totals": _totals(return_),
        "tags": [{"name": tag, "source": "flow"} for tag in return_.tags],
        "notes": [dict(comment) for comment in return_.comments],
        "protection": _return_protection(order),
    }


_DESTINATION: Json = {
    "mailingAddress": {
        "line1": "100 Mock Dock",
        "line2": "Door 9",
        "city": "Stubton",
        "state": "NV",
        "postalCode": "00001",
        "country": "US",
    },
    "phoneNumber": "+12025550100",
}


def _source(shopper: Shopper) -> Json:
    return {
        "emailAddress": shopper.email,
        "name": name(shopper),
        "mailingAddress": {
            "line1": shopper.street,
            "line2": "",
            "city": shopper.city,
            "state": shopper.state,
            "postalCode": shopper.postal_code,
            "country": shopper.country,
        },
        "phoneNumber": shopper.phone,
    }


def _item(return_: ShopReturn, line: ReturnLine) -> Json:
    order, product = return_.order, line.line.product
    code, reason = line.reason
    value = product.cents * line.quantity
    body: Json = {
        "id": line.id,
        **_order_item(order, line),
        "externalReturnLineItemId": f"rli-{line.id[-6:]}",
        "productId": product.product_id,
        "variantId": product.variant_id,
        "sku": product.sku,
        "upc": product.upc,
        "quantity": line.quantity,
        "status": line.status,
        "grade": None,
        "outcome": None,
        "greenReturn": line.green,
        "reason": reason,
        "reasonCode": code,
        "reasons": [reason],
        "reasonCodes": [code],
        "customerComment": line.comment,
        "multipleChoiceQuestions": _questions(line),
        "shipmentGroupIds": [] if line.group is None else [line.group],
        "productValueNoTaxNoAdjustment": {"amount": money(value)},
    }
    return {**body, **_compensation(return_, line)}


def _order_item(order: Order, line: ReturnLine) -> Json:
    if not order.known:
        return {}
    item: Json = {
        "id": order.line_id(line.line),
        "line_item_id": order.external_line_id(line.line),
    }
    return {"orderItem": item}


def _questions(line: ReturnLine) -> list[JsonValue]:
    opened = "Yes" if line.reason[0] == "damaged" else "Only to have a look at it"
    return [
        {"question": "Have you opened the package?", "answer": opened},
        {"question": "Are the labels still attached?", "answer": "Yes, all of them"},
    ]


def _compensation(return_: ShopReturn, line: ReturnLine) -> Json:
    if line.exchange_for is not None:
        wanted = line.exchange_for
        item: Json = {
            "product": {"externalId": wanted.product_id, "name": wanted.name},
            "variant": {"externalId": wanted.variant_id, "name": wanted.variant},
            "quantity": line.quantity,
        }
        return {"exchangeItem": item}
    is_credit = return_.compensates(line) == "store_credit"
    kind = "store_credit" if is_credit else "original_payment"
    return {"refund": {"amount": money(_value(line)), "type": kind}}


def _value(line: ReturnLine) -> int:
    goods = line.line.product.cents * line.quantity
    return goods + tax(goods)


def _lines_for(return_: ShopReturn, compensation: str) -> list[ReturnLine]:
    return [
        line
        for line in return_.lines
        if return_.compensates(line) == compensation and line.status != "rejected"
    ]


def _owed(return_: ShopReturn, compensation: str) -> int:
    """Return what goes to the shopper: once, or as often as it was paid."""
    lines = _lines_for(return_, compensation)
    return sum(_value(line) * max(line.paid, 1) for line in lines)


def _totals(return_: ShopReturn) -> Json:
    new = sum(
        line.exchange_for.cents * line.quantity
        for line in return_.lines
        if line.exchange_for is not None
    )
    charge = max(0, new + tax(new) - _owed(return_, "exchange")) if new else 0
    return {
        "refund": {"amount": money(_owed(return_, "refund"))},
        "exchange": {"amount": money(new)},
        "storeCredit": {"amount": money(_owed(return_, "store_credit"))},
        "charge": {"amount": money(charge)},
        "shippingFee": {"amount": money(0)},
    }


def _gift_cards(return_: ShopReturn) -> list[JsonValue]:
    lines = _lines_for(return_, "store_credit")
    amount = money(sum(_value(line) for line in lines))
    return [
        {
            "externalId": f"gc-{return_.order.number}-{number}",
            "code": code,
            "amount": amount,
        }
        for number, code in enumerate(return_.gift_cards)
    ]


def _shipments(return_: ShopReturn) -> Json:
    """Redo repeats one of the parcels beside the list of all."""
    if not return_.labels:
        return {"shipments": []}
    parcels: list[JsonValue] = [_parcel(label) for label in return_.labels]
    return {"shipment": parcels[0], "shipments": parcels}


def _parcel(label: Label) -> Json:
    body: Json = {
        "carrier": label.carrier,
        "status": label.status,
        "tracker": label.tracker,
        "shipmentGroupId": label.group,
        "itemIds": list(label.item_ids),
        **_urls(label),
    }
    if label.delivered_at is not None:
        body["deliveredAt"] = rfc3339(label.delivered_at)
    return body


def _urls(label: Label) -> Mapping[str, str]:
    """Return what was handed in with the label, or what Redo made for its own."""
    if label.urls is not None:
        return label.urls
    return {
        "trackingUrl": f"https://track.demopost.example/{label.tracker}",
        "postageLabel": f"https://labels.example/{label.tracker}.pdf",
        "formLabel": f"https://labels.example/{label.tracker}-form.pdf",
    }


def _exchange(return_: ShopReturn) -> Json:
    wanted = [line for line in return_.lines if line.exchange_for is not None]
    if not wanted:
        return {}
    items: list[JsonValue] = [
        _exchange_item(line.id, line.exchange_for, line.quantity)
        for line in wanted
        if line.exchange_for is not None
    ]
    exchange: Json = {
        "itemCount": sum(line.quantity for line in wanted),
        "provision": return_.provision,
        "items": items,
        "totalTax": money(tax(sum(_value(line) for line in wanted))),
    }
    if return_.exchange_order is not None:
        exchange["order"] = {"externalId": return_.exchange_order}
    return {"exchange": exchange}


def _exchange_item(line_id: str, product: Product, quantity: int) -> Json:
    price = money(product.cents)
    return {
        "id": f"ec{line_id[2:]}",
        "originalPrice": price,
        "price": {**price, "tax": str(money(tax(product.cents))["amount"])},
        "product": {"externalId": product.product_id, "name": product.name},
        "variant": variant(product),
        "quantity": quantity,
    }


def _return_protection(order: Order) -> Json:
    reason = "REDO_ORDER_HAS_RETURNS_COVERAGE" if order.covered else "SHOPPER_UNCOVERED"
    payer = "redo" if order.covered else "customer"
    return {**cover(order), "labelPayer": payer, "labelPayerReason": reason}
