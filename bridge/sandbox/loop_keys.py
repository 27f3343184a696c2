"""Who may call the simulated Loop, and how often: keys, OAuth tokens, 300 a minute."""

import hmac
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import JsonValue
from starlette.requests import Request

from bridge.clock import Clock
from bridge.sandbox.front import Answer

RETURNS, DEVELOPER = "returns", "developer_tools"
LABELS, LABEL_REQUESTS = "labels", "label_requests"
HUB_SHIPMENTS = "happy_returns_shipments:read"
ALL_SCOPES = frozenset({RETURNS, DEVELOPER, LABELS, LABEL_REQUESTS, HUB_SHIPMENTS})

_BEARER = "Bearer "
_TOKEN_LIFE = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one key may do in any minute, and whether a 429 says how long to wait.

    Loop documents neither `Retry-After` nor the names of rate headers.
    """

    per_minute: int = 300
    tells_retry_after: bool = False


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One app's client id and secret, and the code it may exchange once."""

    id: str
    secret: str = field(repr=False)
    code: str = field(repr=False)


class LoopKeys:
    """Judges the credential of a request; counts what each one uses."""

    def __init__(
        self,
        keys: Mapping[str, frozenset[str]],
        *,
        clock: Clock,
        limits: Limits | None = None,
        client: OAuthClient | None = None,
        header: str = "x-authorization",
    ) -> None:
        self.refused = 0
        self.most_in_a_minute = 0
        self._keys = dict(keys)
        self._limits = limits or Limits()
        self._clock = clock
        self._client = client
        self._header = header
        self._calls: dict[str, deque[float]] = {}
        self._tokens: dict[str, float] = {}
        self._refresh: set[str] = set()

    def refusal(self, request: Request, scope: str) -> Answer | None:
        """Return 401 or 429 if the request may not, else None."""
        holder = self._holder(request, scope)
        if holder is None:
            return unauthorized()
        calls, now = self._calls.setdefault(holder, deque()), self._clock.monotonic()
        while calls and calls[0] <= now - _MINUTE.total_seconds():
            calls.popleft()
        if len(calls) >= self._limits.per_minute:
            self.refused += 1
            return self._too_many(calls[0] + _MINUTE.total_seconds() - now)
        calls.append(now)
        self.most_in_a_minute = max(self.most_in_a_minute, len(calls))
        return None

    def revoke(self) -> None:
        """Let every key and token stop working."""
        self._keys.clear()
        self._tokens.clear()

    def token(self, form: Mapping[str, str]) -> Answer:
        """Exchange a code or a refresh token; the access token lives an hour."""
        client = self._client
        known = client is not None and _same(form.get("client_secret", ""), client)
        if client is None or not known or form.get("client_id") != client.id:
            return Answer(401, {"error": "invalid_client"})
        grant = form.get("grant_type")
        if grant == "authorization_code" and form.get("code") == client.code:
            return self._issue()
        if grant == "refresh_token" and form.get("refresh_token") in self._refresh:
            self._refresh.discard(form["refresh_token"])
            return self._issue()
        return Answer(400, {"error": "invalid_grant"})

    def _issue(self) -> Answer:
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        life = _TOKEN_LIFE.total_seconds()
        self._tokens[access] = self._clock.monotonic() + life
        self._refresh.add(refresh)
        body: JsonValue = {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": int(life),
            "token_type": "Bearer",
        }
        return Answer(200, body)

    def _holder(self, request: Request, scope: str) -> str | None:
        given = request.headers.get("authorization", "")
        if given.startswith(_BEARER):
            token = given.removeprefix(_BEARER)
            alive = self._tokens.get(token, 0.0) > self._clock.monotonic()
            return token if alive else None
        key = request.headers.get(self._header, "")
        return key if scope in self._keys.get(key, frozenset()) else None

    def _too_many(self, wait: float) -> Answer:
        headers = {"retry-after": str(int(wait) + 1)}
        told = headers if self._limits.tells_retry_after else {}
        return Answer(429, {"message": "Too Many Attempts."}, headers=told)


def unauthorized() -> Answer:
    """Return Loop's 401; a missing scope looks the same."""
    error: JsonValue = {
        "code": "401",
        "http_code": "GEN-UNAUTHORIZED",
        "message": "Unauthorized",
    }
    return Answer(401, {"error": error})


def _same(given: str, client: OAuthClient) -> bool:
    return hmac.compare_digest(given.encode(), client.secret.encode())
