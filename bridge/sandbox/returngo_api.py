"""ReturnGO's HTTP API as far as a returns bridge needs it (returngo.md, 2, 3, 6, 8).

Every answer carries the gateway's request id; none says when to come back after 429.
Bodies that the sheet only guesses are taken in the form that the habits name.
"""

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

import orjson
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.front import Answer, Ask, Front, Json
from bridge.sandbox.quota import Quota
from bridge.sandbox.returngo_bodies import Movement, Rma, detail, row, shipment
from bridge.sandbox.returngo_bodies import transaction as transaction_body
from bridge.sandbox.returngo_shop import ReturnGoShop

STATUSES = frozenset(
    {"Pending", "Approved", "Received", "Validated", "Done", "Rejected", "Canceled"}
)
#: What a client's repeats are known by.
KEY = "idempotency-key"
#: A shipment's texts as a client writes them, and where they are kept.
PARCEL_TEXTS = {
    "trackingNumber": "tracking",
    "carrierName": "carrier",
    "trackingURL": "tracking_url",
    "labelURL": "label_url",
}
_LARGEST_PAGE = 500
_OPERATORS: dict[str, Callable[[datetime, datetime], bool]] = {
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "eq": lambda one, other: one == other,
    "neq": lambda one, other: one != other,
}

Work = Callable[[ReturnGoShop, Request, Json], Answer]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Keys:
    """Which shops each API key opens; a gateway's 403 has a body of its own."""

    shops: Mapping[str, frozenset[str]]
    gateway: bool = False

    def refusal(self, key: str | None, shop: str | None) -> Answer | None:
        if not key or (key not in self.shops and not self.gateway):
            return Answer(401, {"message": "Unauthorized"})
        if shop not in self.shops.get(key, frozenset()):
            return Answer(403, {"message": "Forbidden"})
        return None


class ReturnGoApi:
    """The routes of several shops behind one or more keys."""

    def __init__(
        self, shops: Iterable[ReturnGoShop], *, front: Front, keys: Keys, quota: Quota
    ) -> None:
        self._shops = {shop.name: shop for shop in shops}
        self._front = front
        self._keys = keys
        self._quota = quota
        routes: tuple[tuple[str, str, Work], ...] = (
            ("GET", "/rmas", _list_rmas),
            ("GET", "/transactions", _list_transactions),
            ("GET", "/rma/{id}", _get_rma),
            ("POST", "/rma/{id}/comment", _post_comment),
            ("PUT", "/rma/{id}/status", _put_status),
            ("PUT", "/shipment/{id}", _put_shipment),
            ("DELETE", "/shipment/{id}", _delete_shipment),
            ("GET", "/webhooks", _list_webhooks),
            ("POST", "/webhook", _post_webhook),
            ("DELETE", "/webhook/{id}", _delete_webhook),
        )
        self.app = Starlette(
            routes=[
                Route(path, self._served(work), methods=[method])
                for method, path, work in routes
            ]
        )

    def _served(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            body = await request.body()
            ask = Ask(self._subject(request), key=request.headers.get(KEY))
            response = await self._front.attend(
                request, ask, lambda: self._answer(request, body, work)
            )
            response.headers["x-amzn-requestid"] = str(uuid4())
            return response

        return serve

    def _subject(self, request: Request) -> str:
        """Return the id of the RMA that a request is about, also through a parcel."""
        id_: str = request.path_params.get("id", request.url.path)
        shop = self._shops.get(request.headers.get("x-shop-name", ""))
        rma = shop and request.url.path.startswith("/shipment/") and shop.rma_of(id_)
        return rma.id if rma else id_

    def _answer(self, request: Request, body: bytes, work: Work) -> Answer:
        key = request.headers.get("x-api-key")
        shop = request.headers.get("x-shop-name")
        refusal = self._keys.refusal(key, shop)
        if refusal is not None:
            return refusal
        if not self._quota.take(key or ""):
            return Answer(429, {"message": "Too Many Requests"})
        try:
            sent = orjson.loads(body) if body else {}
            return work(self._shops[shop or ""], request, sent)
        except (ValueError, KeyError, TypeError):
            return Answer(400, {"message": "Bad request"})


def _list_rmas(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    query = request.query_params
    wanted = [
        rma
        for rma in shop.newest_first()
        if _in(query.get("status"), rma.status)
        and _in(query.get("order_name"), rma.order_name)
        and _at(query.get("rma_created_at"), rma.created_at)
        and _at(query.get("rma_updated_at"), rma.touched_at)
    ]
    page, cursor = _page(_sorted(wanted, query.get("sort_by")), request, _rma_key)
    rows: list[JsonValue] = [row(rma) for rma in page]
    return _listed("rmas", rows, cursor, shop)


def _list_transactions(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    query = request.query_params
    wanted = [
        movement
        for rma in shop.newest_first()
        if _in(query.get("rma_ids"), rma.id)
        for movement in rma.movements
        if _in(query.get("ids"), str(movement.id))
        and _in(query.get("statuses"), movement.status)
        and _in(query.get("types"), movement.type)
        and _at(query.get("created_at"), movement.created_at)
        and _at(query.get("updated_at"), movement.updated_at)
    ]
    page, cursor = _page(wanted, request, _movement_key)
    rows: list[JsonValue] = [transaction_body(movement) for movement in page]
    return _listed("transactions", rows, cursor, shop)


def _get_rma(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    rma = shop.rmas.get(request.path_params["id"])
    return (
        Answer(404, {"message": "Not found"})
        if rma is None
        else Answer(200, detail(rma))
    )


def _post_comment(shop: ReturnGoShop, request: Request, body: Json) -> Answer:
    rma = shop.rmas.get(request.path_params["id"])
    if rma is None:
        return Answer(404, {"message": "Not found"})
    shop.comment(rma, str(body[shop.habits.comment_field]))
    return Answer(201, {}, effect=True)


def _put_status(shop: ReturnGoShop, request: Request, body: Json) -> Answer:
    rma = shop.rmas.get(request.path_params["id"])
    if rma is None:
        return Answer(404, {"message": "Not found"})
    status = str(body["status"])
    if status not in STATUSES:
        return Answer(400, {"message": "Bad request"})
    changed = status != rma.status
    shop.set_status(rma, status, by_api=True)
    return Answer(200, detail(rma), effect=changed)


def _put_shipment(shop: ReturnGoShop, request: Request, body: Json) -> Answer:
    """Move a parcel; the same status again is taken and changes the texts alone."""
    id_ = request.path_params["id"]
    rma = shop.rma_of(id_)
    if rma is None:
        return Answer(404, {"message": "Not found"})
    parcel = next(each for each in rma.parcels if each.id == id_)
    before = replace(parcel)
    wanted = str(body.get("status", parcel.status))
    if not shop.move(rma, parcel, wanted, by_api=True):
        return Answer(400, {"message": "Bad request"})
    for name, field in PARCEL_TEXTS.items():
        setattr(parcel, field, _text(body, name) or getattr(parcel, field))
    return Answer(200, shipment(parcel), effect=parcel != before)


def _delete_shipment(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    id_ = request.path_params["id"]
    rma = shop.rma_of(id_)
    if rma is None:
        return Answer(404, {"message": "Not found"})
    rma.parcels = [each for each in rma.parcels if each.id != id_]
    return Answer(200, {}, effect=True)


def _list_webhooks(shop: ReturnGoShop, _: Request, __: Json) -> Answer:
    rows: list[JsonValue] = [
        {"id": webhook.id, "url": webhook.url, "eventName": webhook.event}
        for webhook in shop.webhooks.values()
    ]
    return Answer(200, rows)


def _post_webhook(shop: ReturnGoShop, _: Request, body: Json) -> Answer:
    webhook = shop.register(str(body["url"]), str(body["eventName"]))
    return Answer(201, {"id": webhook.id}, effect=True)


def _delete_webhook(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    found = shop.webhooks.pop(request.path_params["id"], None)
    return Answer(404 if found is None else 200, {}, effect=found is not None)


# ---------------------------------------------------------------- lists


def _in(wanted: str | None, value: str) -> bool:
    return wanted is None or value in wanted.split(",")


def _at(wanted: str | None, value: datetime) -> bool:
    """Tell whether `<op>:<time without zone>` takes the moment; seconds count."""
    if wanted is None:
        return True
    operator, _, text = wanted.partition(":")
    bound = datetime.fromisoformat(text)
    if bound.tzinfo is not None:
        raise ValueError("a filter's time has no zone")
    return _OPERATORS[operator](value.replace(microsecond=0), bound.replace(tzinfo=UTC))


def _sorted(rmas: list[Rma], sort_by: str | None) -> list[Rma]:
    for column in reversed((sort_by or "").split(",")):
        if column:
            name = {"rma_created_at": "created_at", "rma_updated_at": "touched_at"}
            field, down = name[column[1:]], {"+": False, "-": True}[column[0]]
            rmas = sorted(rmas, key=lambda rma: getattr(rma, field), reverse=down)
    return rmas


def _rma_key(rma: Rma) -> str:
    return f"returns.id:{rma.id}"


def _movement_key(movement: Movement) -> str:
    return str(movement.id)


def _page(
    rows: Sequence[Row], request: Request, key: Callable[[Row], str]
) -> tuple[Sequence[Row], str | None]:
    """Cut a page out: it goes on behind the row that the cursor names."""
    size = int(request.query_params["pagesize"])
    if not 1 <= size <= _LARGEST_PAGE:
        raise ValueError("pagesize")
    cursor = request.query_params.get("cursor")
    begin = 0
    if cursor:
        last = base64.b64decode(cursor, validate=True).decode()
        begin = [key(each) for each in rows].index(last) + 1
    page = rows[begin : begin + size]
    more = begin + size < len(rows)
    return page, base64.b64encode(key(page[-1]).encode()).decode() if more else None


def _listed(
    name: str, rows: list[JsonValue], cursor: str | None, shop: ReturnGoShop
) -> Answer:
    body: Json = {name: rows}
    if cursor or shop.habits.empty_cursor:
        body["next_cursor"] = cursor or ""
    return Answer(200, body)


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None
