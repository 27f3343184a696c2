"""What Redo's answers mean: judged by status, whatever the body looks like.

Error bodies are problem objects of which every field may be missing (redo.md,
section 2); no text of theirs is passed on, only the last part of `type` if it is a
code.
"""

import re
from datetime import datetime
from http import HTTPStatus

import httpx
import orjson

from bridge.platforms.contract import (
    Failed,
    Outcome,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.retry_after import retry_after

_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_UNAUTHORIZED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_REPEATABLE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def judge(
    request: httpx.Request, response: httpx.Response, now: datetime
) -> Outcome | None:
    """Return what went wrong, None for any 2xx.

    A redirect is nothing that an event could be refused for: it counts as failed.
    """
    code, wait = response.status_code, retry_after(response, now)
    outcome: Outcome | None
    if response.is_success:
        outcome = None
    elif code in _UNAUTHORIZED:
        outcome = Unauthorized(_reason(response))
    elif _is_throttling(code, wait_given=wait is not None):
        outcome = Throttled(wait)
    elif response.is_client_error and code not in _REPEATABLE:
        outcome = Refused(_reason(response), f"{request.method} answered {code}")
    else:
        outcome = Failed(f"http_{code}", wait, answer_lost=request.method != "GET")
    return outcome


def _is_throttling(code: int, *, wait_given: bool) -> bool:
    return code == HTTPStatus.TOO_MANY_REQUESTS or (
        code == HTTPStatus.SERVICE_UNAVAILABLE and wait_given
    )


def _reason(response: httpx.Response) -> str:
    """Return the problem's code (`item-not-found`), else `http_<status>`."""
    type_ = _fields(response).get("type")
    code = type_.rpartition("/")[2] if isinstance(type_, str) else ""
    return code if _CODE.fullmatch(code) else f"http_{response.status_code}"


def status_in(response: httpx.Response) -> str | None:
    """Return the status out of `{"status": …}`, None if the body has none."""
    status = _fields(response).get("status")
    return status if isinstance(status, str) else None


def comments_in(response: httpx.Response) -> list[str] | None:
    """Return the texts out of `{"comments": [{"message"} or {"image"}]}`."""
    comments = _fields(response).get("comments")
    if not isinstance(comments, list):
        return None
    messages = [
        comment.get("message") for comment in comments if isinstance(comment, dict)
    ]
    return [message for message in messages if isinstance(message, str)]


def _fields(response: httpx.Response) -> dict[str, object]:
    """Return the JSON object of the body, an empty one for anything else."""
    try:
        content = orjson.loads(response.content)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
