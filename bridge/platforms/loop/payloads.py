"""Loop's documents as it sends them (loop.md, section 3).

One class per topic. A return comes in three forms with one class: as webhook, as row
of the list, as answer to details; which fields stand there tells what it speaks of.
"""

from pydantic import Field

from bridge.platforms.loop.shapes import (
    Address,
    Amount,
    CustomerDetail,
    Exchange,
    Label,
    LineItem,
    Moment,
    Parcel,
    Payload,
    Product,
    Reference,
    Refund,
    RestockItem,
    Text,
)
from bridge.platforms.reading import Flag, Id, Many


class LoopReturn(Payload):
    """A return: topic `return`, a row of the list, or details.

    `status_page_url`, `label_url` and `return_method` open what is the shopper's.
    """

    topic: Text = None
    trigger: Text = None
    shop_id: Reference = None
    id: Id
    redo_id: Reference = None
    state: Text = None
    created_at: Moment = None
    edited_at: Moment = None
    updated_at: Moment = None
    total: Amount = None
    refund: Amount = None
    handling_fee: Amount = None
    upsell: Amount = None
    gift_card: Amount = None
    return_product_total: Amount = None
    return_discount_total: Amount = None
    return_tax_total: Amount = None
    return_credit_total: Amount = None
    return_total: Amount = None
    exchange_product_total: Amount = None
    exchange_discount_total: Amount = None
    exchange_tax_total: Amount = None
    exchange_credit_total: Amount = None
    exchange_total: Amount = None
    currency: Text = None
    multi_currency: object = None
    order_id: Reference = None
    order_name: Text = None
    order_number: Reference = None
    provider_order_id: Reference = None
    provider_order_number: Reference = None
    provider_order_external_id: Reference = None
    provider_order_sales_channel: Text = None
    customer: Text = None
    customer_detail: CustomerDetail | None = None
    address: Address | None = None
    origin_country: Text = None
    origin_country_code: Text = None
    outcome: Text = None
    refunds: Many[Refund] = ()
    labels: Many[Label] = ()
    carrier: Text = None
    tracking_number: Text = None
    label_status: Text = None
    label_updated_at: Moment = None
    label_url: Text = Field(default=None, repr=False)
    label_rate: Amount = None
    destination_id: Reference = None
    return_method: object = Field(default=None, repr=False)
    gift_card_order_name: Text = None
    gift_card_order_id: Reference = None
    exchange_order_name: Text = None
    exchange_order_id: Reference = None
    exchange: object = None
    is_gift_return: Flag = False
    status_page_url: Text = Field(default=None, repr=False)
    line_items: Many[LineItem] = ()
    exchanges: Many[Exchange] = ()


class LabelNews(Payload):
    """Topic `label`: `id` is the return, `shipment_id` the shipment."""

    topic: Text = None
    trigger: Text = None
    shop_id: Reference = None
    id: Id
    order_id: Reference = None
    provider_order_id: Reference = None
    carrier: Text = None
    tracking_number: Text = None
    label_status: Text = None
    label_updated_at: Moment = None
    shipment_id: Reference = None


class Restock(Payload):
    """Topic `restock`: a command; `id` is the return."""

    topic: Text = None
    trigger: Text = None
    id: Id
    order_id: Reference = None
    provider_order_id: Reference = None
    restock_items: Many[RestockItem] = ()


class GiftCard(Payload):
    """Topic `giftcard`: a command to issue credit; `id` is the gift card."""

    topic: Text = None
    trigger: Text = None
    id: Id
    total_credit_issued: Amount = None
    gift_card_subtotal: Amount = None
    gift_card_tax: Amount = None
    gift_card_bonus_credit: Amount = None
    currency: Text = None
    return_id: Reference = None
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    external_order_id: Reference = None
    external_order_name: Text = None
    external_order_number: Reference = None


class Places(Payload):
    """From where to where a parcel goes."""

    origin: Address | None = None
    destination: Address | None = None


class LabelRequest(Payload):
    """Topic `label.request`: a command; `id` is the request."""

    topic: Text = None
    trigger: Text = None
    id: Id
    return_id: Id
    shop_id: Reference = None
    created_at: Moment = None
    addresses: Places | None = None
    parcel: Parcel | None = None
    products: Many[Product] = ()


class ProcessingFailed(Payload):
    """Topic `return.processing`: what was queued did not happen."""

    topic: Text = None
    trigger: Text = None
    return_id: Id
    return_state: Text = None
    message: Text = None
    source: Text = None


class HubShipment(Payload):
    """Topic `happy.returns.shipment`: names no return."""

    topic: Text = None
    trigger: Text = None
    loop_shipment_id: Id
    happy_returns_shipment_id: Reference = None


Document = (
    LoopReturn
    | LabelNews
    | Restock
    | GiftCard
    | LabelRequest
    | ProcessingFailed
    | HubShipment
)

#: By `topic`; a body without one is a return of the list or of details.
DOCUMENTS: dict[str | None, type[Document]] = {
    None: LoopReturn,
    "return": LoopReturn,
    "label": LabelNews,
    "restock": Restock,
    "giftcard": GiftCard,
    "label.request": LabelRequest,
    "return.processing": ProcessingFailed,
    "happy.returns.shipment": HubShipment,
}
