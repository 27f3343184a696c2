"""What Redo's answers mean: judged by status, whatever the body looks like.

| status | meaning | why |
|---|---|---|
| 400 | refused | the request is not understood: another try changes nothing |
| 404 | refused | the return is not there, and a deleted one does not come back |
| 409 | refused | the return stands otherwise: for a person to look at |
| 410 | refused | it is gone for good |
| 412 | refused | as 409; we send no precondition |
| 422 | refused | a value is not taken, with the problem's code as reason |
| others | | as `bridge/platforms/meaning.py` has it |

Redo names 400, 401, 403, 404, 422, 429, 500 and 503 (redo.md, section 2). Error bodies
are problem objects of which every field may be missing; no text of theirs is passed on,
only the last part of `type` if it is a code.
"""

import re
from datetime import datetime

import httpx

from bridge.platforms.contract import (
    Failed,
    Outcome,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.meaning import SHARED, Table, fields_of, meaning_of
from bridge.platforms.retry_after import retry_after

TABLE: Table = {
    **SHARED,
    400: "refused",
    404: "refused",
    409: "refused",
    410: "refused",
    412: "refused",
    422: "refused",
}
_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")


def judge(  # noqa: PLR0911 - one line for each meaning
    request: httpx.Request, response: httpx.Response, now: datetime
) -> Outcome | None:
    """Return what went wrong, None for any 2xx."""
    status, wait = response.status_code, retry_after(response, now)
    match meaning_of(status, TABLE, wait_named=wait is not None):
        case "unauthorized":
            return Unauthorized(_reason(response))
        case "throttled":
            return Throttled(wait)
        case "refused":
            return Refused(_reason(response), f"{request.method} answered {status}")
        case "failed":
            return Failed(f"http_{status}", wait, answer_lost=request.method != "GET")
        case _:
            return None


def _reason(response: httpx.Response) -> str:
    """Return the problem's code (`item-not-found`), else `http_<status>`."""
    type_ = fields_of(response).get("type")
    code = type_.rpartition("/")[2] if isinstance(type_, str) else ""
    return code if _CODE.fullmatch(code) else f"http_{response.status_code}"


def status_in(response: httpx.Response) -> str | None:
    """Return the status out of `{"status": …}`, None if the body has none."""
    status = fields_of(response).get("status")
    return status if isinstance(status, str) else None


def comments_in(response: httpx.Response) -> list[str] | None:
    """Return the texts out of `{"comments": [{"message"} or {"image"}]}`."""
    comments = fields_of(response).get("comments")
    if not isinstance(comments, list):
        return None
    messages = [
        comment.get("message") for comment in comments if isinstance(comment, dict)
    ]
    return [message for message in messages if isinstance(message, str)]
