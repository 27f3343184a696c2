"""ReturnGO's HTTP API as far as a returns bridge needs it (returngo.md, 2, 3, 6, 8).

Every answer carries the gateway's request id; none says when to come back after 429.
Bodies that the sheet only guesses are taken in the form that the habits name.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

import orjson
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.front import Answer, Ask, Front, Json
from bridge.sandbox.quota import Quota
from bridge.sandbox.returngo_bodies import detail, shipment
from bridge.sandbox.returngo_lists import list_rmas, list_transactions
from bridge.sandbox.returngo_shop import ReturnGoShop, Webhook

STATUSES = frozenset(
    {"Pending", "Approved", "Received", "Validated", "Done", "Rejected", "Canceled"}
)
#: What the gateway tells its support by.
REQUEST_IDS = ("x-amzn-requestid", "x-amzn-trace-id", "x-amz-apigw-id")
#: What a client's repeats are known by.
KEY = "idempotency-key"
#: A shipment's texts as a client writes them, and where they are kept.
PARCEL_TEXTS = {
    "trackingNumber": "tracking",
    "carrierName": "carrier",
    "trackingURL": "tracking_url",
    "labelURL": "label_url",
}

Work = Callable[[ReturnGoShop, Request, Json], Answer]


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
        self.keys = keys
        self._quota = quota
        routes: tuple[tuple[str, str, Work], ...] = (
            ("GET", "/rmas", list_rmas),
            ("GET", "/transactions", list_transactions),
            ("GET", "/rma/{id}", _get_rma),
            ("POST", "/rma/{id}/comment", _post_comment),
            ("PUT", "/rma/{id}/status", _put_status),
            ("PUT", "/shipment/{id}", _put_shipment),
            ("DELETE", "/shipment/{id}", _delete_shipment),
            ("GET", "/webhooks", _list_webhooks),
            ("POST", "/webhook", _post_webhook),
            ("PUT", "/webhook/{id}", _put_webhook),
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
            response.headers.update({name: str(uuid4()) for name in REQUEST_IDS})
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
        refusal = self.keys.refusal(key, shop)
        if refusal is not None:
            return refusal
        if not self._quota.take(key or ""):
            return Answer(429, {"message": "Too Many Requests"})
        try:
            sent = orjson.loads(body) if body else {}
            return work(self._shops[shop or ""], request, sent)
        except (ValueError, KeyError, TypeError):
            return Answer(400, {"message": "Bad request"})


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
    shop.delete_shipment(rma, next(each for each in rma.parcels if each.id == id_))
    return Answer(200, {}, effect=True)


def _list_webhooks(shop: ReturnGoShop, _: Request, __: Json) -> Answer:
    rows: list[JsonValue] = [webhook(each) for each in shop.webhooks.values()]
    return Answer(200, rows)


def _post_webhook(shop: ReturnGoShop, _: Request, body: Json) -> Answer:
    made = shop.register(str(body["url"]), str(body["eventName"]))
    return Answer(201, {"id": made.id}, effect=True)


def _put_webhook(shop: ReturnGoShop, request: Request, body: Json) -> Answer:
    """Change a registration's address, its event or both."""
    found = shop.webhooks.get(request.path_params["id"])
    if found is None:
        return Answer(404, {"message": "Not found"})
    changed = replace(
        found,
        url=str(body.get("url", found.url)),
        event=str(body.get("eventName", found.event)),
    )
    shop.webhooks[found.id] = changed
    return Answer(200, webhook(changed), effect=changed != found)


def _delete_webhook(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    found = shop.webhooks.pop(request.path_params["id"], None)
    return Answer(404 if found is None else 200, {}, effect=found is not None)


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None


def webhook(registration: Webhook) -> Json:
    """Return a registration as it is listed."""
    url, event = registration.url, registration.event
    return {"id": registration.id, "url": url, "eventName": event}
