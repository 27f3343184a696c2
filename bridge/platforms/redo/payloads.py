"""Redo's webhook body and return as it sends them (redo.md, sections 5 and 7).

Every field of the published contract stands here under its own name in snake case.
Only the id of the return is required. Names and nesting are the vendor's;
`translate.py` turns them into canonical ones.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from bridge.platforms.redo.orders import RedoOrder
from bridge.platforms.redo.shapes import (
    Address,
    Count,
    Cover,
    Flag,
    Many,
    Money,
    Number,
    Payload,
    PersonName,
    Product,
    Sum,
    Time,
    Variant,
)

ReturnId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""24 hex digits so far; whatever else fits into a subject is taken too."""


class OrderReference(Payload):
    """`return.order`: the order by Redo's own id."""

    id: str | None = None
    name: str | None = None


class ExternalReturnId(Payload):
    """The return's id in another system."""

    provider: str | None = None
    value: str | None = None


class OrderItemReference(Payload):
    """The order line; `id` holds a slash and an index, `line_item_id` is the shop's."""

    id: str | None = None
    line_item_id: str | None = Field(default=None, alias="line_item_id")


class Question(Payload):
    """A question of the portal and the choice."""

    question: str | None = None
    answer: str | None = None


class Staff(Payload):
    """A staff member; all but the id is personal."""

    id: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


class Response(Payload):
    """One answer of an assessment; `value` is text, texts, a number or a boolean."""

    type: str | None = None
    value: object = None


class Assessment(Payload):
    """What a staff member found on a warranty line."""

    assigned_user: Staff | None = None
    responses: Many[Response] = ()


class ExchangeWish(Payload):
    """The replacement the shopper wishes for one line."""

    product: Product | None = None
    variant: Variant | None = None
    quantity: Count | None = None


class ItemRefund(Payload):
    """Money for one line, and by what strategy."""

    amount: Money | None = None
    type: str | None = None


class ReturnItem(Payload):
    """One returned line."""

    id: str | None = None
    order_item: OrderItemReference | None = None
    external_return_line_item_id: str | None = None
    product_id: str | None = None
    variant_id: str | None = None
    sku: str | None = None
    upc: str | None = None
    quantity: Count | None = None
    status: str | None = None
    grade: str | None = None
    outcome: str | None = None
    green_return: Flag = False
    reason: str | None = None
    reason_code: str | None = None
    reasons: Many[str | None] = ()
    reason_codes: Many[str | None] = ()
    customer_comment: str | None = None
    multiple_choice_questions: Many[Question] = ()
    assessments: Many[Assessment] = ()
    shipment_group_ids: Many[str] = ()
    exchange_item: ExchangeWish | None = None
    product_adjustment: str | None = None
    refund: ItemRefund | None = None
    product_value_no_tax_no_adjustment: Sum | None = None


class Shopper(Payload):
    """`return.source`: who sends the goods, and from where."""

    email_address: str | None = None
    name: PersonName | None = None
    mailing_address: Address | None = None
    phone_number: str | None = None


class Destination(Payload):
    """The warehouse."""

    mailing_address: Address | None = None
    phone_number: str | None = None


class ReturnShipment(Payload):
    """One parcel. The last two have no declared format and stay text."""

    carrier: str | None = None
    status: str | None = None
    tracker: str | None = None
    tracking_url: str | None = None
    postage_label: str | None = None
    form_label: str | None = None
    shipment_group_id: str | None = None
    item_ids: Many[str] = ()
    external_location_id: str | None = None
    estimated_delivery_date: str | None = None
    delivered_at: str | None = None


class ReturnDropoff(Payload):
    """A QR drop-off; both QR fields are secrets of the shopper."""

    shipment_group_id: str | None = None
    provider: str | None = None
    qr_code: str | None = None
    qr_code_url: str | None = None


class GiftCard(Payload):
    """Store credit; `code` can be spent by whoever reads it."""

    external_id: str | None = None
    code: str | None = None
    amount: Money | None = None


class ExchangeOrder(Payload):
    """The order of the new goods, once it exists."""

    external_id: str | None = None


class TaxedMoney(Money):
    """A price with its tax inside."""

    tax: Number | None = None


class ExchangeItem(Payload):
    """A line of the new goods."""

    id: str | None = None
    product: Product | None = None
    variant: Variant | None = None
    quantity: Number | None = None
    original_price: Money | None = None
    price: TaxedMoney | None = None


class Exchange(Payload):
    """New goods instead of money."""

    item_count: Count | None = None
    provision: str | None = None
    order: ExchangeOrder | None = None
    items: Many[ExchangeItem] = ()
    total_tax: Money | None = None


class Totals(Payload):
    """Sums over the return."""

    refund: Sum | None = None
    store_credit: Sum | None = None
    exchange: Sum | None = None
    charge: Sum | None = None
    shipping_fee: Sum | None = None


class Tag(Payload):
    """A label on the return."""

    name: str | None = None
    source: str | None = None


class Note(Payload):
    """A staff note."""

    message: str | None = None
    image: str | None = None


class Protection(Cover):
    """`return.protection`: cover, and who pays the label and why."""

    label_payer: str | None = None
    label_payer_reason: str | None = None


class RedoReturn(Payload):
    """The return, as it stands after the change."""

    id: ReturnId
    type: str | None = None
    status: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    order: OrderReference | None = None
    external_order_ids: Many[str] = ()
    shopify_order_ids: Many[str] = ()
    external_return_ids: Many[ExternalReturnId] = ()
    compensation_methods: Many[str] = ()
    complete_with_no_action: Flag = False
    internal_created_by_name: str | None = None
    items: Many[ReturnItem] = ()
    source: Shopper | None = None
    destination: Destination | None = None
    shipment: ReturnShipment | None = None
    shipments: Many[ReturnShipment] = ()
    dropoffs: Many[ReturnDropoff] = ()
    gift_cards: Many[GiftCard] = ()
    exchange: Exchange | None = None
    totals: Totals | None = None
    tags: Many[Tag] = ()
    notes: Many[Note] = ()
    protection: Protection | None = None


class Document(Payload):
    """The body of a webhook; a fetched return has neither `type`, `at` nor name."""

    return_: Annotated[RedoReturn, Field(alias="return")]
    order: RedoOrder | None = None
    type: str | None = None
    at: Time | None = None
    merchant_name: str | None = None
