"""Redo's returned lines, their money, and the new goods, into canonical ones."""

from collections.abc import Iterator
from itertools import zip_longest

from bridge.platforms.redo import payloads
from bridge.platforms.redo.money import Pay
from bridge.platforms.redo.shapes import NO_PRODUCT, NO_VARIANT, Money, Said

FINISHED = "complete"
"""The item status at which its refund has been made (redo.md, section 15)."""

NOT_REFUNDS = frozenset({"store_credit", "none", "repair"})
"""Strategies of `items[].refund` that give no money back: credit is a gift card."""

_NO_ORDER_LINE = payloads.OrderItemReference()
_NO_REFUND = payloads.ItemRefund()


def line_id(position: int, item: payloads.ReturnItem) -> str:
    """Return the line's id; one that Redo forgot is made from its order line."""
    return item.id or (item.order_item and item.order_item.id) or f"#{position}"


def to_item(position: int, item: payloads.ReturnItem, pay: Pay) -> Said:
    """Translate one returned line; the shopper's comment stays behind."""
    order_item = item.order_item or _NO_ORDER_LINE
    return {
        "id": line_id(position, item),
        "order_line_id": order_item.id,
        "external_order_line_id": order_item.line_item_id,
        "external_return_line_id": item.external_return_line_item_id,
        "product_id": item.product_id,
        "variant_id": item.variant_id,
        "sku": item.sku,
        "barcode": item.upc,
        "quantity": item.quantity or 0,
        "status_raw": item.status,
        "grade": item.grade,
        "outcome": item.outcome,
        "keeps_goods": item.green_return,
        "reasons": tuple(_reasons(item)),
        "answers": tuple(
            {"question": asked.question or "", "answer": asked.answer or ""}
            for asked in item.multiple_choice_questions
        ),
        "assessments": tuple(map(_assessment, item.assessments)),
        "shipment_groups": item.shipment_group_ids,
        "wish": _wish(item.exchange_item),
        "adjustment": item.product_adjustment,
        "value": pay(item.product_value_no_tax_no_adjustment),
    }


def _reasons(item: payloads.ReturnItem) -> Iterator[Said]:
    """Yield the main reason, then the others, each once."""
    main = (item.reason_code, item.reason)
    others = zip_longest(item.reason_codes, item.reasons)
    for code, text in dict.fromkeys([main, *others]):
        if code or text:
            yield {"code": code, "text": text}


def _assessment(assessment: payloads.Assessment) -> Said:
    user = assessment.assigned_user
    return {
        "assessor_id": user and user.id,
        "responses": tuple(
            {"question": response.type or "", "answer": _text(response.value)}
            for response in assessment.responses
        ),
    }


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_word, value))
    return _word(value)


def _word(value: object) -> str:
    """Return a plain value as text; one of a kind the contract has not is left out."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            return ""


def _wish(wish: payloads.ExchangeWish | None) -> Said | None:
    if wish is None:
        return None
    product, variant = wish.product or NO_PRODUCT, wish.variant or NO_VARIANT
    return {
        "product_id": product.external_id,
        "product_title": product.name,
        "variant_id": variant.external_id,
        "variant_title": variant.name,
        "quantity": wish.quantity,
    }


def to_refund(position: int, item: payloads.ReturnItem, pay: Pay) -> Said | None:
    """Return the money back for one line; None where there is none, or no amount."""
    refund = item.refund or _NO_REFUND
    amount = pay(refund.amount)
    if amount is None or (refund.type or "").lower() in NOT_REFUNDS:
        return None
    return {
        "key": line_id(position, item),
        "amount": amount,
        "method_raw": refund.type,
        "state": "issued" if item.status == FINISHED else "pending",
    }


def to_exchange(exchange: payloads.Exchange | None, pay: Pay) -> Said | None:
    """Translate the new goods; without an order id they are still to be ordered."""
    if exchange is None:
        return None
    return {
        "provision_raw": exchange.provision,
        "order_id": exchange.order and exchange.order.external_id,
        "item_count": exchange.item_count,
        "items": tuple(
            _exchange_item(position, item, pay)
            for position, item in enumerate(exchange.items)
        ),
        "total_tax": pay(exchange.total_tax),
    }


def _exchange_item(position: int, item: payloads.ExchangeItem, pay: Pay) -> Said:
    product, variant = item.product or NO_PRODUCT, item.variant or NO_VARIANT
    return {
        "id": item.id or f"#{position}",
        "product_id": product.external_id,
        "product_title": product.name,
        "variant_id": variant.external_id,
        "variant_title": variant.name,
        "sku": variant.sku,
        "quantity": item.quantity or "0",
        "original_price": pay(item.original_price),
        "price": pay(item.price),
        "tax": pay(_tax(item.price)),
    }


def _tax(price: payloads.TaxedMoney | None) -> Money | None:
    """Tax stands inside the price and shares its currency."""
    return Money(amount=price.tax, currency=price.currency) if price else None
