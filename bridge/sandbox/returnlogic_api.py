"""ReturnLogic's HTTP API as far as a returns bridge needs it (returnlogic.md).

Every answer carries the four rate headers, none says when to come back. Paths that the
sheet only guesses are the guesses; acknowledgements answer as they are told to.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

import orjson
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.front import Answer, Ask, Front, Json
from bridge.sandbox.quota import MINUTE, SECOND, Quota
from bridge.sandbox.returnlogic_team import (
    Registration,
    ReturnLogicTeam,
    TeamRma,
    to_json,
)

Work = Callable[[Request, Json], Answer]

#: Which command an acknowledgement's path speaks of.
ACKNOWLEDGED = {
    "refund": "ProcessRefund",
    "giftcard": "ProcessGiftCard",
    "exchange": "ProcessExchange",
    "warranty": "ProcessWarranty",
    "restock": "ProcessRestock",
}


Acknowledges = Literal[
    "received", "errors", "not_received", "refused", "throttled", "maintenance"
]
_TAKEN: dict[str, Json] = {
    "received": {"received": True, "errors": []},
    "errors": {"received": True, "errors": [{"code": "DEMO"}]},
    "not_received": {"received": False, "errors": []},
}
_UNTAKEN = {"refused": 400, "throttled": 429, "maintenance": 503}


@dataclass(frozen=True, slots=True)
class Pairs:
    """How tokens come: a bearer lives `lifetime` long; None is for ever.

    With `rotation` a refresh brings a new refresh token and ends the old one.
    """

    lifetime: timedelta | None = None
    rotation: bool = True


@dataclass(slots=True)
class Grants:
    """The team's credentials: `codes` count once, and buy a pair."""

    clock: Clock
    client_id: str = "demo-client"
    client_secret: str = field(default="demo-secret", repr=False)
    codes: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set, repr=False)
    pairs: Pairs = Pairs()
    refreshes: int = 0
    _bearers: dict[str, datetime] = field(default_factory=dict, repr=False)
    _refresh: set[str] = field(default_factory=set, repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def knows(self, bearer: str) -> bool:
        """Tell whether a bearer is valid now."""
        if bearer in self.keys:
            return True
        since = self._bearers.get(bearer)
        lifetime = self.pairs.lifetime
        ended = lifetime and since and self.clock.now() >= since + lifetime
        return since is not None and not ended

    def revoke(self) -> None:
        """End every bearer, before its time."""
        self._bearers.clear()

    def grant(self, body: Json) -> Answer:
        """Answer `POST /oauth`; names and 400s as documented, the rest guessed."""
        client = body.get("client_id"), body.get("client_secret")
        if client != (self.client_id, self.client_secret):
            return Answer(401, {})
        given = str(body.get("code") or body.get("refresh_token"))
        match body.get("grant_type"):
            case "authorization_code" if given in self.codes:
                self.codes.discard(given)
                return self._granted(None)
            case "refresh_token" if given in self._refresh:
                self.refreshes += 1
                return self._granted(given)
            case _:
                return Answer(400, {})

    def _granted(self, used: str | None) -> Answer:
        number = next(self._numbers)
        bearer = f"bearer-{number}"
        self._bearers[bearer] = self.clock.now()
        refresh = used
        if used is None or self.pairs.rotation:
            refresh = f"refresh-{number}"
            self._refresh = (self._refresh - {used or ""}) | {refresh}
        return Answer(200, {"bearer_token": bearer, "refresh_token": refresh})


@dataclass(slots=True)
class Temper:
    """What can be switched while it runs.

    `maintenance`: every call gets 503. `lists` are arrays or objects. `acknowledges`:
    what an acknowledgement is answered: `received`, `errors`, `not_received`, or a 400
    (`refused`), 429 (`throttled`) or 503 (`maintenance`) of its own.
    With `strict` only commands that were given are acknowledged.
    """

    maintenance: bool = False
    lists: Literal["array", "rmas", "data", "results"] = "array"
    acknowledges: Acknowledges = "received"
    strict: bool = False


class ReturnLogicApi:
    """The routes of one team.

    `acknowledged` counts what was taken by correlation id and result, `turned_away`
    what was not.
    """

    def __init__(
        self, team: ReturnLogicTeam, *, front: Front, grants: Grants, quota: Quota
    ) -> None:
        self.temper = Temper()
        self.acknowledged: Counter[tuple[str, str]] = Counter()
        self.turned_away: Counter[tuple[str, str]] = Counter()
        self._team = team
        self._front = front
        self._grants = grants
        self._quota = quota
        one = "/v1/rmas/{id:int}"
        method, path = team.habits.acknowledged_at
        routes: tuple[tuple[str, str, Work], ...] = (
            ("POST", "/v1/oauth", lambda _, body: grants.grant(body)),
            ("GET", "/v1/rmas", self._list),
            ("GET", one, self._get),
            (method, f"/v1{path.replace('{id}', '{id:int}')}", self._acknowledge),
            ("GET", "/v1/webhooks", self._webhooks),
            ("POST", "/v1/webhooks", self._register),
            ("GET", "/v1/webhooks/{id}", self._webhook),
            ("PUT", "/v1/webhooks/{id}", self._activate),
            ("DELETE", "/v1/webhooks/{id}", self._unregister),
        )
        self.app = Starlette(
            routes=[
                Route(path, self._served(work), methods=[method])
                for method, path, work in routes
            ]
        )

    def _served(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            body = await request.body()
            subject = str(request.path_params.get("id", request.url.path))
            ask = Ask(subject, key=request.headers.get("idempotency-key"))
            return await self._front.attend(
                request, ask, lambda: self._answer(request, body, work)
            )

        return serve

    def _answer(self, request: Request, body: bytes, work: Work) -> Answer:
        """Answer with the rate headers, whatever it is; a bucket is its token's."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        answer = self._refusal(request, bearer) or _worked(request, body, work)
        limits = {limit.window: limit.calls for limit in self._quota.limits}
        counts = {"Limit": limits, "Remaining": self._quota.left(bearer)}
        headers = {
            f"X-RateLimit-{what}-{name}": str(of[window])
            for what, of in counts.items()
            for name, window in (("Second", SECOND), ("Minute", MINUTE))
        }
        return Answer(answer.status, answer.body, answer.effect, headers=headers)

    def _refusal(self, request: Request, bearer: str) -> Answer | None:
        granting = request.url.path.endswith("/oauth")
        refusal = None
        if self.temper.maintenance:
            refusal = Answer(503)
        elif not granting and not self._grants.knows(bearer):
            refusal = Answer(401, {})
        elif not self._quota.take(bearer):
            refusal = Answer(429, {})
        return refusal

    def _list(self, request: Request, _: Json) -> Answer:
        """Search by e-mail; `since` and `page` are what the simulator adds."""
        query = request.query_params
        email, text = query.get("email"), query.get("since")
        since = datetime.fromisoformat(text) if text else None
        found = [
            rma
            for rma in self._team.rmas.values()
            if email in {None, rma.email} and (since is None or rma.changed_at >= since)
        ]
        if not found and email is not None:
            return Answer(404, {})
        return Answer(200, self._formed(found, int(query.get("page", "1"))))

    def _formed(self, found: list[TeamRma], page: int) -> JsonValue:
        size = 100
        rows: list[JsonValue] = [
            to_json(rma) for rma in found[(page - 1) * size : page * size]
        ]
        return rows if self.temper.lists == "array" else {self.temper.lists: rows}

    def _get(self, request: Request, _: Json) -> Answer:
        rma = self._team.rmas.get(request.path_params["id"])
        return Answer(404, {}) if rma is None else Answer(200, to_json(rma))

    def _acknowledge(self, request: Request, body: Json) -> Answer:
        """Take an acknowledgement; repeats are counted and have no other effect."""
        action = ACKNOWLEDGED[request.path_params["kind"]]
        rma_id, correlation_id = request.path_params["id"], str(body["correlationId"])
        if body["action"] != action or body["rlRmaId"] != rma_id:
            return Answer(400, {})
        given = self._team.asked.get(correlation_id)
        if self.temper.strict and given != (rma_id, action):
            return Answer(400, {})
        key = correlation_id, request.path_params["result"]
        if self.temper.acknowledges in _UNTAKEN:
            self.turned_away[key] += 1
            return Answer(_UNTAKEN[self.temper.acknowledges], {})
        self.acknowledged[key] += 1
        self._team.answered.add(correlation_id)
        first = self.acknowledged[key] == 1
        return Answer(200, _TAKEN[self.temper.acknowledges], effect=first)

    def _webhooks(self, _: Request, __: Json) -> Answer:
        rows: list[JsonValue] = [
            _row(each) for each in self._team.registrations.values()
        ]
        return Answer(200, rows)

    def _webhook(self, request: Request, _: Json) -> Answer:
        found = self._team.registrations.get(request.path_params["id"])
        return Answer(404, {}) if found is None else Answer(200, _row(found))

    def _unregister(self, request: Request, _: Json) -> Answer:
        found = self._team.registrations.pop(request.path_params["id"], None)
        return Answer(404, {}) if found is None else Answer(200, {}, effect=True)

    def _register(self, _: Request, body: Json) -> Answer:
        made = self._team.register(str(body["action"]), str(body["url"]))
        return Answer(201, {"id": made.id}, effect=True)

    def _activate(self, request: Request, body: Json) -> Answer:
        registration = self._team.registrations.get(request.path_params["id"])
        if registration is None:
            return Answer(404, {})
        registration.url = str(body.get("url", registration.url))
        registration.action = str(body.get("action", registration.action))
        self._team.activate(registration, active=bool(body["active"]))
        return Answer(200, _row(registration), effect=True)


def _row(registration: Registration) -> Json:
    return {
        "id": registration.id,
        "url": registration.url,
        "action": registration.action,
        "active": registration.active,
    }


def _worked(request: Request, body: bytes, work: Work) -> Answer:
    try:
        return work(request, orjson.loads(body or b"{}"))
    except (ValueError, KeyError, TypeError):
        return Answer(400, {})
