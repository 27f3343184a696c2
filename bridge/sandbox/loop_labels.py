"""The simulated Loop's labels from outside: requests, hand-in, tracking (loop.md, 6).

A hand-in has no key: repeated, it makes a second label. What the sheet only guesses,
the words for a request's status, is the simulator's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_bodies import moment
from bridge.sandbox.loop_desk import Desk, json_object
from bridge.sandbox.loop_list import invalid
from bridge.sandbox.loop_returns import LabelRequest
from bridge.sandbox.loop_scopes import (
    LABEL_REQUESTS_READ,
    LABEL_REQUESTS_WRITE,
    LABELS_WRITE,
)

#: What a label may be set to (section 8).
STATUSES = frozenset(
    {
        *("pending", "new", "pre_transit", "in_transit", "out_for_delivery"),
        *("delivered", "failure", "error"),
    }
)
REASONS = frozenset({"INSUFFICIENT_FUNDS", "INVALID_ADDRESS", "Other"})
_LARGEST_PAGE = 250


class _Rate(BaseModel):
    amount: int
    currency_code: str


class _Label(BaseModel):
    """A label that is handed in; a rate is in cents."""

    model_config = ConfigDict(extra="ignore")

    label_request_id: int | str
    tracking_number: str
    carrier: str
    label_url: str
    tracking_url: str | None = None
    rate: _Rate | None = None


@dataclass(frozen=True, slots=True)
class _Query:
    """Which label requests are wanted."""

    since: datetime | None
    until: datetime | None
    return_id: str | None
    status: str | None
    offset: int
    limit: int

    def takes(self, request: LabelRequest) -> bool:
        at = request.created_at
        return (
            (self.since is None or at >= self.since)
            and (self.until is None or at <= self.until)
            and self.return_id in {None, str(request.return_id)}
            and self.status in {None, request.status}
        )


class LoopLabels:
    """The routes of a carrier that makes labels."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.routes: list[BaseRoute] = [
            Route("/labels", self._hand_in, methods=["POST"]),
            Route("/labels/{id}", self._move, methods=["PUT"]),
            Route("/label-requests", self._list, methods=["GET"]),
            Route("/label-requests/{id}/errors", self._give_up, methods=["POST"]),
        ]

    def _request(self, id_: int | str) -> LabelRequest | None:
        return self._desk.shop.label_requests.get(str(id_))

    async def _hand_in(self, request: Request) -> Response:
        body = await request.body()

        def work() -> Answer:
            try:
                label = _Label.model_validate_json(body)
            except ValidationError:
                return Answer(422, {"errors": "The label does not fit"})
            asked = self._request(label.label_request_id)
            if asked is None or asked.status == "cancelled":
                return Answer(404, {"message": "Not Found"})
            self._desk.shop.hand_in(asked, label.tracking_number, label.carrier)
            headers = {"location": f"/labels/{asked.id}"}
            if self._desk.is_old(request):
                return Answer(200, {"id": asked.id}, effect=True)
            return Answer(201, {"id": asked.id}, effect=True, headers=headers)

        return await self._desk.attend(request, LABELS_WRITE, "labels", work)

    async def _move(self, request: Request) -> Response:
        id_, body = request.path_params["id"], await request.body()

        def work() -> Answer:
            asked, sent = self._request(id_), json_object(body)
            if asked is None or not asked.labels:
                return Answer(404, {"message": "Not Found"})
            status = str((sent or {}).get("status"))
            if status not in STATUSES:
                return invalid("status", "The selected status is invalid.")
            self._desk.shop.label(asked.return_id, status)
            return Answer(200 if self._desk.is_old(request) else 204, effect=True)

        return await self._desk.attend(request, LABELS_WRITE, f"label {id_}", work)

    async def _list(self, request: Request) -> Response:
        params = request.query_params

        def work() -> Answer:
            try:
                wanted = _read(params)
            except ValueError:
                return invalid("limit", "A parameter does not fit")
            found = filter(wanted.takes, self._desk.shop.label_requests.values())
            end = wanted.offset + wanted.limit
            rows: list[JsonValue] = [
                _shown(each) for each in islice(found, wanted.offset, end)
            ]
            return Answer(200, {"data": rows})

        return await self._desk.attend(
            request, LABEL_REQUESTS_READ, "label-requests", work
        )

    async def _give_up(self, request: Request) -> Response:
        id_, body = request.path_params["id"], await request.body()

        def work() -> Answer:
            asked, sent = self._request(id_), json_object(body)
            if asked is None:
                return Answer(404, {"message": "Not Found"})
            reason = str((sent or {}).get("reason"))
            if reason not in REASONS:
                return Answer(422, {"errors": [{"message": "reason is required"}]})
            asked.status, asked.reason = "failed", reason
            return Answer(200, True, effect=True)  # noqa: FBT003 Loop's whole answer

        return await self._desk.attend(
            request, LABEL_REQUESTS_WRITE, f"request {id_}", work
        )


def _read(params: Mapping[str, str]) -> _Query:
    limit, offset = int(params.get("limit", "100")), int(params.get("offset", "0"))
    if not 1 <= limit <= _LARGEST_PAGE or offset < 0:
        raise ValueError("limit")
    return _Query(
        since=_moment(params.get("from")),
        until=_moment(params.get("to")),
        return_id=params.get("return_id"),
        status=params.get("status"),
        offset=offset,
        limit=limit,
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _shown(request: LabelRequest) -> JsonValue:
    return {
        "id": request.id,
        "return_id": request.return_id,
        "status": request.status,
        "created_at": moment(request.created_at),
    }
