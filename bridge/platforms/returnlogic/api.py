"""Calls to ReturnLogic in a team's name, and what their answers mean.

| status | meaning | why |
|---|---|---|
| 400 | refused | path or body are not understood: another try changes nothing |
| 401 | | a fresh token and once more; then unauthorized |
| 404 | refused | no such RMA, or an unknown path; of a read: there is none |
| 409, 410, 412, 422 | refused | not documented: for a person to look at |
| 429 | throttled | for a second, or for a minute where none is left of it |
| 503 | throttled | maintenance, on any call: for minutes, and no fault of the data |
| others | | as `bridge/platforms/meaning.py` has it |

(returnlogic.md, section 1.) Answers tell how many calls are left; nothing tells when.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from bridge.errors import ConfigError
from bridge.platforms.care import Failure
from bridge.platforms.contract import Failed, Refused, Throttled, Unauthorized
from bridge.platforms.meaning import REFUSING, Table, after_write, failure_of
from bridge.platforms.returnlogic.oauth import Client, Pair, Tokens, fresh

MAINTENANCE = timedelta(minutes=2)
"""How long a 503 without `Retry-After` is waited for."""

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

TABLE: Table = {**REFUSING, 503: "throttled"}

Asking = Generator[httpx.Request, httpx.Response, httpx.Response | Failure]


@dataclass(frozen=True, slots=True)
class Api:
    """One team; `client` refreshes the team's pair, if it has one to refresh."""

    base_url: str
    tokens: Tokens = field(repr=False)
    client: Client | None = None

    def call(
        self, method: str, path: str, now: datetime, body: object = None
    ) -> Asking:
        """Ask with the team's token; after the first 401 once more with a fresh one.

        Tokens that cannot be read or kept leave the team unauthorised, as wrong ones.
        """
        return self.ask(httpx.Request(method, f"{self.base_url}{path}", json=body), now)

    def ask(self, request: httpx.Request, now: datetime) -> Asking:
        """Send a request that lacks nothing but the token, as `call` does."""
        try:
            return (yield from self._ask(request, now))
        except ConfigError:
            return Unauthorized("tokens_unusable")

    def _ask(self, request: httpx.Request, now: datetime) -> Asking:
        pair = self.tokens.current()
        if pair is None:
            return Unauthorized("no_token")
        response = yield _as(request, pair)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            pair_now = yield from fresh(self.tokens, self.client, pair, now)
            if isinstance(pair_now, Failed | Throttled | Refused | Unauthorized):
                return pair_now
            response = yield _as(request, pair_now)
        return _judged(request, response, now)


def _judged(
    request: httpx.Request, response: httpx.Response, now: datetime
) -> httpx.Response | Failure:
    """Return the answer if its content is for the caller to read, else the failure."""
    reading = request.method == "GET"
    if reading and response.status_code == HTTPStatus.NOT_FOUND:
        return response
    failure = judge(response, now)
    if failure is None:
        return response
    return failure if reading else after_write(failure)


def _as(request: httpx.Request, pair: Pair) -> httpx.Request:
    """Return the same request with a token."""
    headers = httpx.Headers(request.headers)
    headers["Accept"] = "application/json"
    headers["Authorization"] = f"Bearer {pair.bearer}"
    return httpx.Request(
        request.method, request.url, headers=headers, content=request.content
    )


def judge(response: httpx.Response, now: datetime) -> Failure | None:
    """Return what went wrong, None for any 2xx."""
    outcome = failure_of(response, TABLE, now)
    if isinstance(outcome, Throttled) and outcome.retry_after is None:
        busy = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        return Throttled(_until_next(response) if busy else MAINTENANCE)
    return outcome


def _until_next(response: httpx.Response) -> timedelta:
    """Return how long to wait after 429: which of the two limits was it?"""
    left = response.headers.get("X-RateLimit-Remaining-Minute", "")
    return MINUTE if left == "0" else SECOND
