"""ReturnGO's returned units and new goods into canonical lines.

There is no quantity: each unit is a line of its own, with an id of its own.
"""

from collections.abc import Iterator

from bridge.canonical.model import (
    Answer,
    Assessment,
    Exchange,
    ExchangeItem,
    Item,
    Reason,
    Wish,
)
from bridge.platforms.returngo import payloads
from bridge.platforms.returngo.money import plain, to_money

NO_GOODS = frozenset({"no shipment required"})
"""Display texts of `returnMethod.type`, in lower case, that leave the goods away."""


def line_id(position: int, item: payloads.Item) -> str:
    """Return the unit's id, or its place where it has none."""
    return item.returned_item_id or f"#{position}"


def to_item(position: int, item: payloads.Item) -> Item:
    """Translate one unit."""
    method = item.return_method or payloads.ReturnMethod()
    validation = item.item_validation_status_response or payloads.Validation()
    return Item(
        id=line_id(position, item),
        external_order_line_id=item.shop_line_item_id or None,
        product_id=item.shop_product_id or None,
        variant_id=item.variant_id or None,
        sku=item.sku or None,
        barcode=item.barcode or None,
        quantity=1,
        outcome=_outcome(validation),
        keeps_goods=(method.type or "").strip().lower() in NO_GOODS,
        reasons=tuple(_reasons(item)),
        assessments=_assessments(validation),
        shipment_groups=(item.shipment_id,) if item.shipment_id else (),
        wish=_wish(item),
        adjustment=item.resolution_type or None,
        value=to_money(item.paid_price),
    )


def _outcome(validation: payloads.Validation) -> str | None:
    """Return what the validation found; None as long as there was none (section 4)."""
    if validation.last_validation_date is None:
        return None
    if not validation.is_returned:
        return "not_returned"
    return "restockable" if validation.is_restockable else "not_restockable"


def _assessments(validation: payloads.Validation) -> tuple[Assessment, ...]:
    reasons = {
        "non_restockable_reason": validation.non_restockable_reason,
        "non_returned_reason": validation.non_returned_reason,
    }
    answers = tuple(
        Answer(question=name, answer=text) for name, text in reasons.items() if text
    )
    return (Assessment(responses=answers),) if answers else ()


def _reasons(item: payloads.Item) -> Iterator[Reason]:
    """Yield the main reason and the choices below it, which come as ` > Too small`."""
    texts = (item.return_reason or "", *(item.extended_reason or "").split(" > "))
    for text in dict.fromkeys(text.strip() for text in texts):
        if text:
            yield Reason(text=text)


def _wish(item: payloads.Item) -> Wish | None:
    """Return the first replacement wished for; all stand in the exchange."""
    if not item.exchange_items:
        return None
    wanted = item.exchange_items[0]
    return Wish(
        product_id=wanted.product_id,
        variant_id=wanted.variant_id,
        quantity=_whole(wanted.quantity),
    )


def _whole(number: str | None) -> int | None:
    return int(number) if number and number.isdigit() else None


def to_exchange(rma: payloads.Rma) -> Exchange | None:
    """Return the new goods; a draft has no order id yet. Orders for fees are none."""
    orders = [order for order in rma.exchange_orders if order.type != "Fee"]
    if not orders and not rma.exchange_items:
        return None
    placed = next((order for order in orders if order.order_id), None)
    return Exchange(
        order_id=placed and placed.order_id,
        item_count=len(rma.exchange_items),
        items=tuple(
            _exchange_item(position, item)
            for position, item in enumerate(rma.exchange_items)
        ),
    )


def _exchange_item(position: int, item: payloads.ExchangeItem) -> ExchangeItem:
    return ExchangeItem(
        id=f"#{position}",
        product_id=item.product_id,
        variant_id=item.variant_id,
        sku=item.sku or None,
        quantity=plain(item.quantity or "0"),
        original_price=to_money(item.catalog_price),
        price=to_money(item.effective_price),
    )
