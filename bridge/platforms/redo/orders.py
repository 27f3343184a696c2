"""Redo's order as it stands beside a return (redo.md, section 8), field by field."""

from bridge.platforms.redo.shapes import (
    Cover,
    Many,
    Money,
    Number,
    Payload,
    PersonName,
    Product,
    Variant,
)


class Buyer(Payload):
    """`order.customer`: who bought the goods."""

    name: PersonName | None = None
    email_address: str | None = None
    phone_number: str | None = None


class OrderItem(Payload):
    """A line of the original order; `id` joins to `orderItem.id`."""

    id: str | None = None
    external_id: str | None = None
    fulfillment_location_id: str | None = None
    price: Money | None = None
    product: Product | None = None
    variant: Variant | None = None
    quantity: Number | None = None


class RedoOrder(Payload):
    """The original order; sums are those before any return."""

    id: str | None = None
    external_id: str | None = None
    name: str | None = None
    customer: Buyer | None = None
    items: Many[OrderItem] = ()
    discounts: Money | None = None
    line_items_total: Money | None = None
    shipping_cost: Money | None = None
    taxes: Money | None = None
    total: Money | None = None
    protection: Cover | None = None
