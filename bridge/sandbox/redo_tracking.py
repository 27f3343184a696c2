"""The simulated Orders API: orders whose parcels to the shopper are tracked.

Money is a number in major units, errors are `{error}`, and a path takes the caller's id
or Redo's own; reading takes the order's name as well (redo.md, section 11.1). What is
filed twice stands twice: nothing but an order's id is checked.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from pydantic import JsonValue, ValidationError
from starlette.requests import Request
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.front import Answer, Json
from bridge.sandbox.redo_bodies import rfc3339
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import ORDERS_READ, ORDERS_WRITE
from bridge.sandbox.redo_tracking_bodies import (
    AUTOMATION_ONLY,
    Fulfilling,
    NewOrder,
    Tracked,
)

_UNAUTHORISED = 401
_DELIVERED = "delivered"


@dataclass(slots=True)
class Parcel:
    """One fulfilment: what is in it, by whom it travels, and how far it is."""

    id: str
    about: Json
    status: str = "unknown"
    history: list[JsonValue] = field(default_factory=list)
    due: str | None = None
    delivered_at: str | None = None

    def body(self) -> Json:
        return {
            "id": self.id,
            **self.about,
            "status": self.status,
            "trackingHistory": list(self.history),
            "estimatedDeliveryDate": self.due,
            "deliveredAt": self.delivered_at,
        }

    def move(self, told: Tracked, now: datetime) -> None:
        """Add to the history; what is for automations alone moves no status."""
        at = rfc3339(told.datetime or now)
        entry: Json = {"message": told.message or told.status, "status": told.status}
        if told.location is not None:
            entry["location"] = told.location.model_dump(by_alias=True)
        self.history.append({**entry, "datetime": at})
        if told.estimated_delivery_date is not None:
            self.due = f"{told.estimated_delivery_date:%Y-%m-%d}"
        if told.status not in AUTOMATION_ONLY:
            self.status = told.status
        if told.status == _DELIVERED:
            self.delivered_at = at


@dataclass(slots=True)
class TrackedOrder:
    """One order; its lines by their ids, and the fields it was filed with."""

    id: str
    external_id: str
    lines: Mapping[str, Json]
    body: Json
    parcels: list[Parcel] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"#{self.external_id}"

    def ids(self) -> Json:
        return {"orderId": self.id, "externalOrderId": self.external_id}


Work = Callable[[TrackedOrder, Request, bytes], Answer]
_ONE = "/stores/{store}/orders/{order_id}"


class Tracking:
    """The orders of one store."""

    def __init__(self, clock: Clock) -> None:
        self.orders: dict[str, TrackedOrder] = {}
        self._clock = clock
        self._numbers = count(1)

    def routes(self, desk: Desk) -> list[Route]:
        parcel = f"{_ONE}/fulfillments"
        status = f"{parcel}/{{fulfillment_id}}/shipment-status"
        doors: tuple[tuple[str, str, str, Work], ...] = (
            (_ONE, "GET", ORDERS_READ, self._get),
            (_ONE, "DELETE", ORDERS_WRITE, self._delete),
            (parcel, "POST", ORDERS_WRITE, self._fulfil),
            (status, "POST", ORDERS_WRITE, self._track),
        )
        filed = Door("/stores/{store}/orders", "POST", ORDERS_WRITE, form=worded)
        return [
            desk.open(filed, self._create),
            *(
                desk.open(Door(path, method, scope, form=worded), self._one(work))
                for path, method, scope, work in doors
            ),
        ]

    def _one(self, work: Work) -> Callable[[Request, bytes], Answer]:
        def job(request: Request, body: bytes) -> Answer:
            asked = request.path_params["order_id"]
            names = request.method == "GET"
            found = next(self._called(asked, names=names), None)
            if found is None:
                return Answer(404, {"error": "Order not found"})
            try:
                return work(found, request, body)
            except ValidationError as broken:
                return _odd(broken)

        return job

    def _called(self, asked: str, *, names: bool) -> Iterator[TrackedOrder]:
        for order in self.orders.values():
            known = {order.id, order.external_id}
            if asked in (known | {order.name} if names else known):
                yield order

    def _create(self, _: Request, body: bytes) -> Answer:
        try:
            new = NewOrder.model_validate_json(body)
        except ValidationError as broken:
            return _odd(broken)
        if new.order_id in self.orders:
            return Answer(409, {"error": f"The order {new.order_id} exists"})
        id_ = f"6de0{next(self._numbers):020x}"
        lines = {line.id: line.shown() for line in new.line_items}
        made = TrackedOrder(id_, new.order_id, lines, new.shown())
        self.orders[new.order_id] = made
        return Answer(200, made.ids(), effect=True)

    def _get(self, order: TrackedOrder, _: Request, __: bytes) -> Answer:
        parcels: list[JsonValue] = [parcel.body() for parcel in order.parcels]
        return Answer(200, {**order.body, "fulfillments": parcels})

    def _delete(self, order: TrackedOrder, _: Request, __: bytes) -> Answer:
        del self.orders[order.external_id]
        return Answer(200, {"success": True, **order.ids()}, effect=True)

    def _fulfil(self, order: TrackedOrder, _: Request, body: bytes) -> Answer:
        wanted = Fulfilling.model_validate_json(body)
        if any(item.id not in order.lines for item in wanted.line_items):
            return Answer(400, {"error": "A line is not of this order"})
        now, number = self._clock.now(), next(self._numbers)
        items: list[JsonValue] = [
            {**order.lines[item.id], "quantity": item.quantity}
            for item in wanted.line_items
        ]
        about: Json = {
            "createdAt": rfc3339(now),
            "lineItems": items,
            **wanted.tracking_of(number),
        }
        parcel = Parcel(wanted.fulfillment_id or f"F-{number}", about)
        if wanted.use_dummy_tracking:
            parcel.move(wanted.first(), now)
        order.parcels.append(parcel)
        return _told(parcel)

    def _track(self, order: TrackedOrder, request: Request, body: bytes) -> Answer:
        id_ = request.path_params["fulfillment_id"]
        known = [parcel for parcel in order.parcels if parcel.id == id_]
        if not known:
            return Answer(404, {"error": "Fulfillment not found"})
        known[0].move(Tracked.model_validate_json(body), self._clock.now())
        return _told(known[0])


def worded(answer: Answer) -> Answer:
    """Refuse as the Orders API does: 401 is `{error}`."""
    if answer.status != _UNAUTHORISED:
        return answer
    return Answer(_UNAUTHORISED, {"error": "Unauthorized"})


def _odd(broken: ValidationError) -> Answer:
    first = broken.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    return Answer(400, {"error": f"{place}: {first['msg']}"})


def _told(parcel: Parcel) -> Answer:
    return Answer(200, {"success": True, "fulfillment": parcel.body()}, effect=True)
