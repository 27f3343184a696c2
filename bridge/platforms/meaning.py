"""From an HTTP answer to the class of its cause: what all targets read alike.

A target has one table, status to meaning. It starts from `SHARED`, which is what HTTP
itself says, and adds its own judgement of every status in `JUDGED`: only the platform's
contract tells whether a 404 is a return that is gone or a create that is still to come.

    any 2xx              delivered
    408, 425             failed: try again
    401, 403             unauthorized: stops the target
    429                  throttled
    503                  throttled if it names a time, else failed
    other 5xx, 3xx, 1xx  failed: nothing that an event could be refused for
    other 4xx            refused

A lost connection or a time-out is `failed` as well: the engine's doing, not a status.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

import httpx
import orjson

from bridge.platforms.care import Failure
from bridge.platforms.contract import Failed, Refused, Throttled, Unauthorized
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
Table = Mapping[int, Meaning]

SHARED: Table = {
    401: "unauthorized",
    403: "unauthorized",
    408: "failed",
    425: "failed",
    429: "throttled",
}
JUDGED = frozenset({400, 404, 409, 410, 412, 422})
"""What every table has a line of its own for."""

REFUSING: Table = {**SHARED, **dict.fromkeys(sorted(JUDGED), "refused")}
"""For platforms where another try changes none of these."""

_OF_CLASS: Table = {2: "delivered", 4: "refused"}


def meaning_of(status: int, table: Table, *, wait_named: bool) -> Meaning:
    """Return what `status` means; `wait_named` tells of a `Retry-After` beside it."""
    if status in table:
        return table[status]
    if status == httpx.codes.SERVICE_UNAVAILABLE and wait_named:
        return "throttled"
    return _OF_CLASS.get(status // 100, "failed")


def by_status(response: httpx.Response) -> str:
    """Return the reason that says no more than the status."""
    return f"http_{response.status_code}"


def failure_of(
    response: httpx.Response,
    table: Table,
    now: datetime,
    reason: Callable[[httpx.Response], str] = by_status,
) -> Failure | None:
    """Return what went wrong by the table, None for what it takes as delivered.

    `reason` says why an event is refused or the credential is; it quotes nothing.
    """
    wait = retry_after(response, now)
    meaning = meaning_of(response.status_code, table, wait_named=wait is not None)
    outcome: Failure | None = None
    if meaning == "unauthorized":
        outcome = Unauthorized(reason(response))
    elif meaning == "throttled":
        outcome = Throttled(wait)
    elif meaning == "refused":
        outcome = Refused(reason(response))
    elif meaning == "failed":
        outcome = Failed(by_status(response), wait)
    return outcome


Judged = TypeVar("Judged", Failure, Failure | None)


def after_write(outcome: Judged) -> Judged:
    """Return the same of a write: where it failed, it may have had its effect."""
    if isinstance(outcome, Failed):
        return replace(outcome, answer_lost=True)
    return outcome


def fields_of(response: httpx.Response) -> Mapping[str, object]:
    """Return the JSON object of a body, an empty one for anything else."""
    try:
        content = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}
