"""What a warehouse's answers mean: one table by status, settings may override it.

| status | outcome |
|---|---|
| 2xx | Delivered |
| 401, 403 | Unauthorized |
| 408, 425, 5xx, 3xx | Failed |
| 409 | too late: the goods are being worked on |
| 412 | AlreadyApplied: a newer revision is stored |
| 422 | Refused, with the JSON pointers of the answer and no other text of it |
| 429; 503 with Retry-After | Throttled |
| any other 4xx | Refused |

Source: wms.md section 6.1. A redirect is nothing an event could be refused for.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import httpx
import orjson

from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.retry_after import retry_after

Meaning = Literal[
    "delivered",
    "already_applied",
    "failed",
    "throttled",
    "refused",
    "unauthorized",
    "too_late",
]
TOO_LATE = Refused("too_late", "the goods are being worked on")

_MEANINGS: Mapping[int, Meaning] = {
    401: "unauthorized",
    403: "unauthorized",
    408: "failed",
    409: "too_late",
    412: "already_applied",
    425: "failed",
    429: "throttled",
}
_OF_CLASS: Mapping[int, Meaning] = {2: "delivered", 4: "refused"}

_POINTER = re.compile(r"(/[A-Za-z0-9_~-]{1,40}){1,8}")
_MOST_POINTERS = 20


def judge(
    response: httpx.Response, now: datetime, codes: Mapping[int, Meaning]
) -> Outcome:
    """Return what `response` came to; `codes` are the settings' overrides."""
    status = response.status_code
    wait = retry_after(response, now)
    table = _MEANINGS if wait is None else {**_MEANINGS, 503: "throttled"}
    by_class = _OF_CLASS.get(status // 100, "failed")
    meaning: Meaning = codes.get(status) or table.get(status, by_class)
    reason = f"http_{status}"
    outcomes: Mapping[Meaning, Callable[[], Outcome]] = {
        "delivered": lambda: Delivered(reason),
        "already_applied": lambda: AlreadyApplied("a newer revision is stored"),
        "failed": lambda: Failed(reason, wait, answer_lost=True),
        "throttled": lambda: Throttled(wait),
        "refused": lambda: Refused(_refusal(status), pointers_in(response)),
        "unauthorized": lambda: Unauthorized(reason),
        "too_late": lambda: TOO_LATE,
    }
    return outcomes[meaning]()


def _refusal(status: int) -> str:
    return "invalid" if status == httpx.codes.UNPROCESSABLE_ENTITY else f"http_{status}"


def pointers_in(response: httpx.Response) -> str:
    """Return the pointers of a problem's `errors[]`: where, never what."""
    errors = fields_of(response).get("errors")
    entries = errors if isinstance(errors, list) else []
    pointers = [entry.get("pointer") for entry in entries if isinstance(entry, dict)]
    fitting = [p for p in pointers if isinstance(p, str) and _POINTER.fullmatch(p)]
    return " ".join(fitting[:_MOST_POINTERS])


def fields_of(response: httpx.Response) -> Mapping[str, object]:
    """Return the JSON object of a body, an empty one for anything else."""
    try:
        content = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}
