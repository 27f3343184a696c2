"""What a warehouse's answers mean: a table by status, settings may override it.

| status | at the API | at a receiver of webhooks |
|---|---|---|
| 400 | refused: the body is not what the profile says | the same |
| 404 | refused; of a cancel: nothing is left to do | failed: its address is wrong |
| 409 | too late: the goods are being worked on | the same |
| 410 | refused: it is gone for good | failed: its address is gone |
| 412 | already applied: a newer revision is stored | the same |
| 422 | refused, with the JSON pointers of the answer | the same |
| others | as `bridge/platforms/meaning.py` has it | the same |

A receiver has one address for all events: that it is not there says nothing about one
of them, and passes when the receiver is up again. Source: wms.md section 6.1.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.meaning import SHARED, Meaning, Table, fields_of, meaning_of
from bridge.platforms.retry_after import retry_after

API: Table = {
    **SHARED,
    400: "refused",
    404: "refused",
    409: "too_late",
    410: "refused",
    412: "already_applied",
    422: "refused",
}
RECEIVER: Table = {**API, 404: "failed", 410: "failed"}
TOO_LATE = Refused("too_late", "the goods are being worked on")

_POINTER = re.compile(r"(/[A-Za-z0-9_~-]{1,40}){1,8}")
_MOST_POINTERS = 20


def judge(response: httpx.Response, now: datetime, table: Table) -> Outcome:
    """Return what `response` came to; `table` has the settings' overrides in it."""
    status = response.status_code
    wait = retry_after(response, now)
    meaning = meaning_of(status, table, wait_named=wait is not None)
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
