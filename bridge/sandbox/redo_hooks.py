"""The simulated administration of Redo's webhooks (redo.md, section 10).

An upsert by `externalId`; https only; `auth` must be there, if only as null; a change
without `externalId` clears it; replay, and `backfill` at the creation, send returns as
`backfill`. Where webhooks really go is the simulator's own subscription.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    JsonValue,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.front import Answer, Ask, Front, Json, problem
from bridge.sandbox.redo_keys import HOOKS_READ, HOOKS_WRITE, Tokens, invalid
from bridge.sandbox.redo_shop import RedoShop

_EVER = datetime.min.replace(tzinfo=UTC)


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class _Bearer(_Body):
    token: str


class _Auth(_Body):
    bearer: _Bearer


class _Callback(_Body):
    url: Annotated[str, StringConstraints(pattern=r"^https://")]
    auth: _Auth | None


class _Webhook(_Body):
    callback: _Callback
    topic: Literal["return"] = "return"
    kind: Literal["redo", "loop"] = "redo"
    backfill: bool = False
    external_id: str | None = None


class _Wrapped(_Body):
    webhook: _Webhook


class _Change(_Body):
    callback: _Callback
    external_id: str | None = None


class _WrappedChange(_Body):
    webhook: _Change


class _Replay(_Body):
    start: AwareDatetime


class HookAdmin:
    """The webhooks of one store."""

    def __init__(self, shop: RedoShop, *, front: Front, tokens: Tokens) -> None:
        self._shop = shop
        self._front = front
        self._tokens = tokens
        self._hooks: dict[str, _Webhook] = {}
        self._numbers = count(7001)
        all_, one = "/v2.2/stores/{store}/webhooks", "/v2.2/webhooks/{hook}"
        self.routes = [
            Route(all_, self._list, methods=["GET"]),
            Route(all_, self._create, methods=["POST"]),
            Route(one, self._get, methods=["GET"]),
            Route(one, self._put, methods=["PUT"]),
            Route(one, self._delete, methods=["DELETE"]),
            Route(f"{one}/replay", self._replay, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        def listed() -> Answer:
            return Answer(200, {"webhooks": [self._shown(id_) for id_ in self._hooks]})

        return await self._front.attend(
            request,
            Ask("webhooks"),
            lambda: self._tokens.refusal(request, HOOKS_READ) or listed(),
        )

    async def _create(self, request: Request) -> Response:
        body = await request.body()
        return await self._front.attend(
            request,
            Ask("webhooks"),
            lambda: self._tokens.refusal(request, HOOKS_WRITE) or self._upsert(body),
        )

    def _upsert(self, body: bytes) -> Answer:
        try:
            webhook = _Wrapped.model_validate_json(body).webhook
        except ValidationError:
            return invalid("The body must be {webhook: {callback: {url, auth}, topic}}")
        known = (id_ for id_, each in self._hooks.items() if _same(each, webhook))
        id_ = next(known, None)
        status = 201 if id_ is None else 200
        id_ = id_ or f"f00d0000000000000000{next(self._numbers)}"
        self._hooks[id_] = webhook
        if webhook.backfill and status == HTTPStatus.CREATED:
            self._shop.replay(_EVER)
        return Answer(status, {"webhook": self._shown(id_)}, effect=True)

    async def _get(self, request: Request) -> Response:
        id_ = request.path_params["hook"]

        def got() -> Answer:
            known = id_ in self._hooks
            return Answer(200, {"webhook": self._shown(id_)}) if known else _missing()

        return await self._front.attend(
            request,
            Ask("webhooks"),
            lambda: self._tokens.refusal(request, HOOKS_READ) or got(),
        )

    async def _put(self, request: Request) -> Response:
        id_, body = request.path_params["hook"], await request.body()
        return await self._front.attend(
            request,
            Ask("webhooks"),
            lambda: self._tokens.refusal(request, HOOKS_WRITE) or self._set(id_, body),
        )

    def _set(self, id_: str, body: bytes) -> Answer:
        known = self._hooks.get(id_)
        if known is None:
            return _missing()
        try:
            change = _WrappedChange.model_validate_json(body).webhook
        except ValidationError:
            return invalid("The body must be {webhook: {callback: {url, auth}}}")
        update = {"callback": change.callback, "external_id": change.external_id}
        self._hooks[id_] = known.model_copy(update=update)
        return Answer(204, effect=True)

    def _shown(self, id_: str) -> JsonValue:
        shown: Json = self._hooks[id_].model_dump(by_alias=True, exclude={"backfill"})
        return {"id": id_, **shown}

    async def _delete(self, request: Request) -> Response:
        def deleted() -> Answer:
            self._hooks.pop(request.path_params["hook"], None)
            return Answer(204, effect=True)

        return await self._front.attend(
            request,
            Ask("webhooks"),
            lambda: self._tokens.refusal(request, HOOKS_WRITE) or deleted(),
        )

    async def _replay(self, request: Request) -> Response:
        body = await request.body()

        def replayed() -> Answer:
            if request.path_params["hook"] not in self._hooks:
                return _missing()
            try:
                start: datetime = _Replay.model_validate_json(body).start
            except ValidationError:
                return invalid("The body must be {start}")
            self._shop.replay(start)
            return Answer(202, effect=True)

        return await self._front.attend(
            request,
            Ask("webhooks"),
            lambda: self._tokens.refusal(request, HOOKS_WRITE) or replayed(),
        )


def _missing() -> Answer:
    return problem(404, "about:blank", "Webhook not found")


def _same(one: _Webhook, other: _Webhook) -> bool:
    return one.external_id is not None and one.external_id == other.external_id
