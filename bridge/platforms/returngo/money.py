"""ReturnGO's money: what was paid back, wished for, given as credit or collected.

Amounts are those of the shopper's currency. JSON numbers have no scale of their own:
`38.0` and `38` are one amount and written alike. A transaction without an id is left
out: nothing would tell it from the next one, and money acts once.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from bridge.canonical.base import Money
from bridge.canonical.model import Credit, Refund, Totals
from bridge.platforms.reading import stamp
from bridge.platforms.returngo import payloads

NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": the amount came with none."""

FEE = "InvoicePayment"
"""What the shopper paid (returngo.md, section 9)."""

_CODE = re.compile(r"[A-Z]{3}")
_STATES: dict[str, Literal["pending", "issued", "failed"]] = {
    "Success": "issued",
    "Failed": "failed",
}
_SHOWN_OF_CODE = 4
_SHORTEST_SHOWN = 2 * _SHOWN_OF_CODE


def to_money(money: payloads.Money | None) -> Money | None:
    """Return the amount; None where none stands."""
    if money is None or not money.amount:
        return None
    currency = (money.currency or "").strip().upper()
    return Money(
        amount=plain(money.amount),
        currency=currency if _CODE.fullmatch(currency) else NO_CURRENCY,
    )


def plain(number: str) -> str:
    """Return decimal text without zeros that say nothing: `41.80` is `41.8`."""
    if "." not in number:
        return number
    return number.rstrip("0").rstrip(".")


def is_refund(transaction: payloads.Transaction) -> bool:
    """Tell whether the money goes to the shopper; the vendor's list is not complete."""
    return (transaction.type or "").startswith("Refund")


def is_credit(transaction: payloads.Transaction) -> bool:
    """Tell whether it goes there as something to be spent in the shop."""
    type_ = transaction.type or ""
    return is_refund(transaction) and ("Credit" in type_ or "GiftCard" in type_)


def in_order(rma: payloads.Rma) -> list[tuple[str, payloads.Transaction]]:
    """Return the transactions with their ids, oldest first however they come."""
    known = [(each.id, each) for each in rma.transactions if each.id]
    return sorted(known, key=lambda each: (stamp(each[1].created_at), each[0]))


def to_refunds(rma: payloads.Rma) -> Iterator[Refund]:
    """Yield what went, goes or failed to go back to the shopper.

    Credit that was given is no refund but a `Credit`; credit that failed is one.
    """
    for id_, transaction in in_order(rma):
        amount = to_money(transaction.amount)
        state = _STATES.get(transaction.status or "", "pending")
        given = is_credit(transaction) and state != "failed"
        if is_refund(transaction) and not given and amount is not None:
            yield Refund(
                key=id_,
                amount=amount,
                method_raw=transaction.type,
                state=state,
            )


def to_credits(rma: payloads.Rma, hash_key: bytes) -> Iterator[Credit]:
    """Yield the credit that was given.

    Of its code only the end and a keyed hash are kept; any reference of a credit
    counts as a code (section 4 says that it perhaps is one).
    """
    for id_, transaction in in_order(rma):
        if is_credit(transaction) and transaction.status == "Success":
            code = transaction.external_reference_id or ""
            hashed = hmac.new(hash_key, code.encode(), hashlib.sha256).hexdigest()
            long = len(code) >= _SHORTEST_SHOWN
            yield Credit(
                id=id_,
                amount=to_money(transaction.amount),
                code_last4=code[-_SHOWN_OF_CODE:] if long else None,
                code_hash=hashed if code else None,
            )


def to_totals(rma: payloads.Rma) -> Totals | None:
    """Return what the shopper paid for the return, None where that is nothing."""
    paid = [
        money
        for _, transaction in in_order(rma)
        if transaction.type == FEE and transaction.status == "Success"
        if (money := to_money(transaction.amount))
    ]
    if not paid:
        return None
    total = sum((Decimal(money.amount) for money in paid), Decimal())
    charge = Money(amount=format(total, "f"), currency=paid[0].currency)
    return Totals(charge=charge)
