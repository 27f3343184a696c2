"""Notify-only refunds: ReturnGO asks us to pay (returngo.md, section 7).

With the merchant's setting on, ReturnGO pays nothing and enters a transaction of
status `Requested`. With it off such a row is only its own work in progress: paying it
pays twice. So nothing here happens unless the account says so.
"""

from decimal import Decimal

from bridge.canonical.base import Money
from bridge.platforms.contract import Request
from bridge.platforms.returngo import payloads
from bridge.platforms.returngo.money import NO_CURRENCY, is_credit, is_refund, to_money

REQUESTED = "Requested"


def wishes(rma: payloads.Rma) -> list[payloads.Transaction]:
    """Return the transactions that ask for money to go to the shopper."""
    return [
        transaction
        for transaction in rma.transactions
        if is_refund(transaction) and transaction.status == REQUESTED
    ]


def to_requests(rma: payloads.Rma) -> tuple[Request, ...]:
    """Return a request for every wish that fits the RMA it stands in.

    A transaction's id is the correlation id: it counts once for ever. A wish without
    id, time or amount, or for units that are not the RMA's own, is left out; there
    are fewer requests than wishes then.
    """
    units = {item.returned_item_id for item in rma.items}
    made = (_to_request(wish, units) for wish in wishes(rma))
    return tuple(request for request in made if request is not None)


def _to_request(wish: payloads.Transaction, units: set[str | None]) -> Request | None:
    amount, wanted = to_money(wish.amount), wish.return_item_ids
    if not (wish.id and wish.created_at and _is_payable(amount)):
        return None
    if not (wanted and units.issuperset(wanted)):
        return None
    return Request(
        kind="credit" if is_credit(wish) else "refund",
        correlation_id=wish.id,
        requested_at=wish.created_at,
        item_ids=wanted,
        amount=amount,
        details={"method": wish.type, "processor": wish.processor},
    )


def _is_payable(amount: Money | None) -> bool:
    return (
        amount is not None
        and amount.currency != NO_CURRENCY
        and Decimal(amount.amount) > 0
    )
