"""Calls to ReturnLogic in a team's name, and what their answers mean.

503 is maintenance, on any call, and no fault of the data (returnlogic.md, section 1):
it asks for minutes. Answers tell how many calls are left; nothing tells when.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx

from bridge.errors import ConfigError
from bridge.platforms.care import Failure
from bridge.platforms.contract import Failed, Refused, Throttled, Unauthorized
from bridge.platforms.retry_after import retry_after
from bridge.platforms.returnlogic.oauth import Client, Tokens, fresh

MAINTENANCE = timedelta(minutes=2)
"""How long a 503 without `Retry-After` is waited for."""

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

_CLOSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

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
        try:
            return (yield from self._call(method, path, now, body))
        except ConfigError:
            return Unauthorized("tokens_unusable")

    def _call(self, method: str, path: str, now: datetime, body: object) -> Asking:
        pair = self.tokens.current()
        if pair is None:
            return Unauthorized("no_token")
        response = yield self._request(method, path, pair.bearer, body)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            pair_now = yield from fresh(self.tokens, self.client, pair, now)
            if isinstance(pair_now, Failed | Throttled | Refused | Unauthorized):
                return pair_now
            response = yield self._request(method, path, pair_now.bearer, body)
        return judge(response, now) or response

    def _request(
        self, method: str, path: str, bearer: str, body: object
    ) -> httpx.Request:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {bearer}"}
        url = f"{self.base_url}{path}"
        return httpx.Request(method, url, headers=headers, json=body)


def judge(response: httpx.Response, now: datetime) -> Failure | None:
    """Return what went wrong; None for any 2xx and for 404, which is the caller's."""
    code, wait = response.status_code, retry_after(response, now)
    outcome: Failure | None = Failed(f"http_{code}", wait)
    if response.is_success or code == HTTPStatus.NOT_FOUND:
        outcome = None
    elif code in _CLOSED:
        outcome = Unauthorized(f"http_{code}")
    elif code == HTTPStatus.TOO_MANY_REQUESTS:
        outcome = Throttled(wait or _until_next(response))
    elif code == HTTPStatus.SERVICE_UNAVAILABLE:
        outcome = Throttled(wait or MAINTENANCE)
    elif response.is_client_error:
        outcome = Refused(f"http_{code}")
    return outcome


def _until_next(response: httpx.Response) -> timedelta:
    """Return how long to wait after 429: which of the two limits was it?"""
    left = response.headers.get("X-RateLimit-Remaining-Minute", "")
    return MINUTE if left == "0" else SECOND
