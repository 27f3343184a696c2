"""Loop's money into canonical money: refunds, credit, new goods and sums.

The amounts of a return stay filled when it is closed without fulfilling anything
(loop.md, sections 8 and 9.16): alone they prove nothing. Proof is an entry of
`refunds` with an amount, or the id of an exchange or gift-card order.
"""

import decimal
import re
from collections.abc import Callable, Iterator

from bridge.canonical.base import Money
from bridge.canonical.model import Credit, Exchange, ExchangeItem, Refund, Totals
from bridge.platforms.loop import shapes
from bridge.platforms.loop.payloads import LoopReturn

NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": the body names none."""

_CODE = re.compile(r"[A-Z]{3}")

Pay = Callable[[str | None], Money | None]
"""Turns decimal text into canonical money of one currency."""


def currency(text: str | None) -> str:
    """Return the code if it looks like ISO 4217, else that of no currency."""
    code = (text or "").strip().upper()
    return code if _CODE.fullmatch(code) else NO_CURRENCY


def pay_in(text: str | None) -> Pay:
    """Return the conversion into the currency `text`."""
    code = currency(text)

    def pay(amount: str | None) -> Money | None:
        return None if amount is None else Money(amount=amount, currency=code)

    return pay


def from_cents(cents: shapes.Cents | None) -> Money | None:
    """Return whole cents as major units."""
    if cents is None or cents.amount is None:
        return None
    amount = f"{decimal.Decimal(cents.amount).scaleb(-2):.2f}"
    return Money(amount=amount, currency=currency(cents.currency))


def refunds(source: LoopReturn, pay: Pay) -> Iterator[Refund]:
    """Yield what went back; an entry of 0.00 (paid by hand, or not) stays pending."""
    taken: set[str] = set()
    for position, refund in enumerate(source.refunds):
        paid = pay_in(refund.currency)(refund.amount) if refund.currency else None
        amount = paid or pay(refund.amount)
        if amount is None:
            continue
        given = refund.provider_refund_id or f"{refund.gateway or 'refund'}#{position}"
        key = unique(given, position, taken)
        yield Refund(
            key=key,
            amount=amount,
            method_raw=refund.gateway,
            state="issued" if _is_more_than_nothing(amount) else "pending",
        )


def is_fulfilled(source: LoopReturn) -> bool:
    """Tell whether the document proves that anything was paid or ordered."""
    return (
        source.exchange_order_id is not None
        or source.gift_card_order_id is not None
        or any(
            refund.amount is not None and decimal.Decimal(refund.amount) > 0
            for refund in source.refunds
        )
    )


def credits_(source: LoopReturn, pay: Pay) -> tuple[Credit, ...]:
    """Return the gift card that was ordered; of its code Loop tells nothing here."""
    if source.gift_card_order_id is None:
        return ()
    return (Credit(id=source.gift_card_order_id, amount=pay(source.gift_card)),)


def exchange(source: LoopReturn, pay: Pay) -> Exchange | None:
    """Return the new goods; without an order id they are still to be ordered."""
    if not source.exchanges and source.exchange_order_id is None:
        return None
    return Exchange(
        order_id=source.exchange_order_id,
        item_count=len(source.exchanges),
        items=tuple(_exchange_items(source, pay)),
        total_tax=pay(source.exchange_tax_total),
    )


def _exchange_items(source: LoopReturn, pay: Pay) -> Iterator[ExchangeItem]:
    taken: set[str] = set()
    for position, item in enumerate(source.exchanges):
        yield ExchangeItem(
            id=unique(item.exchange_id or f"#{position}", position, taken),
            product_id=item.product_id,
            product_title=item.title,
            variant_id=item.variant_id,
            sku=item.sku,
            quantity="1",
            price=pay(item.price),
            tax=pay(item.tax),
        )


def totals(source: LoopReturn, pay: Pay) -> Totals:
    """Return the sums; upsell and handling fee only once they are proven."""
    fulfilled = is_fulfilled(source)
    return Totals(
        refund=pay(source.refund),
        store_credit=pay(source.gift_card),
        exchange=pay(source.exchange_total),
        charge=pay(source.upsell) if fulfilled else None,
        shipping_fee=pay(source.handling_fee) if fulfilled else None,
    )


def unique(name: str, position: int, taken: set[str]) -> str:
    """Return `name`, told apart by its position where it was taken already."""
    key = f"{name}#{position}" if name in taken else name
    taken.add(key)
    return key


def _is_more_than_nothing(money: Money) -> bool:
    return decimal.Decimal(money.amount) > 0
