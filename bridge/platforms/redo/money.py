"""Redo's money into canonical money, with the currency it forgets to name."""

import re
from collections.abc import Callable, Iterator

from bridge.canonical import base
from bridge.platforms.redo.payloads import Document
from bridge.platforms.redo.shapes import Money, Sum

NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": the whole body names none."""

_CODE = re.compile(r"[A-Z]{3}")

Pay = Callable[[Money | Sum | None], base.Money | None]
"""Turns any of Redo's money shapes into canonical money; None without an amount."""


def pay_in(document: Document) -> Pay:
    """Return the conversion for one body.

    Money without a currency gets the first one named in the body: a return has one
    currency (redo.md, section 7, declares both parts optional everywhere).
    """
    fallback = next(filter(None, map(_code, _monies(document))), NO_CURRENCY)

    def pay(money: Money | Sum | None) -> base.Money | None:
        if isinstance(money, Sum):
            money = money.amount
        if money is None or not money.amount:
            return None
        same = money.currency == fallback
        currency = fallback if same else _code(money) or fallback
        return base.money(money.amount, currency)

    return pay


def _code(money: Money | Sum | None) -> str | None:
    """Return the currency named by `money` if it looks like ISO 4217."""
    if isinstance(money, Sum):
        money = money.amount
    text = (money.currency or "").strip().upper() if money else ""
    return text if _CODE.fullmatch(text) else None


def _monies(document: Document) -> Iterator[Money | Sum | None]:
    """Yield every money of the body, those that are surest to be whole first."""
    order, return_ = document.order, document.return_
    if order is not None:
        yield from (order.total, order.line_items_total, order.taxes)
        yield from (order.shipping_cost, order.discounts)
        yield from (line.price for line in order.items)
    if return_.totals is not None:
        yield from (return_.totals.refund, return_.totals.store_credit)
        yield from (return_.totals.exchange, return_.totals.charge)
        yield return_.totals.shipping_fee
    for item in return_.items:
        yield item.refund.amount if item.refund else None
        yield item.product_value_no_tax_no_adjustment
    yield from (card.amount for card in return_.gift_cards)
    if return_.exchange is not None:
        yield return_.exchange.total_tax
        for line in return_.exchange.items:
            yield from (line.price, line.original_price)
