"""The simulated shop's HTTP API: the part of Redo v2.2 that a returns bridge needs.

Reads, status and comments with bearer token, scopes and problem objects (redo.md,
sections 1 to 4, 6 and 9). What Redo does not say is answered as mildly as possible.
"""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.front import Answer, Ask, Front, problem
from bridge.sandbox.redo_bodies import return_body
from bridge.sandbox.redo_hooks import HookAdmin
from bridge.sandbox.redo_keys import READ, WRITE, Tokens, invalid
from bridge.sandbox.redo_list import NO_TRAPS, ReturnList, Traps
from bridge.sandbox.redo_orders import order_body
from bridge.sandbox.redo_process import Processing
from bridge.sandbox.redo_shop import SETTABLE, RedoShop
from bridge.sandbox.shop_returns import ShopReturn


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

    def __init__(
        self,
        shop: RedoShop,
        *,
        front: Front,
        tokens: Tokens,
        processing: Processing,
        traps: Traps = NO_TRAPS,
    ) -> None:
        self._shop = shop
        self._processing = processing
        self._returns = ReturnList(shop, traps)
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
                Route(f"{one}/process", self._process, methods=["POST"]),
                Route("/v2.2/stores/{store}/returns", self._list, methods=["GET"]),
                *HookAdmin(shop, front=front, tokens=tokens).routes,
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

    async def _process(self, request: Request) -> Response:
        body = await request.body()
        return await self._one(
            request, WRITE, lambda return_: self._processing.take(return_, body)
        )

    async def _list(self, request: Request) -> Response:
        store = request.path_params["store"]
        return await self._front.attend(
            request,
            Ask(subject=f"store {store}"),
            lambda: self._tokens.refusal(request, READ) or self._returns.page(request),
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
            return invalid("The body must be {status}")
        if status not in SETTABLE:
            return invalid(f"The status must be one of {', '.join(sorted(SETTABLE))}")
        return Answer(204, effect=self._shop.put_status(return_.id, status))

    def _add_comment(self, return_: ShopReturn, body: bytes) -> Answer:
        try:
            comment = _Comments.model_validate_json(body).comment
        except ValidationError:
            return invalid("The body must be {comment: {message} or {image}}")
        if (comment.message is None) == (comment.image is None):
            return invalid("A comment is a message or an image")
        kept = comment.model_dump(exclude_none=True)
        self._shop.comment(return_.id, kept)
        return Answer(201, {"comment": dict(kept)}, effect=True)


def _with_order(return_: ShopReturn) -> Answer:
    body: JsonValue = {
        "return": return_body(return_),
        "order": order_body(return_.order),
    }
    return Answer(200, body)
