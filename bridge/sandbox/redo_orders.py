"""The shop's orders as Redo writes them (redo.md, section 8), and their money."""

from bridge.sandbox.catalogue import Product, Shopper
from bridge.sandbox.front import Json
from bridge.sandbox.shop_returns import Order, OrderLine

_TAX_PERCENT = 6
_SHIPPING_CENTS = 490


def order_body(order: Order) -> Json:
    """Return section 8's `order` object."""
    goods = sum(line.product.cents * line.quantity for line in order.lines)
    taxes = tax(goods)
    return {
        "id": order.id,
        "externalId": order.external_id,
        "name": order.name,
        "customer": {
            "emailAddress": order.shopper.email,
            "name": name(order.shopper),
            "phoneNumber": order.shopper.phone,
        },
        "items": [_order_item(order, line) for line in order.lines],
        "discounts": money(0),
        "lineItemsTotal": money(goods),
        "shippingCost": money(_SHIPPING_CENTS),
        "taxes": money(taxes),
        "total": money(goods + taxes + _SHIPPING_CENTS),
        "protection": cover(order),
    }


def money(cents: int) -> Json:
    return {"amount": f"{cents // 100}.{cents % 100:02d}", "currency": "USD"}


def tax(cents: int) -> int:
    return cents * _TAX_PERCENT // 100


def name(shopper: Shopper) -> Json:
    return {"given": shopper.given, "surname": shopper.surname}


def variant(product: Product) -> Json:
    return {
        "externalId": product.variant_id,
        "name": product.variant,
        "sku": product.sku,
        "weight": {"kg": product.kg},
    }


def _order_item(order: Order, line: OrderLine) -> Json:
    return {
        "id": order.line_id(line),
        "externalId": order.external_line_id(line),
        "fulfillmentLocationId": "loc_demo_a",
        "product": {"externalId": line.product.product_id, "name": line.product.name},
        "variant": variant(line.product),
        "quantity": line.quantity,
        "price": money(line.product.cents),
    }


def cover(order: Order) -> Json:
    return {
        "covered": order.covered,
        "returnsCoverage": order.covered,
        "packageProtection": False,
        "finalSaleCoverage": False,
    }
