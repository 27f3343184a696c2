"""The simulated Loop's warehouse calls: grading, disposition (loop.md, section 6)."""

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_desk import Desk, json_object
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_scopes import RETURNS

GRADES = frozenset(
    {
        "grade_a",
        "grade_b",
        "grade_c",
        "grade_d",
        "incorrect_item",
        "missing",
        "junk",
    }
)
DISPOSITIONS = frozenset(
    {"back_to_stock", "resale_hold", "recycle", "donate", "missing"}
)
_MOST_IMAGES = 5
_BATCH = {"grade": 20, "assess": 30}
_WORDS = {
    "grade": ("condition_category", GRADES),
    "assess": ("disposition_outcome", DISPOSITIONS),
}

Items = list[dict[str, JsonValue]]


class LoopFloor:
    """The routes of a warehouse."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.routes: list[BaseRoute] = [
            Route("/dispositioning/grade", self._judge, methods=["POST"]),
            Route("/dispositioning/assess", self._judge, methods=["POST"]),
            Route("/returns/{id:int}/labels", self._queue_label, methods=["POST"]),
        ]

    async def _judge(self, request: Request) -> Response:
        kind = request.url.path.rpartition("/")[2]
        body = await request.body()

        def work() -> Answer:
            items, (word, words) = _items(body), _WORDS[kind]
            fits = items and all(
                item.get(word) in words and _fits(kind, item) for item in items
            )
            if items is None or not fits or len(items) > _BATCH[kind]:
                return Answer(422, {"errors": "The items do not fit"})
            owners = [self._owner(item.get("line_item_id")) for item in items]
            if None in owners:
                return Answer(403, {"message": "Forbidden"})
            for owner, item in zip(owners, items, strict=True):
                if owner is not None:
                    number = int(str(item["line_item_id"]))
                    owner.grades.setdefault(number, []).append(str(item[word]))
            return Answer(200, [*items], effect=True)

        return await self._desk.attend(request, RETURNS, kind, work)

    def _owner(self, unit: JsonValue) -> LoopReturn | None:
        for return_ in self._desk.shop.all():
            if any(str(known.id) == str(unit) for known in return_.units):
                return return_
        return None

    async def _queue_label(self, request: Request) -> Response:
        id_ = request.path_params["id"]

        def work() -> Answer:
            return_ = self._desk.shop.find(id_)
            if return_ is None:
                return Answer(404, {"message": "Not Found"})
            if return_.label is not None or return_.label_queued:
                return Answer(409, {"message": "A label exists"})
            if self._desk.shop.queue_label(id_) is not None:
                return Answer(422, {"errors": "The return takes no label"})
            body: JsonValue = {"message": "Queued", "returnId": str(id_)}
            return Answer(202, body, effect=True)

        return await self._desk.attend(request, RETURNS, str(id_), work)


def _fits(kind: str, item: dict[str, JsonValue]) -> bool:
    """Tell whether an item's texts and pictures are within their limits."""
    texts = {"note": 65_535} | ({"description": 255} if kind == "grade" else {})
    described = kind != "grade" or bool(item.get("description"))
    images = item.get("images", [])
    few = isinstance(images, list) and len(images) <= _MOST_IMAGES
    short = all(len(str(item.get(name, ""))) <= most for name, most in texts.items())
    return described and few and short


def _items(body: bytes) -> Items | None:
    content = json_object(body)
    items = content.get("items") if content else None
    if not isinstance(items, list) or not items:
        return None
    return [item for item in items if isinstance(item, dict)]
