"""The small shapes that Redo's return and order share (redo.md, sections 1 and 17).

How odd values are read says `reading.py`.
"""

from bridge.platforms.reading import Count, Flag, Many, Number, Payload, Time

__all__ = ["Count", "Flag", "Many", "Number", "Payload", "Time"]

Said = dict[str, object]
"""What a part of a body says, under canonical names: a canonical model's fields.

Parts are plain until the whole is: one validation of a `Return` costs half of making
each of its fifty parts a model of its own.
"""


class Money(Payload):
    """An amount; both parts may be missing."""

    amount: Number | None = None
    currency: str | None = None


class Sum(Payload):
    """Money one level deeper, as in `totals.refund.amount.amount`."""

    amount: Money | None = None


class Address(Payload):
    """A postal address."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class PersonName(Payload):
    """A name in two parts."""

    given: str | None = None
    surname: str | None = None


class Product(Payload):
    """What is sold."""

    external_id: str | None = None
    name: str | None = None


class Weight(Payload):
    """How heavy one unit is."""

    kg: Number | None = None


class Variant(Payload):
    """Which form of the product."""

    external_id: str | None = None
    name: str | None = None
    sku: str | None = None
    weight: Weight | None = None


NO_PRODUCT = Product()
NO_VARIANT = Variant()


class Cover(Payload):
    """What cover was bought (`order.protection`)."""

    covered: Flag = False
    returns_coverage: Flag = False
    package_protection: Flag = False
    final_sale_coverage: Flag = False
