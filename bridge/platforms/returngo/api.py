"""Calls to ReturnGO and what their answers mean, judged by status alone.

| status | meaning | why |
|---|---|---|
| 400 | refused | a bad id, or a move that a parcel does not take (`target.py` looks) |
| 404 | refused | no such RMA or shipment |
| 409, 410, 412, 422 | refused | not documented: for a person to look at |
| others | | as `bridge/platforms/meaning.py` has it |

No error body has a known form (returngo.md, section 1): none of its text is passed on.
A 429 says nothing about when to come back, and the day may be used up.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from bridge.errors import UnreadableError
from bridge.platforms.care import Failure
from bridge.platforms.contract import Failed
from bridge.platforms.meaning import REFUSING, Table, failure_of
from bridge.platforms.reading import Payload, parse

TABLE: Table = REFUSING

Answer = TypeVar("Answer", bound=Payload)
Asking = Generator[httpx.Request, httpx.Response, Answer | Failure]


@dataclass(frozen=True, slots=True)
class Api:
    """One shop at ReturnGO; the key is that of the shop's owner."""

    base_url: str
    shop: str
    key: SecretStr = field(repr=False)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Request:
        """Return a read; a `+` in `query` goes out as `%2B`, as it must."""
        url = f"{self.base_url}{path}"
        return httpx.Request("GET", url, params=query, headers=self._headers())

    def write(self, method: str, path: str, body: object) -> httpx.Request:
        url = f"{self.base_url}{path}"
        return httpx.Request(method, url, json=body, headers=self._headers())

    def rma(self, rma_id: str) -> httpx.Request:
        """Return the read of one RMA."""
        return self.get(f"/rma/{quote(rma_id, safe='')}")

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "x-api-key": self.key.get_secret_value(),
            "x-shop-name": self.shop,
        }


def judge(response: httpx.Response, now: datetime) -> Failure | None:
    """Return what went wrong, None for any 2xx."""
    return failure_of(response, TABLE, now)


def ask(
    request: httpx.Request, form: type[Answer], now: datetime
) -> Generator[httpx.Request, httpx.Response, Answer | Failure]:
    """Send a read and take its answer apart; a 200 of another form has failed."""
    response = yield request
    failure = judge(response, now)
    if failure is not None:
        return failure
    try:
        return parse(form, response.content)
    except UnreadableError:
        return Failed("unreadable_answer")
