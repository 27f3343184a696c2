"""The simulated Loop's webhook registrations (loop.md, section 5).

The answer to a creation holds no secret, a second creation makes a second
registration, and what a missing `status` means is a switch, since Loop's documents
contradict each other.
"""

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_desk import Desk
from bridge.sandbox.loop_list import invalid
from bridge.sandbox.loop_scopes import DEVELOPER
from bridge.sandbox.loop_webhooks import ACTIVE, INACTIVE, LoopSender, Registration


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="ignore")

    topic: str
    trigger: str
    url: str
    status: str | None = None


class LoopAdmin:
    """The routes about webhooks."""

    def __init__(
        self, desk: Desk, sender: LoopSender, *, default_status: str = INACTIVE
    ) -> None:
        self._desk = desk
        self._sender = sender
        self._default = default_status
        one = "/webhooks/{id:int}"
        self.routes: list[BaseRoute] = [
            Route("/webhooks", self._list, methods=["GET"]),
            Route("/webhooks", self._create, methods=["POST"]),
            Route(one, self._put, methods=["PUT"]),
            Route(one, self._delete, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        def work() -> Answer:
            known: list[JsonValue] = [
                self._shown(each) for each in self._sender.registrations.values()
            ]
            return Answer(200, {"webhooks": known})

        return await self._desk.attend(request, DEVELOPER, "webhooks", work)

    async def _create(self, request: Request) -> Response:
        body = await request.body()

        def work() -> Answer:
            wanted = _read(body)
            if wanted is None:
                return invalid("url", "The url field is required.")
            made = self._sender.register(
                wanted.topic,
                wanted.trigger,
                wanted.url,
                wanted.status or self._default,
            )
            status = 200 if self._desk.is_old(request) else 201
            return Answer(status, self._shown(made), effect=True)

        return await self._desk.attend(request, DEVELOPER, "webhooks", work)

    async def _put(self, request: Request) -> Response:
        body, id_ = await request.body(), request.path_params["id"]

        def work() -> Answer:
            known, wanted = self._sender.registrations.get(id_), _read(body)
            if known is None:
                return _missing()
            if wanted is None:
                return invalid("url", "The url field is required.")
            self._sender.registrations[id_] = replace(
                known,
                topic=wanted.topic,
                trigger=wanted.trigger,
                url=wanted.url,
                status=wanted.status or self._default,
            )
            return Answer(204, effect=True)

        return await self._desk.attend(request, DEVELOPER, f"webhook {id_}", work)

    async def _delete(self, request: Request) -> Response:
        id_ = request.path_params["id"]

        def work() -> Answer:
            if self._sender.registrations.pop(id_, None) is None:
                return _missing()
            return Answer(204, effect=True)

        return await self._desk.attend(request, DEVELOPER, f"webhook {id_}", work)

    def _shown(self, known: Registration) -> JsonValue:
        return {
            "id": known.id,
            "shop_id": self._desk.shop.number,
            "topic": known.topic,
            "trigger": known.trigger,
            "url": known.url,
            "status": known.status,
        }


def _missing() -> Answer:
    return Answer(404, {"errors": {"code": "NOT_FOUND"}})


def _read(body: bytes) -> _Wanted | None:
    try:
        wanted = _Wanted.model_validate_json(body)
    except ValidationError:
        return None
    return wanted if wanted.status in {None, ACTIVE, INACTIVE} else None
