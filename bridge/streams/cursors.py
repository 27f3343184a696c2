"""The records of `returns.cursors`: an account's cursor, and the orders beside it.

A cursor's key is the account. An order's is `<account>/<order id>`, in the account's
partition, until the owner has taken it on and writes a tombstone.
"""

from pydantic import ValidationError

from bridge.errors import UnreadableError
from bridge.platforms.cursor import Cursor, Order
from bridge.streams.records import Outgoing, Record
from bridge.streams.scan import partition_for


def place_of(account: str, partitions: int) -> int:
    """Return the partition of an account, and so who polls it."""
    return partition_for(account.encode(), partitions)


def cursor_record(account: str, cursor: Cursor, topic: str, partition: int) -> Outgoing:
    """Return the record of a cursor."""
    value = cursor.model_dump_json(exclude_defaults=True).encode()
    return Outgoing(topic, account.encode(), value, partition=partition)


def order_record(order: Order, topic: str, partition: int) -> Outgoing:
    """Return the record of an order."""
    value = order.model_dump_json().encode()
    return Outgoing(topic, _order_key(order), value, partition=partition)


def taken_on(order: Order, topic: str, partition: int) -> Outgoing:
    """Return the tombstone of an order."""
    return Outgoing(topic, _order_key(order), None, partition=partition)


def _order_key(order: Order) -> bytes:
    return f"{order.account}/{order.id}".encode()


def is_order(record: Record) -> bool:
    """Tell whether a record is an order, or the tombstone of one."""
    return b"/" in (record.key or b"")


def read_cursor(record: Record) -> Cursor:
    """Read a cursor; raise UnreadableError if it is none, or a newer version's."""
    try:
        return Cursor.model_validate_json(record.value or b"")
    except ValidationError:
        raise UnreadableError("not_a_cursor") from None


def read_order(record: Record) -> Order:
    """Read an order; raise UnreadableError if it is none."""
    try:
        return Order.model_validate_json(record.value or b"")
    except ValidationError:
        raise UnreadableError("not_an_order") from None
