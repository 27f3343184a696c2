"""The original order behind a return, and the cover that was bought with it."""

from bridge.canonical.base import Decimal, Model, Money


class Protection(Model):
    """Cover behind the return, and who pays the label."""

    covered: bool
    returns: bool
    package: bool
    final_sale: bool
    label_payer_raw: str | None = None
    label_payer_reason_raw: str | None = None


class OrderLine(Model):
    """A line of the original order."""

    id: str
    external_id: str | None = None
    location_id: str | None = None
    product_id: str | None = None
    product_title: str | None = None
    variant_id: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    weight_kg: Decimal | None = None
    quantity: Decimal
    price: Money | None = None


class Order(Model):
    """The original order, without the buyer (see `Customer.buyer`)."""

    id: str
    name: str | None = None
    external_ids: tuple[str, ...] = ()
    lines: tuple[OrderLine, ...] = ()
    discounts: Money | None = None
    subtotal: Money | None = None
    shipping: Money | None = None
    taxes: Money | None = None
    total: Money | None = None
    protection: Protection | None = None
