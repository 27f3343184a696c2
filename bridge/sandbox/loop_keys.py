"""Who may call the simulated Loop, and how often: keys, OAuth tokens, 300 a minute."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue
from starlette.requests import Request

from bridge.clock import Clock
from bridge.sandbox.front import Answer
from bridge.sandbox.loop_oauth import LoopOAuth
from bridge.sandbox.loop_scopes import BY_TOKEN_ONLY, covers

_BEARER = "Bearer "
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one key may do in any minute, and whether a 429 says how long to wait.

    Loop documents neither `Retry-After` nor the names of rate headers.
    """

    per_minute: int = 300
    tells_retry_after: bool = False


class LoopKeys:
    """Judges the credential of a request; counts what each one uses.

    A key and a merchant's grant each have a budget of their own: a new token of the
    same grant does not make a new one.
    """

    def __init__(
        self,
        keys: Mapping[str, frozenset[str]],
        *,
        clock: Clock,
        oauth: LoopOAuth,
        limits: Limits | None = None,
        header: str = "x-authorization",
    ) -> None:
        self.refused = 0
        self.most_in_a_minute = 0
        self._keys = dict(keys)
        self._limits = limits or Limits()
        self._clock = clock
        self._oauth = oauth
        self._header = header
        self._calls: dict[str, deque[float]] = {}

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
        self._oauth.revoke()

    def _holder(self, request: Request, scope: str) -> str | None:
        """Return whose budget the request uses, None if it may not."""
        given = request.headers.get("authorization", "")
        if given.startswith(_BEARER):
            grant = self._oauth.grant_of(given.removeprefix(_BEARER))
            allowed = grant is not None and covers(grant.scopes, scope)
            return grant.id if grant is not None and allowed else None
        key = request.headers.get(self._header, "")
        allowed = covers(self._keys.get(key, frozenset()), scope)
        return key if allowed and scope not in BY_TOKEN_ONLY else None

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
