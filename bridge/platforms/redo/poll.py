"""Redo's list of returns, page by page (redo.md, sections 3 and 6).

Newest first by an unnamed time, so a walk goes to its end and never stops at a return
it knows. Returns and orders stand side by side and are joined by the order's id; each
pair is a body as a webhook has it. Three passes: what was updated; deleted returns,
which the list may hide without `status=deleted`; and, seldom, a wide window, since
nobody has promised that a scan or a note moves `updatedAt`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

import httpx
import orjson
from pydantic import Field

from bridge.platforms.contract import (
    Failed,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.answers import judge
from bridge.platforms.redo.api import Store
from bridge.platforms.redo.source import subject_for
from bridge.platforms.redo.translate import PLATFORM
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

#: With a token, these say that it no longer counts.
_TOKEN_REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
UPDATED, DELETED, WIDE = "updated", "deleted", "wide"


class RedoPollOptions(PollOptions):
    """Polling of a Redo store; `paging` names where Redo reads size and token.

    Every `wide_every` all that was updated within `wide` is read once more.
    """

    page_size: Annotated[int, Field(ge=1, le=500)] = 500
    paging: Literal["headers", "query"] = "headers"
    wide: Positive = timedelta(days=14)
    wide_every: Positive = timedelta(days=1)


class RedoPoll:
    """One store, polled."""

    platform = PLATFORM

    def __init__(self, account: str, store: Store, options: RedoPollOptions) -> None:
        self.account = account
        self._store = store
        self._options = options
        self.rhythm = options.rhythm(
            Pass(UPDATED),
            Pass(DELETED, every=options.sweep_every),
            Pass(WIDE, every=options.wide_every, reach=options.wide, history=False),
            longest=timedelta(days=365),
        )

    def page(self, ask: Ask) -> Paging:
        """Ask for one page of the list."""
        request = self._request(ask)
        response = yield request
        if ask.token is not None and response.status_code in _TOKEN_REFUSED:
            return Expired()
        return failure(request, response, ask.now) or self._read(response)

    def _request(self, ask: Ask) -> httpx.Request:
        query = {
            "updated_at_min": _text(ask.since),
            "updated_at_max": _text(ask.until),
        }
        if ask.pass_ == DELETED:
            query["status"] = "deleted"
        paging = {"page-size": str(self._options.page_size)}
        if ask.token is not None:
            paging["page-continue"] = ask.token
        headers: Mapping[str, str] = {}
        if self._options.paging == "query":
            query |= paging
        else:
            headers = {f"X-{name.title()}": value for name, value in paging.items()}
        path = self._store.path("returns")
        return self._store.api.request("GET", path, query=query, headers=headers)

    def _read(self, response: httpx.Response) -> PageOutcome:
        try:
            answer = orjson.loads(response.content)
            found = tuple(self._found(answer["returns"], answer["orders"]))
        except (ValueError, TypeError, LookupError):
            return Failed("unreadable_answer")
        return Page(found, response.headers.get("X-Page-Next") or None)

    def _found(
        self, returns: object, orders: list[dict[str, object]]
    ) -> Iterator[Found]:
        if not isinstance(returns, list):
            raise TypeError("not a list of returns")
        by_id = {order["id"]: order for order in orders}
        for row in returns:
            body, subject = {"return": row}, None
            if isinstance(row, dict):
                subject = subject_for(self.account, row.get("id"))
                order = by_id.get(_order_id(row))
                if order is not None:
                    body["order"] = order
            yield Found(subject or self.account, orjson.dumps(body))


def _order_id(row: Mapping[str, object]) -> object:
    """Return the return's order id; None for anything that is no plain id."""
    order = row.get("order")
    id_ = order.get("id") if isinstance(order, dict) else None
    return id_ if isinstance(id_, str | int) else None


def _text(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def failure(
    request: httpx.Request, response: httpx.Response, now: datetime
) -> Failed | Throttled | Refused | Unauthorized | None:
    """Return what went wrong with a call, None for any 2xx."""
    outcome = judge(request, response, now)
    if isinstance(outcome, Failed | Throttled | Refused | Unauthorized):
        return outcome
    return None
