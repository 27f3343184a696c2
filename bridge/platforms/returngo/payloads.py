"""ReturnGO's RMA as `GET /rma/{rmaId}` sends it (returngo.md, section 4).

Names and nesting are the vendor's, mixed as they are. What is documented as boolean
comes as 0 or 1, transaction ids come as numbers, absent ids as empty text: the types
here take both. Only the id of the RMA is required. `translate.py` turns names into
canonical ones.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from bridge.platforms.reading import Flag, Id, Many, Number, Payload, Time

RmaId = Annotated[Id, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Digits so far; whatever else fits into a subject is taken too."""


class Staff(Payload):
    """`userDetails`: a staff member, personal throughout."""

    user_first_name: str | None = None
    user_last_name: str | None = None
    user_email_address: str | None = None
    user_role: str | None = None


class RmaEvent(Payload):
    """One of `rmaSummary.events`, which are no history."""

    event_name: str | None = None
    event_date: Time | None = None
    triggered_via: str | None = None
    store_location_id: str | None = None
    user_details: Staff | None = None


class Summary(Payload):
    """`rmaSummary`; a row of `GET /rmas` has the same fields."""

    rma_id: RmaId
    status: str | None = None
    order_name: str | None = Field(default=None, alias="order_name")
    events: Many[RmaEvent] = ()


class OrderDetails(Payload):
    """The shop's own order id, and its name."""

    order_id: Id | None = None
    order_name: str | None = Field(default=None, alias="order_name")


class Money(Payload):
    """An amount in the shopper's and in the shop's currency, as JSON numbers."""

    amount: Number | None = None
    currency: str | None = None
    shop_amount: Number | None = None
    shop_currency: str | None = None


class Address(Payload):
    """A postal address with who lives there."""

    name: str | None = None
    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    phone: str | None = None
    email: str | None = None


class Shipment(Payload):
    """One parcel; its texts are null before a label exists."""

    shipment_id: Id | None = None
    status: str | None = None
    carrier_name: str | None = None
    requested_service_level: str | None = None
    actual_service_level: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = Field(default=None, alias="trackingURL")
    label_url: str | None = Field(default=None, alias="labelURL")
    customer_address: Address | None = None
    return_address: Address | None = None
    is_outbound: Flag = False


class ReturnMethod(Payload):
    """How the goods come back, as display text."""

    type: str | None = None
    name: str | None = None


class Validation(Payload):
    """What was found; the flags mean nothing before `last_validation_date`."""

    returned_item_id: Id | None = None
    is_restockable: Flag = False
    is_returned: Flag = False
    non_restockable_reason: str | None = None
    non_returned_reason: str | None = None
    store_location_id: Id | None = None
    last_validation_date: Time | None = None
    last_validated_by: str | None = None
    third_party_name: str | None = None
    user_details: Staff | None = None


class PriceRange(Payload):
    """Within which prices an exchange is free."""

    min: Number | None = None
    max: Number | None = None


class ExchangeItem(Payload):
    """A line of the new goods."""

    product_id: Id | None = None
    variant_id: Id | None = None
    quantity: Number | None = None
    sku: str | None = None
    item_price_method: str | None = None
    free_exchange_price_range: PriceRange | None = None
    catalog_price: Money | None = None
    effective_price: Money | None = None


class Item(Payload):
    """One returned unit; units of one order line share `shop_line_item_id`."""

    shop_line_item_id: Id | None = None
    shop_product_id: Id | None = None
    variant_id: Id | None = None
    returned_item_id: Id | None = None
    full_name: str | None = None
    product_name: str | None = None
    variant_name: str | None = None
    image: str | None = None
    sku: str | None = None
    barcode: str | None = None
    paid_price: Money | None = None
    paid_tax: Money | None = None
    tax_included: Flag = False
    return_reason: str | None = None
    extended_reason: str | None = None
    resolution_name: str | None = None
    resolution_type: str | None = None
    policy_rule_name: str | None = None
    is_auto_approve: Flag = False
    restocking_fee: Number | None = None
    return_fee: Number | None = None
    shipment_fee: Number | None = None
    shipment_id: Id | None = None
    return_method: ReturnMethod | None = None
    item_validation_status_response: Validation | None = None
    exchange_items: Many[ExchangeItem] = ()
    follow_up_questions: Many[object] = ()


class Comment(Payload):
    """A line of the timeline, newest first; most are the system's own."""

    comment_type: str | None = None
    triggered_by: str | None = None
    html_text: str | None = None
    datetime: Time | None = None


class ExchangeOrder(Payload):
    """The new order; `order_id` is empty text as long as it is a draft."""

    draft_order_id: Id | None = None
    order_id: Id | None = None
    order_name: str | None = None
    type: str | None = None


class BankAccount(Payload):
    """Highly sensitive: named here so that it is known, and never passed on."""

    iban: str | None = Field(default=None, repr=False)
    first_name: str | None = Field(default=None, repr=False)
    last_name: str | None = Field(default=None, repr=False)
    branch_name: str | None = Field(default=None, repr=False)
    branch_address: str | None = Field(default=None, repr=False)
    comment: str | None = Field(default=None, repr=False)


class Transaction(Payload):
    """Money that moves, has moved, or is wished for; the reference may be a code."""

    id: Id | None = None
    type: str | None = None
    external_reference_id: str | None = Field(default=None, repr=False)
    external_reference_type: str | None = None
    amount: Money | None = None
    status: str | None = None
    processor: str | None = None
    bank_account_details: BankAccount | None = Field(default=None, repr=False)
    return_item_ids: Many[Id] = ()
    created_at: Time | None = None
    last_updated: Time | None = None


class Rma(Payload):
    """The whole RMA."""

    rma_summary: Summary
    order_details: OrderDetails | None = None
    shipments: Many[Shipment] = ()
    items: Many[Item] = ()
    comments: Many[Comment] = ()
    exchange_orders: Many[ExchangeOrder] = ()
    exchange_items: Many[ExchangeItem] = ()
    cancellation_fee: Number | None = None
    transactions: Many[Transaction] = ()
    created_at: Time | None = None
    last_updated: Time | None = None
    is_out_of_policy: Flag = False


class RmaPage(Payload):
    """`GET /rmas`: rows without update time and without items."""

    rmas: Many[Summary] = ()
    next_cursor: str | None = Field(default=None, alias="next_cursor")


class TransactionPage(Payload):
    """`GET /transactions`: rows that do not say which RMA they belong to."""

    transactions: Many[Transaction] = ()
    next_cursor: str | None = Field(default=None, alias="next_cursor")
