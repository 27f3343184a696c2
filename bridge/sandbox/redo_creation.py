"""Returns that the simulated Redo takes in by API: created, and imported.

A creation with an `Idempotency-Key` happens once and is answered again with 200; the
same key for something else is a conflict, as is a line of which no units are left
(redo.md, section 9.4). An import answers row by row (section 9.5).
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.catalogue import Shopper
from bridge.sandbox.front import Answer, Json
from bridge.sandbox.redo_bodies import return_body
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import WRITE, plain_problem
from bridge.sandbox.redo_shop import RedoShop
from bridge.sandbox.shop_returns import Label, Order, OrderLine, ReturnLine, ShopReturn

Rma = Literal["none", "made", "failed"]
_PROVIDER = "demo-3pl"
_GONE = frozenset({"deleted", "rejected"})
_NOT_OURS = "com.getredo.api:return/item-not-found"
_Text = Annotated[str, Field(min_length=1)]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Item(_Body):
    line_item_id: _Text
    quantity: Annotated[int, Field(ge=1)]
    reason: str
    reason_code: str = "other"
    compensation: Literal["refund", "store_credit"]
    notes: str = ""


class _Address(_Body):
    line1: str
    line2: str = ""
    city: str
    state: str
    postal_code: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Label(_Body):
    tracking_number: _Text
    carrier: str = "unknown"
    tracking_url: str | None = None
    postage_label_url: str | None = None
    form_label_url: str | None = None

    def urls(self) -> Mapping[str, str]:
        given = {
            "trackingUrl": self.tracking_url,
            "postageLabel": self.postage_label_url,
            "formLabel": self.form_label_url,
        }
        return {name: url for name, url in given.items() if url is not None}


class _Return(_Body):
    provider: _Text
    external_order_id: _Text
    items: Annotated[list[_Item], Field(min_length=1)]
    shipping_address: _Address
    label: _Label | None = None
    notes: str | None = None


class _Options(_Body):
    # "RMAs" is not camel case.
    external_rmas: Annotated[bool, Field(alias="createExternalRMAs")] = False


class _Create(_Body):
    data: _Return
    options: _Options = _Options()


class Creation:
    """The returns that were created, by their keys. `rma` is what 3PLs say to them."""

    def __init__(self, shop: RedoShop, clock: Clock, rma: Rma = "none") -> None:
        self.rma = rma
        self._shop = shop
        self._clock = clock
        self._numbers = count(1)
        self._made: dict[str, tuple[_Create, ShopReturn]] = {}

    def routes(self, desk: Desk) -> list[Route]:
        path = "/stores/{store}/returns"
        return [desk.open(Door(path, "POST", WRITE), self._take)]

    def _take(self, request: Request, body: bytes) -> Answer:
        try:
            wanted = _Create.model_validate_json(body)
        except ValidationError:
            return plain_problem(400, "Invalid request", detail="The body does not fit")
        key = request.headers.get("idempotency-key")
        known = None if key is None else self._made.get(key)
        if known is not None:
            return self._again(wanted, *known)
        made = self._create(wanted.data)
        if isinstance(made, Answer):
            return made
        self._shop.add(made)
        if key is not None:
            self._made[key] = wanted, made
        return Answer(201, self._told(wanted, made), effect=True)

    def _again(self, wanted: _Create, before: _Create, made: ShopReturn) -> Answer:
        if wanted != before:
            return plain_problem(409, "The key was used for another return")
        return Answer(200, self._told(wanted, made))

    def _told(self, wanted: _Create, made: ShopReturn) -> Json:
        return {"return": return_body(made), "externalRMAResponses": self._rmas(wanted)}

    def _rmas(self, wanted: _Create) -> list[JsonValue]:
        if not wanted.options.external_rmas or self.rma == "none":
            return []
        answer: Json = {"integrationProvider": _PROVIDER, "success": True}
        if self.rma == "failed":
            answer |= {"success": False, "errorCode": "DEMO_1"}
            answer["errorMessage"] = "The 3PL does not know the SKU"
        return [answer]

    def _create(self, wanted: _Return) -> ShopReturn | Answer:
        order = self._shop.orders.get(wanted.external_order_id)
        if order is None:
            return plain_problem(404, "Order not found")
        known = {order.external_line_id(line): line for line in order.lines}
        left = self._left(order)
        for item in wanted.items:
            line = known.get(item.line_item_id)
            if line is None:
                return plain_problem(400, "No such line", type=_NOT_OURS)
            left[line.index] -= item.quantity
        if min(left.values()) < 0:
            return plain_problem(409, "Not so many units are left to return")
        return self._made_of(wanted, order, known)

    def _left(self, order: Order) -> dict[int, int]:
        """Return how many units of each line have not been returned."""
        left = {line.index: line.may_return for line in order.lines}
        for return_ in self._shop.all():
            same = return_.order.external_id == order.external_id
            for line in return_.lines if same and return_.status not in _GONE else ():
                left[line.line.index] -= line.quantity
        return left

    def _made_of(
        self, wanted: _Return, order: Order, known: Mapping[str, OrderLine]
    ) -> ShopReturn:
        number, now = next(self._numbers), self._clock.now()
        lines = [
            ReturnLine(
                id=f"2de0{number:016x}{index:04x}",
                line=known[item.line_item_id],
                quantity=item.quantity,
                reason=(item.reason_code, item.reason),
                comment=item.notes,
                group=f"grp_api_{number}",
                compensation=item.compensation,
            )
            for index, item in enumerate(wanted.items)
        ]
        return ShopReturn(
            id=f"3de0{number:020x}",
            order=replace(order, shopper=_at(order.shopper, wanted.shipping_address)),
            lines=lines,
            compensation=wanted.items[0].compensation,
            status="open",
            created_at=now,
            updated_at=now,
            labels=[_label(wanted.label, number, lines)],
            comments=[] if wanted.notes is None else [{"message": wanted.notes}],
        )


def _at(shopper: Shopper, address: _Address) -> Shopper:
    return replace(
        shopper,
        street=address.line1,
        city=address.city,
        state=address.state,
        postal_code=address.postal_code,
        country=address.country,
    )


def _label(own: _Label | None, number: int, lines: list[ReturnLine]) -> Label:
    """Return the label that was handed in, or one that Redo bought."""
    ids, group = tuple(line.id for line in lines), f"grp_api_{number}"
    if own is None:
        return Label(f"DEMO-API-{number:05d}", "DemoPost", group, ids)
    return Label(own.tracking_number, own.carrier, group, ids, urls=own.urls())
