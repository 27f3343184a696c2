"""How Loop's API is called, and what went wrong with a call (loop.md, section 1).

| status | meaning | why |
|---|---|---|
| 400 | refused | the request is not understood: another try changes nothing |
| 404 | refused | no such return, label request or webhook |
| 409 | refused | the return stands otherwise: for a person to look at |
| 410 | refused | it is gone for good |
| 412 | refused | as 409; we send no precondition |
| 422 | refused | a value is not taken; of notes: there are none yet |
| others | | as `bridge/platforms/meaning.py` has it |

A failure often comes with HTTP 200: an answer is judged by its body too. No text of
Loop's is passed on, only a code if it is one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import orjson
from pydantic import SecretStr

from bridge.platforms.care import Failure
from bridge.platforms.meaning import REFUSING, Table, failure_of

_CODE = re.compile(r"[A-Z][A-Z_-]{0,39}")
TABLE: Table = REFUSING


@dataclass(frozen=True, slots=True)
class Api:
    """One shop's key at Loop, or at a server that speaks Loop's language."""

    base_url: str
    header: str
    key: SecretStr = field(repr=False)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> httpx.Request:
        """Return a request with our credential; `path` begins with a slash."""
        return httpx.Request(
            method,
            f"{self.base_url}{path}",
            params=query,
            headers={
                "Accept": "application/json",
                self.header: self.key.get_secret_value(),
            },
            json=body,
        )


def failure(response: httpx.Response, now: datetime) -> Failure | None:
    """Return what went wrong by the status, None for any 2xx."""
    return failure_of(response, TABLE, now)


def content_of(response: httpx.Response) -> object:
    """Return the JSON of the body; None where there is none."""
    try:
        return orjson.loads(response.content)
    except ValueError:
        return None


def error_in(content: object) -> str | None:
    """Return the short reason of an error that came as content; None if there is none.

    The code in lower case (`webhook_not_found`), else `error_in_200`.
    """
    if not isinstance(content, dict):
        return None
    for name in ("errors", "error"):
        error = content.get(name)
        if error:
            code = error.get("code") if isinstance(error, dict) else None
            known = isinstance(code, str) and _CODE.fullmatch(code)
            return str(code).lower() if known else "error_in_200"
    return None
