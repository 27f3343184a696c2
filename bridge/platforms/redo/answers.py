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
from dataclasses import replace
from datetime import datetime

import httpx

from bridge.platforms.care import Failure
from bridge.platforms.contract import Refused
from bridge.platforms.meaning import (
    REFUSING,
    Table,
    after_write,
    by_status,
    failure_of,
    fields_of,
)

TABLE: Table = REFUSING
_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")


def judge(
    request: httpx.Request, response: httpx.Response, now: datetime
) -> Failure | None:
    """Return what went wrong, None for any 2xx."""
    outcome = failure_of(response, TABLE, now, _reason)
    if isinstance(outcome, Refused):
        detail = f"{request.method} answered {response.status_code}"
        return replace(outcome, detail=detail)
    return outcome if request.method == "GET" else after_write(outcome)


def _reason(response: httpx.Response) -> str:
    """Return the problem's code (`item-not-found`), else `http_<status>`."""
    type_ = fields_of(response).get("type")
    code = type_.rpartition("/")[2] if isinstance(type_, str) else ""
    return code if _CODE.fullmatch(code) else by_status(response)


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
