"""The simulated sync of custom orders: an upsert that makes them returnable.

Weights are read as grams whatever the unit says; a refund of a line that the order does
not have is ignored; a body that does not fit gets `errors` in its own structure, down
to each field (redo.md, section 11.2).
"""

from decimal import Decimal
from itertools import count
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.routing import Route

from bridge.sandbox.catalogue import Product, Shopper
from bridge.sandbox.front import Answer, Json
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_shop import RedoShop
from bridge.sandbox.redo_tracking import worded
from bridge.sandbox.shop_returns import Order, OrderLine

_COVER = "x-redo"
_FIRST_NUMBER = 900_001


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Money(_Body):
    amount: Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$")]
    currency_code: str


class _MoneySet(_Body):
    presentment_money: _Money
    shop_money: _Money


class _Customer(_Body):
    email: str
    first_name: str
    last_name: str
    phone: str | None = None


class _Address(_Body):
    address1: str
    city: str
    province_code: str
    zip: str
    country_code: str


class _Weight(_Body):
    value: float
    unit: str = "g"


class _Line(_Body):
    id: str
    title: str
    product_id: str
    sku: str
    quantity: int
    price_set: _MoneySet
    returnable_quantity: int | None = None
    variant_title: str | None = None
    variant_id: str | None = None
    weight: _Weight | None = None


class _Discount(_Body):
    amount_set: _MoneySet
    discount_id: str


class _ShippingLine(_Body):
    id: str
    title: str
    price_set: _MoneySet


class _Part(_Body):
    id: str
    quantity: float


class _Fulfillment(_Body):
    id: str
    line_items: list[_Part]


class _RefundLine(_Body):
    line_item_id: str
    quantity: Annotated[float, Field(ge=1)]
    subtotal_set: _MoneySet
    total_tax_set: _MoneySet


class _Refund(_Body):
    id: str
    created_at: str
    line_items: list[_RefundLine] = []


class _Custom(_Body):
    id: Annotated[str, Field(min_length=1)]
    type: Literal["order"]
    created_at: str
    updated_at: str
    presentment_currency: str
    shop_currency: str
    customer: _Customer
    shipping_address: _Address
    line_items: Annotated[list[_Line], Field(min_length=1)]
    order_discounts: list[_Discount]
    shipping_lines: list[_ShippingLine]
    fulfillments: list[_Fulfillment]
    cancelled_at: str | None = None
    refunds: list[_Refund] = []


class CustomOrders:
    """The custom orders of one store, and the lines that were refunded of each."""

    def __init__(self, shop: RedoShop) -> None:
        self.refunds: dict[str, list[Json]] = {}
        self._shop = shop
        self._numbers = count(_FIRST_NUMBER)

    def routes(self, desk: Desk) -> list[Route]:
        door = Door("/stores/{store}/custom/orders", "POST", None, form=worded)
        return [desk.open(door, self._sync)]

    def _sync(self, _: Request, body: bytes) -> Answer:
        try:
            custom = _Custom.model_validate_json(body)
        except ValidationError as broken:
            errors = _mirrored(broken.errors())
            return Answer(400, {"error": "The order does not fit", "errors": errors})
        lines = {line.id for line in custom.line_items}
        if len(lines) < len(custom.line_items):
            return Answer(400, {"error": "The ids of the lines are not unique"})
        known = self._shop.orders.get(custom.id)
        number = next(self._numbers) if known is None else known.number
        order = self._shop.orders[custom.id] = _order(custom, number)
        self.refunds[custom.id] = [
            {"refund": refund.id, "line": line.line_item_id, "quantity": line.quantity}
            for refund in custom.refunds
            for line in refund.line_items
            if line.line_item_id in lines
        ]
        word = "created" if known is None else "updated"
        answer: Json = {"message": word, "orderId": custom.id, "redoId": order.id}
        return Answer(200, answer, effect=True)


def _mirrored(found: list[ErrorDetails]) -> Json:
    """Return what is wrong, in the structure of the request."""
    tree: Json = {}
    for each in found:
        *way, last = map(str, each["loc"] or ("body",))
        inner = tree
        for step in way:
            branch = inner.setdefault(step, {})
            if not isinstance(branch, dict):
                break
            inner = branch
        inner[last] = each["msg"]
    return tree


def _order(custom: _Custom, number: int) -> Order:
    lines = [line for line in custom.line_items if line.sku != _COVER]
    return Order(
        number,
        _shopper(custom),
        tuple(_line(index, line, number) for index, line in enumerate(lines)),
        covered=len(lines) < len(custom.line_items),
        own_id=custom.id,
    )


def _line(index: int, line: _Line, number: int) -> OrderLine:
    grams = 0.0 if line.weight is None else line.weight.value
    product = Product(
        sku=line.sku,
        name=line.title,
        variant=line.variant_title or "Default",
        cents=_cents(line.price_set.shop_money.amount),
        kg=grams / 1000,
        number=number * 100 + index,
        own_id=line.product_id,
        own_variant_id=line.variant_id,
    )
    return OrderLine(index, product, line.quantity, line.id, line.returnable_quantity)


def _cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


def _shopper(custom: _Custom) -> Shopper:
    customer, address = custom.customer, custom.shipping_address
    return Shopper(
        given=customer.first_name,
        surname=customer.last_name,
        email=customer.email,
        phone=customer.phone or "",
        street=address.address1,
        city=address.city,
        state=address.province_code,
        postal_code=address.zip,
        country=address.country_code,
    )
