"""The simulated Loop's warehouse calls: grading, disposition, labels (loop.md, 6)."""

import orjson
from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_api import Desk
from bridge.sandbox.loop_keys import LABEL_REQUESTS, LABELS, RETURNS
from bridge.sandbox.loop_returns import LoopReturn

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
_BATCH = {"grade": 20, "assess": 30}
_WORDS = {
    "grade": ("condition_category", GRADES),
    "assess": ("disposition_outcome", DISPOSITIONS),
}

Items = list[dict[str, JsonValue]]


class LoopFloor:
    """The routes of a warehouse. `label_errors` are the requests given up."""

    def __init__(self, desk: Desk) -> None:
        self.label_errors: dict[str, JsonValue] = {}
        self._desk = desk
        self._labels: dict[str, str] = {}
        self.routes: list[BaseRoute] = [
            Route("/dispositioning/grade", self._judge, methods=["POST"]),
            Route("/dispositioning/assess", self._judge, methods=["POST"]),
            Route("/returns/{id:int}/labels", self._queue_label, methods=["POST"]),
            Route("/labels", self._hand_in, methods=["POST"]),
            Route("/labels/{id}", self._move_label, methods=["PUT"]),
            Route("/label-requests", self._requests, methods=["GET"]),
            Route("/label-requests/{id}/errors", self._give_up, methods=["POST"]),
        ]

    async def _judge(self, request: Request) -> Response:
        kind = request.url.path.rpartition("/")[2]
        body = await request.body()

        def work() -> Answer:
            items, (word, words) = _items(body), _WORDS[kind]
            fits = items and all(item.get(word) in words for item in items)
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
            return_.label_queued = True
            body: JsonValue = {"message": "Queued", "returnId": str(id_)}
            return Answer(202, body, effect=True)

        return await self._desk.attend(request, RETURNS, str(id_), work)

    async def _hand_in(self, request: Request) -> Response:
        body = await request.body()

        def work() -> Answer:
            handed = _object(body)
            wanted = {"label_request_id", "tracking_number", "carrier", "label_url"}
            if handed is None or not wanted <= handed.keys():
                return Answer(422, {"errors": "The label does not fit"})
            id_ = str(handed["label_request_id"])
            self._labels[id_] = str(handed["tracking_number"])
            headers = {"location": f"/labels/{id_}"}
            return Answer(201, {"id": id_}, effect=True, headers=headers)

        return await self._desk.attend(request, LABELS, "labels", work)

    async def _move_label(self, request: Request) -> Response:
        id_ = request.path_params["id"]

        def work() -> Answer:
            known = id_ in self._labels
            return Answer(204, effect=True) if known else Answer(404, {"message": ""})

        return await self._desk.attend(request, LABELS, f"label {id_}", work)

    async def _requests(self, request: Request) -> Response:
        wanted = request.query_params.get("return_id")

        def work() -> Answer:
            found: list[JsonValue] = [
                {"id": 77_000_000_000_000 + each.id, "return_id": each.id}
                for each in self._desk.shop.all()
                if wanted in {None, str(each.id)}
            ]
            return Answer(200, {"data": found})

        return await self._desk.attend(request, LABEL_REQUESTS, "label-requests", work)

    async def _give_up(self, request: Request) -> Response:
        id_, body = request.path_params["id"], await request.body()

        def work() -> Answer:
            reason = _object(body)
            if reason is None or "reason" not in reason:
                return Answer(422, {"errors": [{"message": "reason is required"}]})
            self.label_errors[id_] = reason["reason"]
            return Answer(200, True, effect=True)  # noqa: FBT003 Loop's whole answer

        return await self._desk.attend(request, LABEL_REQUESTS, f"request {id_}", work)


def _object(body: bytes) -> dict[str, JsonValue] | None:
    try:
        content = orjson.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _items(body: bytes) -> Items | None:
    content = _object(body)
    items = content.get("items") if content else None
    if not isinstance(items, list) or not items:
        return None
    return [item for item in items if isinstance(item, dict)]
