"""The simulated Loop's OAuth: a merchant installs an app, the app gets its tokens.

The app names the scopes it wants, the token holds exactly these (loop.md, section 1).
An access token lives an hour, a code is good for one exchange. Whether a refresh token
is good for more than one is not known: `rotates`.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import orjson
from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.clock import Clock
from bridge.sandbox.front import Answer
from bridge.sandbox.loop_scopes import ALL_SCOPES, covers

AUDIENCE = "https://api.loopreturns.com/api"
_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One app: its id and secret, what it may ask for, where its codes may go.

    `redirect_uri` None takes any address.
    """

    id: str
    secret: str = field(repr=False)
    scopes: frozenset[str] = ALL_SCOPES
    redirect_uri: str | None = None
    rotates: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """What the merchant has allowed an app; one token pair belongs to it."""

    id: str
    scopes: frozenset[str]


class LoopOAuth:
    """Gives out codes and tokens for one organization. The merchant always agrees."""

    def __init__(
        self, client: OAuthClient | None, *, organization: str, clock: Clock
    ) -> None:
        self._client = client
        self._organization = organization
        self._clock = clock
        self._codes: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._access: dict[str, tuple[Grant, float]] = {}
        self.routes: list[BaseRoute] = [
            Route("/authorize", self._authorize, methods=["GET"]),
            Route("/oauth/token", self._token, methods=["POST"]),
        ]

    def grant_of(self, token: str) -> Grant | None:
        """Return what an access token stands for, None once its hour is over."""
        grant, until = self._access.get(token, (None, 0.0))
        return grant if until > self._clock.monotonic() else None

    def revoke(self) -> None:
        """Let every token stop working."""
        self._access.clear()
        self._refresh.clear()

    async def _authorize(self, request: Request) -> Response:
        """Send the merchant back with a code; an unknown app is not sent anywhere."""
        asked = request.query_params
        client, back = self._client, asked.get("redirect_uri", "")
        known = client is not None and asked.get("client_id") == client.id
        if client is None or not known or client.redirect_uri not in {None, back}:
            return JSONResponse({"error": "invalid_client"}, 400)
        scopes = frozenset(asked.get("scope", "").split())
        told = self._objection(asked, _may_ask(client, scopes))
        if told is None:
            grant = Grant(secrets.token_hex(8), scopes)
            code = secrets.token_urlsafe(12)
            self._codes[code] = grant
            answer = {"code": code}
        else:
            answer = {"error": told}
        answer |= {"state": asked.get("state", "")}
        return RedirectResponse(f"{back}?{urlencode(answer)}", 302)

    def _objection(self, asked: Mapping[str, str], scopes_fit: bool) -> str | None:  # noqa: FBT001 - one of four findings
        if not scopes_fit:
            return "invalid_scope"
        if asked.get("organization") != self._organization:
            return "access_denied"
        right = {"response_type": "code", "audience": AUDIENCE}
        fits = all(asked.get(name) == value for name, value in right.items())
        return None if fits and asked.get("state") else "invalid_request"

    async def _token(self, request: Request) -> Response:
        answer = self._exchanged(_form(await request.body()))
        return JSONResponse(answer.body, answer.status)

    def _exchanged(self, form: Mapping[str, str]) -> Answer:
        client = self._client
        if client is None or not _proves(form, client):
            return Answer(401, {"error": "invalid_client"})
        given = form.get("grant_type")
        if given == "authorization_code":
            grant = self._codes.pop(form.get("code", ""), None)
            return _refused() if grant is None else self._issue(grant)
        token = form.get("refresh_token", "") if given == "refresh_token" else ""
        grant = self._refresh.get(token)
        if grant is None:
            return _refused()
        if client.rotates:
            del self._refresh[token]
        return self._issue(grant, None if client.rotates else token)

    def _issue(self, grant: Grant, refresh: str | None = None) -> Answer:
        access = secrets.token_urlsafe(16)
        refresh = refresh or secrets.token_urlsafe(16)
        until = self._clock.monotonic() + _LIFE.total_seconds()
        self._access[access] = grant, until
        self._refresh[refresh] = grant
        body: JsonValue = {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": int(_LIFE.total_seconds()),
            "scope": " ".join(sorted(grant.scopes)),
            "token_type": "Bearer",
        }
        return Answer(200, body)


def _may_ask(client: OAuthClient, scopes: frozenset[str]) -> bool:
    return bool(scopes) and all(covers(client.scopes, scope) for scope in scopes)


def _form(body: bytes) -> dict[str, str]:
    """Read a form or a JSON object: which of them Loop wants is not known."""
    try:
        content = orjson.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode(errors="replace")))
    content = content if isinstance(content, dict) else {}
    return {str(name): str(value) for name, value in content.items()}


def _proves(form: Mapping[str, str], client: OAuthClient) -> bool:
    given = form.get("client_secret", "").encode()
    same = hmac.compare_digest(given, client.secret.encode())
    return same and form.get("client_id") == client.id


def _refused() -> Answer:
    return Answer(400, {"error": "invalid_grant"})
