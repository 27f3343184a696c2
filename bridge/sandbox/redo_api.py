"""The simulated shop's HTTP API: the part of Redo v2.2 that a returns bridge needs.

Reads, status and comments with bearer token, scopes and problem objects (redo.md,
sections 1 to 4, 6 and 9). What Redo does not say is answered as mildly as possible.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.front import Answer, Ask, Front, problem
from bridge.sandbox.redo_bodies import return_body
from bridge.sandbox.redo_orders import order_body
from bridge.sandbox.redo_shop import SETTABLE, Filter, RedoShop
from bridge.sandbox.shop_returns import ShopReturn

READ, WRITE = "returns_read", "returns_write"
_AREA = "com.getredo.api:"
_PAGE, _LARGEST_PAGE = 20, 500


@dataclass(frozen=True, slots=True)
class Tokens:
    """The API's bearer tokens, each with its scopes."""

    scopes: Mapping[str, frozenset[str]] = field(repr=False)

    def refusal(self, request: Request, scope: str) -> Answer | None:
        """Return 401 or 403 if the request may not, else None."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        held: frozenset[str] | None = None
        for token, scopes in self.scopes.items():
            if hmac.compare_digest(token.encode(), given.encode()):
                held = scopes
        if held is None:
            return problem(401, "about:blank", "Unauthorized")
        if scope not in held:
            detail = f"The token lacks the scope {scope}"
            return problem(403, f"{_AREA}scope/forbidden", "Forbidden", detail=detail)
        return None


class _Closed(BaseModel):
    """A request body; extra properties are refused."""

    model_config = ConfigDict(extra="forbid")


class _Status(_Closed):
    status: str


class _Comment(_Closed):
    message: str | None = None
    image: str | None = None


class _Comments(_Closed):
    comment: _Comment


Work = Callable[[ShopReturn], Answer]


class RedoApi:
    """The routes of one store, each behind the front's faults and record."""

    def __init__(self, shop: RedoShop, *, front: Front, tokens: Tokens) -> None:
        self._shop = shop
        self._front = front
        self._tokens = tokens
        one = "/v2.2/returns/{return_id}"
        self.app = Starlette(
            routes=[
                Route(one, self._get, methods=["GET"]),
                Route(f"{one}/status", self._get_status, methods=["GET"]),
                Route(f"{one}/status", self._put_status, methods=["PUT"]),
                Route(f"{one}/comments", self._get_comments, methods=["GET"]),
                Route(f"{one}/comments", self._post_comment, methods=["POST"]),
                Route("/v2.2/stores/{store}/returns", self._list, methods=["GET"]),
            ]
        )

    async def _get(self, request: Request) -> Response:
        return await self._one(request, READ, _with_order)

    async def _get_status(self, request: Request) -> Response:
        return await self._one(
            request, READ, lambda return_: Answer(200, {"status": return_.status})
        )

    async def _put_status(self, request: Request) -> Response:
        body = await request.body()
        return await self._one(
            request, WRITE, lambda return_: self._set_status(return_, body)
        )

    async def _get_comments(self, request: Request) -> Response:
        return await self._one(
            request,
            READ,
            lambda return_: Answer(
                200, {"comments": [dict(comment) for comment in return_.comments]}
            ),
        )

    async def _post_comment(self, request: Request) -> Response:
        body = await request.body()
        return await self._one(
            request, WRITE, lambda return_: self._add_comment(return_, body)
        )

    async def _list(self, request: Request) -> Response:
        store = request.path_params["store"]
        return await self._front.attend(
            request,
            Ask(subject=f"store {store}"),
            lambda: self._tokens.refusal(request, READ) or self._page(request),
        )

    async def _one(self, request: Request, scope: str, work: Work) -> Response:
        """Answer about one return, if there is one and the token may."""
        return_id = request.path_params["return_id"]
        await request.body()

        def judged() -> Answer:
            refusal = self._tokens.refusal(request, scope)
            if refusal is not None:
                return refusal
            return_ = self._shop.find(return_id)
            if return_ is None:
                return problem(404, "about:blank", "Return not found")
            return work(return_)

        ask = Ask(return_id, key=request.headers.get("idempotency-key"))
        return await self._front.attend(request, ask, judged)

    def _set_status(self, return_: ShopReturn, body: bytes) -> Answer:
        try:
            status = _Status.model_validate_json(body).status
        except ValidationError:
            return _invalid("The body must be {status}")
        if status not in SETTABLE:
            return _invalid(f"The status must be one of {', '.join(sorted(SETTABLE))}")
        return Answer(204, effect=self._shop.put_status(return_.id, status))

    def _add_comment(self, return_: ShopReturn, body: bytes) -> Answer:
        try:
            comment = _Comments.model_validate_json(body).comment
        except ValidationError:
            return _invalid("The body must be {comment: {message} or {image}}")
        if (comment.message is None) == (comment.image is None):
            return _invalid("A comment is a message or an image")
        kept = comment.model_dump(exclude_none=True)
        self._shop.comment(return_.id, kept)
        return Answer(201, {"comment": dict(kept)}, effect=True)

    def _page(self, request: Request) -> Answer:
        if request.path_params["store"] != self._shop.store:
            return problem(404, "about:blank", "Store not found")
        try:
            wanted = _filter(request)
            size = int(request.headers.get("x-page-size", _PAGE))
            after = _opened(request.headers.get("x-page-continue"))
        except ValueError:
            return _invalid("A filter or page header does not fit")
        if not 1 <= size <= _LARGEST_PAGE:
            return _invalid(f"X-Page-Size must be 1 to {_LARGEST_PAGE}")
        found = (r for r in self._shop.all() if wanted.takes(r) and _is_after(r, after))
        page = list(islice(found, size + 1))
        more = {"x-page-next": _sealed(page[size - 1])} if len(page) > size else {}
        return _listing(page[:size], more)


def _with_order(return_: ShopReturn) -> Answer:
    body: JsonValue = {
        "return": return_body(return_),
        "order": order_body(return_.order),
    }
    return Answer(200, body)


def _listing(page: list[ShopReturn], headers: Mapping[str, str]) -> Answer:
    """Returns and orders stand side by side (section 6)."""
    body: JsonValue = {
        "returns": [return_body(return_) for return_ in page],
        "orders": [order_body(return_.order) for return_ in page],
    }
    return Answer(200, body, headers=headers)


def _invalid(detail: str) -> Answer:
    return problem(
        400, f"{_AREA}return/invalid-request", "Invalid request", detail=detail
    )


def _filter(request: Request) -> Filter:
    query = request.query_params
    return Filter(
        updated_min=_moment(query.get("updated_at_min")),
        updated_max=_moment(query.get("updated_at_max")),
        status=query.get("status"),
        order_name=query.get("shopify_order_name") or query.get("provider_order_name"),
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment has a zone")
    return moment


Cursor = tuple[datetime, str]


def _sealed(return_: ShopReturn) -> str:
    """Return an opaque cursor: the page goes on after this return."""
    text = f"{return_.created_at.isoformat()} {return_.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(cursor: str | None) -> Cursor | None:
    if cursor is None:
        return None
    created_at, _, return_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
    return datetime.fromisoformat(created_at), return_id


def _is_after(return_: ShopReturn, cursor: Cursor | None) -> bool:
    """Tell whether the return stands behind the cursor, newest first."""
    return cursor is None or (return_.created_at, return_.id) < cursor
