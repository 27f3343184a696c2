"""What the simulated Redo takes about returns: reads, status, comments, process, list.

What Redo does not say is answered as mildly as possible (redo.md, sections 6 and 9).
"""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from starlette.requests import Request
from starlette.routing import Route

from bridge.sandbox.front import Answer, problem
from bridge.sandbox.redo_bodies import return_and_order
from bridge.sandbox.redo_desk import Desk, Door, Job
from bridge.sandbox.redo_keys import READ, WRITE, invalid
from bridge.sandbox.redo_list import NO_TRAPS, ReturnList, Traps
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


Work = Callable[[ShopReturn, bytes], Answer]
_ONE = "/returns/{return_id}"


class RedoApi:
    """The routes about one store's returns."""

    def __init__(
        self, shop: RedoShop, processing: Processing, traps: Traps = NO_TRAPS
    ) -> None:
        self._shop = shop
        self._processing = processing
        self._listed = ReturnList(shop, traps)

    def routes(self, desk: Desk) -> list[Route]:
        doors: tuple[tuple[str, str, str, Work], ...] = (
            ("", "GET", READ, _whole),
            ("/status", "GET", READ, _status),
            ("/status", "PUT", WRITE, self._set_status),
            ("/comments", "GET", READ, _comments),
            ("/comments", "POST", WRITE, self._add_comment),
            ("/process", "POST", WRITE, self._processing.take),
        )
        ones = [
            desk.open(Door(f"{_ONE}{path}", method, scope, _id), self._one(work))
            for path, method, scope, work in doors
        ]
        all_ = Door("/stores/{store}/returns", "GET", READ, _store)
        return [*ones, desk.open(all_, lambda request, _: self._listed.page(request))]

    def _one(self, work: Work) -> Job:
        """Answer about one return, if there is one."""

        def job(request: Request, body: bytes) -> Answer:
            return_ = self._shop.find(_id(request))
            if return_ is None:
                return problem(404, "about:blank", "Return not found")
            return work(return_, body)

        return job

    def _set_status(self, return_: ShopReturn, body: bytes) -> Answer:
        try:
            status = _Status.model_validate_json(body).status
        except ValidationError:
            return invalid("The body must be {status}")
        if status not in SETTABLE:
            return invalid(f"The status must be one of {', '.join(sorted(SETTABLE))}")
        if status == "open":
            self._processing.forget(return_.id)
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


def _id(request: Request) -> str:
    return str(request.path_params["return_id"])


def _store(request: Request) -> str:
    return f"store {request.path_params['store']}"


def _whole(return_: ShopReturn, _: bytes) -> Answer:
    return Answer(200, return_and_order(return_))


def _status(return_: ShopReturn, _: bytes) -> Answer:
    return Answer(200, {"status": return_.status})


def _comments(return_: ShopReturn, _: bytes) -> Answer:
    comments: list[JsonValue] = [dict(comment) for comment in return_.comments]
    return Answer(200, {"comments": comments})
