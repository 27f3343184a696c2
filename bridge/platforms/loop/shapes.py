"""The small shapes of Loop's JSON, and how its odd values are read (loop.md, 9).

Names are the vendor's snake case. Amounts are decimal text, at times numbers, in two
places whole cents; `N/A` and empty text stand where nothing is known.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from bridge.platforms import reading
from bridge.platforms.reading import Count, Id, Many, Number, decimal_text, utc_time

_NOTHING = frozenset({"", "N/A"})
_ZERO_DATE = "0000-00-00"
_CENT = -2


def something(value: object) -> object:
    """Return None for a text that stands for nothing."""
    if isinstance(value, str) and value.strip().upper() in _NOTHING:
        return None
    return value


def moment(value: object) -> datetime | None:
    """Return aware UTC; None for nothing, and for a database's zero date."""
    known = something(value)
    if known is None or (isinstance(known, str) and known.startswith(_ZERO_DATE)):
        return None
    return utc_time(known)


def amount(value: object) -> str | None:
    """Return decimal text; a number has lost its cents (0.0) and gets them back."""
    known = something(value)
    text = None if known is None else decimal_text(known)
    if text is None or isinstance(value, str):
        return text
    exponent = Decimal(text).as_tuple().exponent
    short = isinstance(exponent, int) and exponent > _CENT
    return f"{Decimal(text):.2f}" if short else text


Text = Annotated[str | None, BeforeValidator(something)]
"""Text; None where it says nothing."""

Moment = Annotated[datetime | None, BeforeValidator(moment)]
"""Aware UTC or None; without a zone it is UTC (loop.md, section 3)."""

Amount = Annotated[str | None, BeforeValidator(amount)]
"""Decimal text in major units."""

Reference = Annotated[Id | None, BeforeValidator(something)]
"""An id, as text whichever type it comes in."""


class Payload(reading.Payload):
    """The base of every shape of Loop: snake case."""

    model_config = ConfigDict(alias_generator=None)


class Address(Payload):
    """A postal address with a name."""

    name: Text = None
    company: Text = None
    address1: Text = None
    address2: Text = None
    city: Text = None
    state: Text = None
    zip: Text = None
    country: Text = None
    country_code: Text = None
    phone: Text = None


class CustomerDetail(Payload):
    """Who returns."""

    email: Text = None
    first_name: Text = None
    middle_name: Text = None
    last_name: Text = None


class Refund(Payload):
    """Money that went back; filled when the return closes."""

    gateway: Text = None
    amount: Amount = None
    currency: Text = None
    provider_refund_id: Reference = None


class Label(Payload):
    """One label of a webhook; `rate` is in cents, `url` opens the label."""

    status: Text = None
    updated_at: Moment = None
    url: Text = None
    rate: Reference = None
    carrier: Text = None
    tracking_number: Text = None
    line_items: Many[Id] = ()


class LineItem(Payload):
    """One returned unit: there is no quantity."""

    line_item_id: Reference = None
    provider_line_item_id: Reference = None
    product_id: Reference = None
    variant_id: Reference = None
    sku: Text = None
    barcode: Text = None
    title: Text = None
    line_item_title: Text = None
    variant_title: Text = None
    image: Text = None
    price: Amount = None
    discount: Amount = None
    tax: Amount = None
    refund: Amount = None
    refund_item: Amount = None
    refund_tax: Amount = None
    returned_at: Moment = None
    exchange_variant: Text = None
    return_reason: Text = None
    parent_return_reason: Text = None
    return_comment: Text = None
    outcome: Text = None
    provider_restock_location_id: Reference = None


class Exchange(Payload):
    """One new unit."""

    exchange_id: Reference = None
    product_id: Reference = None
    variant_id: Reference = None
    sku: Text = None
    title: Text = None
    price: Amount = None
    discount: Amount = None
    tax: Amount = None
    total: Amount = None


class Cents(Payload):
    """Money in whole cents."""

    amount: Count | None = None
    currency: Text = None


class Parcel(Payload):
    """How large and heavy; no unit is named."""

    height: Number | None = None
    width: Number | None = None
    length: Number | None = None
    weight: Number | None = None


class Product(Payload):
    """What is in a parcel, for customs."""

    name: Text = None
    sku: Text = None
    hs_code: Text = None
    country_of_origin: Text = None
    price: Cents | None = None


class RestockItem(Payload):
    """One stock correction that Loop asks for."""

    location_id: Reference = None
    variant_id: Reference = None
    inventory_item_id: Reference = None
    available_adjustment: int | None = None
    inventory_management: Text = None
