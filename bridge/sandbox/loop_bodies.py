"""What the simulated Loop writes: bodies of webhooks, list and details.

Webhooks are JSON as PHP writes it: no spaces, slashes escaped, nothing but ASCII. Ids
are numbers in one body and text in the next; the list has them as text, details as
numbers. Each form leaves something out that another has.
"""

import json
from datetime import UTC, datetime

from pydantic import JsonValue

from bridge.sandbox.loop_returns import LoopReturn, LoopUnit

Json = dict[str, JsonValue]

_NO_LABEL = "N/A"


def php(body: Json) -> bytes:
    """Return the bytes that Loop signs."""
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").encode()


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def moment(at: datetime | None) -> str | None:
    """Return a time as most fields have it."""
    if at is None:
        return None
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis(at: datetime) -> str:
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text[:-3]}Z"


def zoneless(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def form(id_: int, *, as_text: bool) -> int | str:
    """Return an id in one of the two forms it comes in."""
    return str(id_) if as_text else id_


def webhook(return_: LoopReturn, trigger: str, shop: int, *, as_text: bool) -> Json:
    """Return the body of topic `return`: no `updated_at`, no order ids."""
    first = return_.shopper
    return {
        "topic": "return",
        "trigger": trigger,
        "shop_id": shop,
        "id": form(return_.id, as_text=as_text),
        **_common(return_),
        "provider_order_external_id": return_.order + 990_000_000_000,
        "provider_order_sales_channel": "Online Store",
        "customer_detail": {
            "email": return_.email,
            "first_name": first,
            "middle_name": None,
            "last_name": "Testperson",
        },
        "address": {
            "name": f"{first} Testperson",
            "company": "",
            "address1": "7 Fixture Lane",
            "address2": "",
            "city": "Testville",
            "state": "Ohio",
            "zip": "00000",
            "country": "United States",
            "country_code": "US",
            "phone": "",
        },
        "status_page_url": f"https://shop.example/#/return/{return_.id}-secret",
        "is_gift_return": False,
        "refunds": _refunds(return_, as_text=False),
        "labels": _labels(return_),
        "line_items": [_unit(unit, return_.created_at) for unit in return_.units],
        "exchanges": _exchanges(return_),
        **_label_facts(return_),
    }


def row(return_: LoopReturn) -> Json:
    """Return a row of the list: ids as text, `updated_at`, no refunds."""
    return {
        "id": str(return_.id),
        **_common(return_),
        "line_items": [
            {**_unit(unit, return_.created_at), "return_comment": None}
            for unit in return_.units
        ],
        "exchanges": _exchanges(return_),
        **_label_facts(return_),
        **_beyond_webhooks(return_),
    }


def details(return_: LoopReturn) -> Json:
    """Return the answer of details: numbers as ids, times without zone, refunds."""
    units: list[JsonValue] = []
    for unit in return_.units:
        shown = _unit(unit, return_.created_at)
        shown["returned_at"] = zoneless(return_.created_at)
        units.append(shown | {"line_item_title": unit.title, "variant_title": "1"})
    return {
        "id": return_.id,
        **_common(return_),
        "line_items": units,
        "exchanges": _exchanges(return_),
        **_label_facts(return_),
        **_beyond_webhooks(return_),
        "refunds": _refunds(return_, as_text=True),
    }


def _common(return_: LoopReturn) -> Json:
    gross = money(return_.cents)
    new = return_.exchange_cents
    refund = return_.cents if return_.outcome == "refund" else 0
    credit = return_.cents if return_.outcome == "credit" else 0
    return {
        "state": return_.state,
        "created_at": moment(return_.created_at),
        "edited_at": moment(return_.edited_at),
        "total": gross,
        "order_id": return_.order,
        "order_name": return_.order_name,
        "provider_order_id": str(return_.order + 990_000_000_000),
        "order_number": return_.order_name.removeprefix("#"),
        "provider_order_number": return_.order,
        "customer": return_.email,
        "currency": "USD",
        "return_product_total": money(sum(unit.cents for unit in return_.units)),
        "return_discount_total": "0.00",
        "return_tax_total": money(sum(unit.tax_cents for unit in return_.units)),
        "return_total": gross,
        "return_credit_total": gross,
        "exchange_product_total": money(new),
        "exchange_discount_total": "0.00",
        "exchange_tax_total": "0.00",
        "exchange_total": money(new),
        "exchange_credit_total": "0.00",
        "gift_card": money(credit),
        "handling_fee": money(return_.fee_cents),
        "refund": money(refund),
        "upsell": money(max(0, new - return_.cents)),
    }


def _label_facts(return_: LoopReturn) -> Json:
    label = return_.label
    if label is None:
        return {
            "carrier": "",
            "tracking_number": _NO_LABEL,
            "label_status": "pending",
            "label_updated_at": moment(return_.created_at),
        }
    return {
        "carrier": label.carrier,
        "tracking_number": label.tracking_number,
        "label_status": label.status,
        "label_updated_at": moment(label.updated_at),
    }


def _beyond_webhooks(return_: LoopReturn) -> Json:
    exchange, card = return_.exchange_order, return_.gift_card_order
    labelled = return_.label is not None
    return {
        "updated_at": millis(return_.updated_at),
        "outcome": return_.outcome,
        "label_url": f"https://labels.example/{return_.id}.pdf" if labelled else None,
        "label_rate": "8.12" if labelled else None,
        "destination_id": "dst-demo",
        "return_method": {
            "address": None,
            "qr_code_url": f"https://labels.example/qr/{return_.id}.png",
        },
        "origin_country": "United States",
        "origin_country_code": "US",
        "multi_currency": False,
        "gift_card_order_name": f"#G-{card}" if card else None,
        "gift_card_order_id": card,
        "exchange_order_name": f"#X-{exchange}" if exchange else None,
        "exchange_order_id": exchange,
    }


def _refunds(return_: LoopReturn, *, as_text: bool) -> list[JsonValue]:
    """A number in webhooks, text in details (section 3)."""
    if not return_.refunded:
        return []
    by_hand = return_.refund_gateway == "manual"
    cents = 0 if by_hand else return_.cents
    entry: Json = {
        "gateway": return_.refund_gateway,
        "amount": money(cents) if as_text else cents / 100,
        "currency": "USD",
        "provider_refund_id": None if by_hand else f"rf-{return_.id}",
    }
    return [entry]


def _labels(return_: LoopReturn) -> list[JsonValue]:
    label = return_.label
    if label is None:
        return []
    shown: Json = {
        "status": label.status,
        "updated_at": millis(label.updated_at),
        "url": f"https://labels.example/{return_.id}.pdf",
        "rate": 812,
        "carrier": label.carrier,
        "tracking_number": label.tracking_number,
        "line_items": [unit.id for unit in return_.units],
    }
    return [shown]


def _unit(unit: LoopUnit, at: datetime) -> Json:
    return {
        "line_item_id": unit.id,
        "provider_line_item_id": unit.order_line,
        "product_id": 700_000 + unit.order_line,
        "variant_id": 810_000 + unit.order_line,
        "sku": unit.sku,
        "barcode": "",
        "title": unit.title,
        "price": money(unit.cents),
        "discount": "0.00",
        "tax": money(unit.tax_cents),
        "refund": money(unit.cents + unit.tax_cents),
        "returned_at": millis(at),
        "exchange_variant": "",
        "return_reason": unit.reason,
        "parent_return_reason": "Preference",
        "outcome": "default",
    }


def _exchanges(return_: LoopReturn) -> list[JsonValue]:
    return [
        {
            "exchange_id": str(new.id),
            "product_id": 700_000 + new.id,
            "variant_id": 810_000 + new.id,
            "sku": new.sku,
            "title": new.title,
            "price": money(new.cents),
            "discount": "0.00",
            "tax": "0.00",
            "total": money(new.cents),
        }
        for new in return_.exchanges
    ]
