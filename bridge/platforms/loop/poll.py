"""Loop's list of returns, page by page (loop.md, section 4).

One state at a time, or cancelled returns and those in review would never be seen.
A window is at most 120 days. The answer's link to the next page forgets window and
state: only its cursor is taken, our own parameters are sent again. Whether a label's
move changes `updated_at` is unknown, so open returns are swept far back now and then.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import httpx
import orjson
from pydantic import Field

from bridge.canonical.reference import subject_of
from bridge.platforms.contract import Failed
from bridge.platforms.loop import naming
from bridge.platforms.loop.api import Api, content_of, error_in, failure
from bridge.platforms.loop.translate import PLATFORM
from bridge.platforms.walk import (
    Ask,
    Expired,
    Found,
    Page,
    PageOutcome,
    Paging,
    Pass,
    PollOptions,
    Positive,
)

STATES = ("open", "closed", "cancelled", "expired", "review")
#: The sweep of open returns: a pass of its own over the same state.
SWEEP = "open again"
#: A little less than what Loop takes: months and summer time leave room.
LONGEST = timedelta(days=119)
_TOKEN_REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class LoopPollOptions(PollOptions):
    """Polling of a Loop shop: every walk takes a call for each of five states.

    Every `wide_every` all open returns of the last 119 days are read once more.
    """

    page_size: Annotated[int, Field(ge=1, le=750)] = 750
    wide_every: Positive = timedelta(days=1)


class LoopPoll:
    """One shop, polled."""

    platform = PLATFORM

    def __init__(self, account: str, api: Api, options: LoopPollOptions) -> None:
        self.account = account
        self._api = api
        self._size = options.page_size
        self.rhythm = options.rhythm(
            *(Pass(state) for state in STATES),
            Pass(SWEEP, every=options.wide_every, reach=LONGEST, history=False),
            longest=LONGEST,
        )

    def page(self, ask: Ask) -> Paging:
        """Ask for one page of the list."""
        response = yield self._request(ask)
        if ask.token is not None and response.status_code in _TOKEN_REFUSED:
            return Expired()
        return failure(response, ask.now) or self._read(response, ask)

    def _request(self, ask: Ask) -> httpx.Request:
        query = {
            "from": _text(ask.since),
            "to": _text(ask.until),
            "filter": "updated_at",
            "state": "open" if ask.pass_ == SWEEP else ask.pass_,
            "paginate": "true",
            "pageSize": str(self._size),
        }
        if ask.token is not None:
            query["cursor"] = ask.token
        return self._api.request("GET", "/warehouse/return/list", query=query)

    def _read(self, response: httpx.Response, ask: Ask) -> PageOutcome:
        content = content_of(response)
        error = error_in(content)
        if error is not None:
            return Failed(error) if ask.token is None else Expired(error)
        if isinstance(content, list):  # a server that does not page
            return Page(tuple(self._found(content)))
        rows = content.get("returns") if isinstance(content, dict) else None
        if not (isinstance(content, dict) and isinstance(rows, list)):
            return Failed("unreadable_answer")
        return self._page(rows, content.get("nextPageUrl"))

    def _page(self, rows: list[object], link: object) -> PageOutcome:
        token = _cursor(link) if link else None
        if link and token is None:
            return Failed("no_cursor")
        return Page(tuple(self._found(rows)), token)

    def _found(self, rows: list[object]) -> Iterator[Found]:
        for row in rows:
            id_ = naming.native_id(row)
            subject = subject_of(PLATFORM, self.account, id_) if id_ else self.account
            yield Found(subject, orjson.dumps(row))


def _cursor(link: object) -> str | None:
    """Return the cursor out of the link to the next page."""
    if not isinstance(link, str):
        return None
    try:
        return httpx.URL(link).params.get("cursor") or None
    except httpx.InvalidURL:
        return None


def _text(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
