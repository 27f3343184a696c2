"""The simulated Loop's HTTP API about returns: list, details, actions, notes.

Failures often come with status 200 (loop.md, section 1): a refused action answers an
object with `errors`, in more than one shape, and details without a hit an `error`.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_bodies import details, zoneless
from bridge.sandbox.loop_desk import Desk, json_object
from bridge.sandbox.loop_list import ListQuery, page, read_query
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_scopes import RETURNS

_LONGEST_NOTE = 254


class LoopApi:
    """The routes about returns."""

    def __init__(self, desk: Desk, *, skips_edges: bool = False) -> None:
        self._desk = desk
        self._skips_edges = skips_edges
        self._shapes = cycle(_REFUSALS)
        one = "/warehouse/return/{id:int}"
        self.routes: list[BaseRoute] = [
            Route("/warehouse/return/list", self._list, methods=["GET"]),
            Route("/warehouse/return/details", self._details, methods=["GET"]),
            Route(f"{one}/note", self._note, methods=["POST"]),
            Route(f"{one}/notes", self._notes, methods=["GET"]),
            Route(f"{one}/remove", self._remove, methods=["POST"]),
            Route(f"{one}/{{action}}", self._act, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        base = str(request.url.replace(query=""))

        def work() -> Answer:
            query = read_query(request.query_params, self._desk.clock.now())
            if not isinstance(query, ListQuery):
                return query
            shop = self._desk.shop
            return page(query, shop, base, skips_edges=self._skips_edges)

        return await self._desk.attend(request, RETURNS, "list", work)

    async def _details(self, request: Request) -> Response:
        wanted = request.query_params

        def work() -> Answer:
            found = next(self._matching(wanted), None)
            if found is None:
                return Answer(200, {"error": {"message": "Return not found"}})
            return Answer(200, details(found))

        return await self._desk.attend(
            request, RETURNS, wanted.get("return_id", "details"), work
        )

    def _matching(self, wanted: Mapping[str, str]) -> Iterator[LoopReturn]:
        for return_ in self._desk.shop.all():
            facts = {
                "return_id": str(return_.id),
                "order_id": str(return_.order),
                "order_name": return_.order_name,
            }
            asked = [name for name in facts if name in wanted]
            if asked and all(wanted[name] == facts[name] for name in asked):
                yield return_

    async def _act(self, request: Request) -> Response:
        action, sent = request.path_params["action"], await request.body()

        def work(return_: LoopReturn) -> Answer:
            shop = self._desk.shop
            actions: dict[str, Callable[[int], str | None]] = {
                "process": lambda id_: shop.process(id_, details=json_object(sent)),
                "flag": shop.flag,
                "cancel": shop.cancel,
                "close": shop.close_unfulfilled,
            }
            if action not in actions:
                return Answer(404, {"message": "Not Found"})
            return self._done(actions[action](return_.id))

        return await self._one(request, work)

    async def _remove(self, request: Request) -> Response:
        """Drop lines with a refund or credit; an unknown one is 422, and so is none."""
        named = request.query_params.get("line_item_id", "")

        def work(return_: LoopReturn) -> Answer:
            units = {int(part) for part in named.split(",") if part.isdigit()}
            if not units or not units <= {unit.id for unit in return_.units}:
                return Answer(422, {"error": {"message": "Line item not found"}})
            if return_.outcome not in {"refund", "credit"}:
                return Answer(422, {"message": "Only refund or credit is removed"})
            return self._done(self._desk.shop.remove(return_.id, units))

        return await self._one(request, work)

    def _done(self, refusal: str | None) -> Answer:
        """Return Loop's answer to an action: a bare `true`, or a refusal."""
        return self._refused(refusal) if refusal else Answer(200, True, effect=True)  # noqa: FBT003 Loop's whole answer

    async def _note(self, request: Request) -> Response:
        body = await request.body()

        def work(return_: LoopReturn) -> Answer:
            content = _content(body)
            if content is None or len(content) > _LONGEST_NOTE:
                error = {"message": "The note does not fit", "code": "UNEXPECTED_ERROR"}
                return Answer(422, {"errors": {**error}})
            self._desk.shop.note(return_.id, content)
            return Answer(200, True, effect=True)  # noqa: FBT003 Loop's whole answer

        return await self._one(request, work)

    async def _notes(self, request: Request) -> Response:
        return await self._one(request, _notes)

    async def _one(
        self, request: Request, work: Callable[[LoopReturn], Answer]
    ) -> Response:
        id_ = request.path_params["id"]

        def judged() -> Answer:
            return_ = self._desk.shop.find(id_)
            return self._refused("NOT_FOUND") if return_ is None else work(return_)

        return await self._desk.attend(request, RETURNS, str(id_), judged)

    def _refused(self, code: str) -> Answer:
        """Return a refusal with status 200, in the next of its shapes."""
        return Answer(200, next(self._shapes)(code))


_REFUSALS: tuple[Callable[[str], JsonValue], ...] = (
    lambda code: {"errors": {"message": "This return is out", "code": code}},
    lambda code: {"errors": [{"message": f"Refused: {code}"}]},
    lambda code: {"message": f"Refused: {code}"},
    lambda code: {"content": f"Refused: {code}"},
)


def _notes(return_: LoopReturn) -> Answer:
    if not return_.notes:
        return Answer(422, {"errors": {"message": "There are no notes"}})
    notes: list[JsonValue] = [
        {"id": note.id, "content": note.content, "created_at": zoneless(note.at)}
        for note in return_.notes
    ]
    return Answer(200, {"notes": notes})


def _content(body: bytes) -> str | None:
    content = (json_object(body) or {}).get("content")
    return content if isinstance(content, str) and content else None
