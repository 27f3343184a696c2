"""ReturnLogic's OAuth, with its own field names: stock libraries fail (section 1).

A pair lives until the first 401: no lifetime is told. Then one conversation refreshes
it and the others wait. Whatever pair comes back is kept, with or without a new refresh
token. Everything here is a value or a conversation; where pairs are kept is the
store's business (`token_file.py`).
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol

import httpx
from pydantic import SecretStr

from bridge.errors import UnreadableError
from bridge.platforms.care import Failure
from bridge.platforms.contract import Failed, Throttled, Unauthorized
from bridge.platforms.reading import parse
from bridge.platforms.retry_after import retry_after
from bridge.platforms.returnlogic.payloads import TokenPair

SOON = timedelta(seconds=2)
"""How long a conversation waits for another one's refresh."""

_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})


@dataclass(frozen=True, slots=True)
class Pair:
    """One team's tokens; without a refresh token the bearer is a key for good."""

    bearer: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)


Granting = Generator[httpx.Request, httpx.Response, Pair | Failure]


class Tokens(Protocol):
    """Where a team's pair is kept; shared by all that call in its name."""

    def current(self) -> Pair | None:
        """Return the pair, None as long as there is none."""
        ...

    def claim(self, used: Pair, now: datetime) -> bool:
        """Tell whether the caller is the one to refresh `used`.

        False while somebody else does, or once it has been replaced. A claim ends
        with `keep` or `release`, or by itself after a while.
        """
        ...

    def keep(self, pair: Pair) -> None:
        """Replace the pair, all at once."""
        ...

    def release(self) -> None:
        """Give a claim back: the refresh came to nothing."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKey:
    """An API key used as bearer: `Tokens` that are never refreshed."""

    key: SecretStr

    def current(self) -> Pair:
        return Pair(self.key.get_secret_value())

    def claim(self, used: Pair, now: datetime) -> bool:  # noqa: ARG002  port
        return False

    def keep(self, pair: Pair) -> None:
        """Keep the key."""

    def release(self) -> None:
        """There is no claim."""


@dataclass(frozen=True, slots=True)
class Client:
    """Our app as ReturnLogic knows it."""

    base_url: str
    client_id: str
    client_secret: SecretStr

    def exchange(self, code: str, now: datetime) -> Granting:
        """Trade the code of an installation for a pair; a code counts once."""
        grant = {"grant_type": "authorization_code", "code": code}
        return self._ask(grant, now)

    def refresh(self, refresh_token: str, now: datetime) -> Granting:
        """Trade a refresh token for a new pair; the request's form is a guess."""
        grant = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._ask(grant, now)

    def _ask(self, grant: dict[str, str], now: datetime) -> Granting:
        body = grant | {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
        }
        response = yield httpx.Request("POST", f"{self.base_url}/oauth", json=body)
        return _refusal(response, now) or _pair(response)


def _refusal(response: httpx.Response, now: datetime) -> Failure | None:
    code, wait = response.status_code, retry_after(response, now)
    outcome: Failure | None = Failed(f"http_{code}", wait)
    if response.is_success:
        outcome = None
    elif code in _REFUSED:
        outcome = Unauthorized("grant_refused")
    elif code == HTTPStatus.TOO_MANY_REQUESTS:
        outcome = Throttled(wait)
    return outcome


def _pair(response: httpx.Response) -> Pair | Failure:
    try:
        granted = parse(TokenPair, response.content)
    except UnreadableError:
        return Failed("unreadable_answer")
    return Pair(granted.bearer_token, granted.refresh_token)


def fresh(tokens: Tokens, client: Client | None, used: Pair, now: datetime) -> Granting:
    """Return a pair that may work after `used` got 401.

    It is the one that somebody else has put in place meanwhile, else a refreshed one.
    """
    current = tokens.current()
    if current is not None and current.bearer != used.bearer:
        return current
    if client is None or used.refresh is None:
        return Unauthorized("http_401")
    if not tokens.claim(used, now):
        return Throttled(SOON)
    granted = yield from client.refresh(used.refresh, now)
    if isinstance(granted, Pair):
        granted = Pair(granted.bearer, granted.refresh or used.refresh)
        tokens.keep(granted)
    else:
        tokens.release()
    return granted
