"""The canonical return: what every platform's view is translated into.

Shapes only. Ids are text, times are aware UTC, money is decimal text with an ISO
currency. What concerns a person stands in `customer` and `addresses` alone, so one
switch can drop it. Spendable codes, QR data and label addresses never get here.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, NonNegativeInt

from bridge.canonical.base import Decimal, Model, Money
from bridge.canonical.goods import GoodsDocument
from bridge.canonical.order import Order, Protection
from bridge.canonical.states import State


class Kind(StrEnum):
    """What sort of case it is; `unannounced` was first heard of from a warehouse."""

    RETURN = "return"
    CLAIM = "claim"
    WARRANTY = "warranty"
    UNANNOUNCED = "unannounced"
    UNKNOWN = "unknown"


class ShipmentState(StrEnum):
    """Where a parcel is."""

    LABEL_CREATED = "label_created"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    LABEL_VOIDED = "label_voided"
    DELIVERY_EXCEPTION = "delivery_exception"
    UNKNOWN = "unknown"


class Reason(Model):
    """Why the shopper returns a line; the first is the main one."""

    code: str | None = None
    text: str | None = None


class Answer(Model):
    """A question of the returns portal and what was chosen."""

    question: str
    answer: str


class Assessment(Model):
    """A staff member's answers on a warranty line; the person is an id only."""

    assessor_id: str | None = None
    responses: tuple[Answer, ...] = ()


class Wish(Model):
    """The replacement a shopper asked for on one line."""

    product_id: str | None = None
    product_title: str | None = None
    variant_id: str | None = None
    variant_title: str | None = None
    quantity: NonNegativeInt | None = None


class Item(Model):
    """One returned line. `*_raw` is the platform's own word."""

    id: str
    order_line_id: str | None = None
    external_order_line_id: str | None = None
    external_return_line_id: str | None = None
    product_id: str | None = None
    variant_id: str | None = None
    sku: str | None = None
    barcode: str | None = None
    quantity: NonNegativeInt
    status_raw: str | None = None
    grade: str | None = None
    outcome: str | None = None
    keeps_goods: bool = False
    reasons: tuple[Reason, ...] = ()
    answers: tuple[Answer, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    shipment_groups: tuple[str, ...] = ()
    wish: Wish | None = None
    adjustment: str | None = None
    value: Money | None = None


class Shipment(Model):
    """One parcel. `key` is stable: tracking number, else group, else position.

    `estimated_delivery` and `delivered` are the carrier's own text: their format is
    not promised by any platform.
    """

    key: str
    carrier: str | None = None
    state: ShipmentState
    state_raw: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    has_label: bool = False
    group: str | None = None
    item_ids: tuple[str, ...] = ()
    location_id: str | None = None
    estimated_delivery: str | None = None
    delivered: str | None = None


class Dropoff(Model):
    """A way to hand goods in without a label."""

    group: str
    provider: str
    has_qr: bool = False


class Refund(Model):
    """Money back for one item. `key` is the item or the platform's refund id."""

    key: str
    amount: Money
    method_raw: str | None = None
    state: Literal["pending", "issued", "failed"]


class Credit(Model):
    """Store credit. Of its code only the end and a keyed hash are kept."""

    id: str
    amount: Money | None = None
    code_last4: str | None = None
    code_hash: str | None = None


class ExchangeItem(Model):
    """A line of the exchange order."""

    id: str
    product_id: str | None = None
    product_title: str | None = None
    variant_id: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    quantity: Decimal
    original_price: Money | None = None
    price: Money | None = None
    tax: Money | None = None


class Exchange(Model):
    """New goods instead of money; without `order_id` it is still pending."""

    provision_raw: str | None = None
    order_id: str | None = None
    item_count: NonNegativeInt | None = None
    items: tuple[ExchangeItem, ...] = ()
    total_tax: Money | None = None


class Totals(Model):
    """Sums over the return; None where the platform gave none."""

    refund: Money | None = None
    store_credit: Money | None = None
    exchange: Money | None = None
    charge: Money | None = None
    shipping_fee: Money | None = None


class ExternalId(Model):
    """The return's id in another system."""

    provider: str
    value: str


class Person(Model):
    """Who, and how to reach them."""

    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    phone: str | None = None


class ItemComment(Model):
    """The shopper's own words about one line."""

    item_id: str
    text: str


class Customer(Model):
    """The shopper who returns, the buyer if told apart, and their words."""

    person: Person
    buyer: Person | None = None
    comments: tuple[ItemComment, ...] = ()
    created_by: str | None = None


class Address(Model):
    """A postal address; country as the platform gave it."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Addresses(Model):
    """Where goods come from and where they go."""

    sender: Address | None = None
    destination: Address | None = None
    destination_phone: str | None = None


class Note(Model):
    """A staff note or comment."""

    text: str
    image_url: str | None = None


class Tag(Model):
    """A label on the return."""

    name: str
    source: str | None = None


class Asked(Model):
    """What the platform asked us to do: `<kind>.requested` told it.

    Whether it was done since, the return does not say.
    """

    kind: str
    correlation_id: str
    requested_at: AwareDatetime
    amount: Money | None = None


def _nothing(asked: tuple[Asked, ...]) -> bool:
    return not asked


class Return(Model):
    """One return at one moment.

    `subject` is `platform/account/native_id`. `number` is what people see.
    `state_raw` and `kind_raw` are the platform's words. `goods` is what warehouses
    found, one document each. `requests` are the last twenty. `observed_at` is when the
    bridge got the news.
    """

    schema_version: Literal[1] = 1
    subject: str
    platform: str
    account: str
    native_id: str
    number: str | None = None
    kind: Kind
    kind_raw: str | None = None
    state: State
    state_raw: str | None = None
    flags: tuple[str, ...] = ()
    order: Order | None = None
    external_ids: tuple[ExternalId, ...] = ()
    offered: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    dropoffs: tuple[Dropoff, ...] = ()
    refunds: tuple[Refund, ...] = ()
    credits: tuple[Credit, ...] = ()
    exchange: Exchange | None = None
    totals: Totals | None = None
    protection: Protection | None = None
    goods: tuple[GoodsDocument, ...] = ()
    customer: Customer | None = None
    addresses: Addresses | None = None
    notes: tuple[Note, ...] = ()
    tags: tuple[Tag, ...] = ()
    requests: Annotated[tuple[Asked, ...], Field(exclude_if=_nothing)] = ()
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    observed_at: AwareDatetime
