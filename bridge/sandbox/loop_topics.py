"""What the simulated Loop tells on its smaller topics: labels, commands, failures."""

from datetime import datetime

from bridge.sandbox.loop_bodies import Json, form, moment, money
from bridge.sandbox.loop_returns import LabelRequest, LoopReturn

_SHOPPER = ("7 Fixture Lane", "Testville", "Ohio", "00000")
_DOCK = ("100 Mock Dock", "Stubton", "Nevada", "00001")

#: The pairs that make sense; others may be registered and send empty bodies.
PAIRS = (
    ("return", "return.created"),
    ("return", "return.updated"),
    ("return", "return.closed"),
    ("return.processing", "return.processing.failed"),
    ("label", "label.created"),
    ("label", "label.updated"),
    ("label.request", "label.request.issued"),
    ("label.request", "label.request.cancelled"),
    ("restock", "restock.requested"),
    ("giftcard", "giftcard.requested"),
    ("happy.returns.shipment", "shipment.processed"),
)


def label(return_: LoopReturn, trigger: str, shop: int, *, as_text: bool) -> Json:
    """Return the body of topic `label`: `id` is the return."""
    known = return_.label
    return {
        "topic": "label",
        "trigger": trigger,
        "shop_id": form(shop, as_text=as_text),
        "id": form(return_.id, as_text=as_text),
        "order_id": form(return_.order, as_text=as_text),
        "provider_order_id": return_.order + 990_000_000_000,
        "carrier": known.carrier if known else "",
        "tracking_number": known.tracking_number if known else "N/A",
        "label_status": known.status if known else "pending",
        "label_updated_at": known.updated_at.isoformat() if known else None,
        "shipment_id": known.shipment if known else None,
    }


def label_request(
    return_: LoopReturn,
    request: LabelRequest,
    trigger: str,
    *,
    shop: int,
    as_text: bool,
) -> Json:
    """Return the body of topic `label.request`: `id` is the request."""
    return {
        "topic": "label.request",
        "trigger": trigger,
        "id": request.id,
        "return_id": form(return_.id, as_text=as_text),
        "shop_id": shop,
        "created_at": moment(request.created_at),
        "addresses": {
            "origin": _address(f"{return_.shopper} Testperson", *_SHOPPER),
            "destination": _address("Returns (demo)", *_DOCK) | {"company": "Demo"},
        },
        "parcel": {"height": 12, "width": 18.5, "length": 30.1, "weight": 1200},
        "products": [
            {
                "name": unit.title,
                "sku": unit.sku,
                "hs_code": "000000",
                "country_of_origin": "ZZ",
                "price": {"amount": unit.cents, "currency": "USD"},
            }
            for unit in return_.units
        ],
    }


def _address(name: str, street: str, city: str, state: str, zip_: str) -> Json:
    return {
        "name": name,
        "company": None,
        "address1": street,
        "address2": None,
        "city": city,
        "state": state,
        "zip": zip_,
        "country": "United States",
        "country_code": "US",
        "phone": "",
    }


def gift_card(
    number: int, return_: LoopReturn, *, out_of_stock: bool, as_text: bool
) -> Json:
    """Return the command to issue credit; without return when out of stock."""
    return {
        "topic": "giftcard",
        "trigger": "giftcard.requested",
        "id": form(number, as_text=as_text),
        "total_credit_issued": money(return_.cents),
        "gift_card_subtotal": money(return_.cents),
        "gift_card_tax": "0.00",
        "gift_card_bonus_credit": "0.00",
        "currency": "USD",
        "return_id": None if out_of_stock else form(return_.id, as_text=as_text),
        "email": return_.email,
        "first_name": return_.shopper,
        "last_name": "Testperson",
        "external_order_id": return_.order + 990_000_000_000,
        "external_order_name": return_.order_name,
        "external_order_number": return_.order,
    }


def restock(return_: LoopReturn, *, as_text: bool) -> Json:
    """Return the command to put goods back into stock."""
    return {
        "topic": "restock",
        "trigger": "restock.requested",
        "id": form(return_.id, as_text=as_text),
        "order_id": return_.order,
        "provider_order_id": return_.order + 990_000_000_000,
        "restock_items": [
            {
                "location_id": 4242,
                "variant_id": 810_000 + unit.order_line,
                "inventory_item_id": 830_000 + unit.order_line,
                "available_adjustment": 1,
                "inventory_management": "shopify",
            }
            for unit in return_.units
        ],
    }


def processing_failed(
    return_: LoopReturn, source: str | None, *, as_text: bool
) -> Json:
    """Return the news that what was queued did not happen."""
    return {
        "topic": "return.processing",
        "trigger": "return.processing.failed",
        "return_id": form(return_.id, as_text=as_text),
        "return_state": return_.state,
        "message": "Something went wrong" if source else None,
        "source": source,
    }


def hub_shipment(number: int, at: datetime, *, as_text: bool) -> Json:
    """Return the news of a Happy Returns hub: it names no return."""
    return {
        "topic": "happy.returns.shipment",
        "trigger": "shipment.processed",
        "loop_shipment_id": form(number, as_text=as_text),
        "happy_returns_shipment_id": f"{at:%y%j}{number}",
    }
