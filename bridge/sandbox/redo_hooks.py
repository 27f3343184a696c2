"""The simulated administration of Redo's webhooks (redo.md, section 10).

An upsert by `externalId`; https only; `auth` must be there, if only as null; a change
without `externalId` clears it; replay, and `backfill` at the creation, send returns as
`backfill`. What the bodies of `kind: loop` look like nobody says: such a webhook is
kept and gets none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.front import Answer, Json, problem
from bridge.sandbox.redo_bodies import rfc3339
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import HOOKS_READ, HOOKS_WRITE, invalid
from bridge.sandbox.redo_shop import RedoShop
from bridge.sandbox.redo_webhooks import Subscription, WebhookSender

_EVER = datetime.min.replace(tzinfo=UTC)
_HTTPS, _HTTP = "https://", "http://"


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class _Bearer(_Body):
    token: str


class _Auth(_Body):
    bearer: _Bearer


class _Callback(_Body):
    url: str
    auth: _Auth | None

    def subscription(self) -> Subscription:
        token = None if self.auth is None else self.auth.bearer.token
        return Subscription(self.url, token)


class _Webhook(_Body):
    callback: _Callback
    topic: Literal["return"]
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


@dataclass(frozen=True, slots=True)
class _Kept:
    """A webhook as it is kept."""

    webhook: _Webhook
    created_at: datetime
    updated_at: datetime


class HookAdmin:
    """The webhooks of one store. With `plain_http` they need no TLS."""

    def __init__(
        self, shop: RedoShop, sender: WebhookSender, *, clock: Clock, plain_http: bool
    ) -> None:
        self._shop = shop
        self._sender = sender
        self._clock = clock
        self._schemes = (_HTTPS, _HTTP) if plain_http else (_HTTPS,)
        self._hooks: dict[str, _Kept] = {}
        self._numbers = count(7001)

    def routes(self, desk: Desk) -> list[Route]:
        all_, one = "/stores/{store}/webhooks", "/webhooks/{hook}"
        return [
            desk.open(Door(all_, "GET", HOOKS_READ, _about), self._list),
            desk.open(Door(all_, "POST", HOOKS_WRITE, _about), self._upsert),
            desk.open(Door(one, "GET", HOOKS_READ, _about), self._get),
            desk.open(Door(one, "PUT", HOOKS_WRITE, _about), self._set),
            desk.open(Door(one, "DELETE", HOOKS_WRITE, _about), self._delete),
            desk.open(Door(f"{one}/replay", "POST", HOOKS_WRITE, _about), self._replay),
        ]

    def _list(self, _: Request, __: bytes) -> Answer:
        return Answer(200, {"webhooks": [self._shown(id_) for id_ in self._hooks]})

    def _upsert(self, _: Request, body: bytes) -> Answer:
        try:
            webhook = _Wrapped.model_validate_json(body).webhook
        except ValidationError:
            return invalid("The body must be {webhook: {callback: {url, auth}, topic}}")
        if not webhook.callback.url.startswith(self._schemes):
            return invalid("A callback's URL must begin with https://")
        known = self._named(webhook.external_id)
        id_ = known or f"f00d0000000000000000{next(self._numbers)}"
        self._keep(id_, webhook)
        if webhook.backfill and known is None and webhook.kind == "redo":
            self._shop.replay(_EVER, to=id_)
        status = 201 if known is None else 200
        return Answer(status, {"webhook": self._shown(id_)}, effect=True)

    def _named(self, external_id: str | None) -> str | None:
        """Return the webhook of that `externalId`; null is nobody's."""
        if external_id is None:
            return None
        for id_, kept in self._hooks.items():
            if kept.webhook.external_id == external_id:
                return id_
        return None

    def _keep(self, id_: str, webhook: _Webhook) -> None:
        now = self._clock.now()
        known = self._hooks.get(id_)
        created_at = now if known is None else known.created_at
        self._hooks[id_] = _Kept(webhook, created_at, now)
        if webhook.kind == "redo":
            self._sender.subscribe(webhook.callback.subscription(), id_)
        else:
            self._sender.unsubscribe(id_)

    def _get(self, request: Request, _: bytes) -> Answer:
        id_ = request.path_params["hook"]
        if id_ not in self._hooks:
            return _missing()
        return Answer(200, {"webhook": self._shown(id_)})

    def _set(self, request: Request, body: bytes) -> Answer:
        id_ = request.path_params["hook"]
        known = self._hooks.get(id_)
        if known is None:
            return _missing()
        try:
            change = _WrappedChange.model_validate_json(body).webhook
        except ValidationError:
            return invalid("The body must be {webhook: {callback: {url, auth}}}")
        if not change.callback.url.startswith(self._schemes):
            return invalid("A callback's URL must begin with https://")
        update = {"callback": change.callback, "external_id": change.external_id}
        self._keep(id_, known.webhook.model_copy(update=update))
        return Answer(204, effect=True)

    def _shown(self, id_: str) -> JsonValue:
        kept = self._hooks[id_]
        shown: Json = kept.webhook.model_dump(by_alias=True, exclude={"backfill"})
        times: Json = {
            "createdAt": rfc3339(kept.created_at),
            "updatedAt": rfc3339(kept.updated_at),
        }
        return {"id": id_, **shown, **times}

    def _delete(self, request: Request, _: bytes) -> Answer:
        id_ = request.path_params["hook"]
        self._sender.unsubscribe(id_)
        known = self._hooks.pop(id_, None)
        return Answer(204, effect=known is not None)

    def _replay(self, request: Request, body: bytes) -> Answer:
        id_ = request.path_params["hook"]
        if id_ not in self._hooks:
            return _missing()
        try:
            start: datetime = _Replay.model_validate_json(body).start
        except ValidationError:
            return invalid("The body must be {start}")
        if self._hooks[id_].webhook.kind == "redo":
            self._shop.replay(start, to=id_)
        return Answer(202, effect=True)


def _missing() -> Answer:
    return problem(404, "about:blank", "Webhook not found")


def _about(_: Request) -> str:
    return "webhooks"
