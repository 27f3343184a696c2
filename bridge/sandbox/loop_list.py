"""The simulated Loop's list of returns, with every trap of the real one (section 4).

Without `from` it shows the last 24 hours, without `state` neither cancelled returns
nor those under review, without `paginate` a bare array that ends at the page size.
The next page's address leaves `from` and `state` out, and its cursor is a second, so
rows that share one at a page's edge come twice, or never (`skips_edges`).
"""

import base64
import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urlencode

from pydantic import JsonValue

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_bodies import Json, millis, row
from bridge.sandbox.loop_returns import CLOSED, EXPIRED, OPEN, STATES, LoopReturn
from bridge.sandbox.loop_shop import LoopShop

_SPAN = timedelta(days=120)
_DEFAULT_SPAN = timedelta(hours=24)
_DEFAULT_SIZE, _LARGEST_SIZE = 100, 750
_DEFAULT_STATES = frozenset({OPEN, CLOSED, EXPIRED})
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One request for a page, read and checked."""

    since: datetime
    until: datetime
    by: str
    states: frozenset[str]
    paginated: bool
    size: int
    cursor: datetime | None

    def takes(self, return_: LoopReturn) -> bool:
        at = self.at(return_)
        return self.since <= at <= self.until and return_.state in self.states

    def at(self, return_: LoopReturn) -> datetime:
        updated = self.by == "updated_at"
        return return_.updated_at if updated else return_.created_at


def read_query(params: Mapping[str, str], now: datetime) -> ListQuery | Answer:
    """Return what is wanted, or the refusal."""
    try:
        query = _read(params, now)
    except ValueError:
        return invalid("from", "A parameter does not fit")
    if query.until - query.since > _SPAN:
        return invalid("from", "The date range may not exceed 120 days")
    return query


def page(query: ListQuery, shop: LoopShop, base: str, *, skips_edges: bool) -> Answer:
    """Return one page."""
    since = query.since
    if query.cursor is not None:
        edge = query.cursor + _SECOND if skips_edges else query.cursor
        since = max(since, edge)
    found = list(islice(_found(query, shop, since), query.size + 1))
    rows = found[: query.size]
    shown: list[JsonValue] = [row(return_) for return_ in rows]
    if not query.paginated:
        return Answer(200, shown)
    body: Json = {"returns": shown, "nextPageUrl": None, "previousPageUrl": None}
    if len(found) > query.size:
        body["nextPageUrl"] = _next(query, query.at(rows[-1]), base)
    return Answer(200, body)


def _found(query: ListQuery, shop: LoopShop, since: datetime) -> Iterator[LoopReturn]:
    """Yield what the query takes, from `since` on, oldest first."""

    def place(return_: LoopReturn) -> tuple[datetime, int]:
        return query.at(return_), return_.id

    stock = shop.stock.oldest_first(since, query.until)
    rows = heapq.merge(sorted(shop.all(), key=place), stock, key=place)
    return (each for each in rows if query.takes(each) and query.at(each) >= since)


def invalid(field: str, message: str) -> Answer:
    """Return a validation error."""
    errors: JsonValue = {field: [message]}
    return Answer(422, {"message": "The given data was invalid.", "errors": errors})


def _read(params: Mapping[str, str], now: datetime) -> ListQuery:
    until = _moment(params["to"]) if "to" in params else now
    since = _moment(params["from"]) if "from" in params else until - _DEFAULT_SPAN
    by = params.get("filter", "created_at")
    states = frozenset({params["state"]}) if "state" in params else _DEFAULT_STATES
    size = int(params.get("pageSize", _DEFAULT_SIZE))
    if by not in {"created_at", "updated_at"} or not states <= STATES or size < 1:
        raise ValueError(by)
    return ListQuery(
        since=since,
        until=until,
        by=by,
        states=states,
        paginated=params.get("paginate", "false") == "true",
        size=min(size, _LARGEST_SIZE),
        cursor=_opened(params["cursor"]) if "cursor" in params else None,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _next(query: ListQuery, last: datetime, base: str) -> str:
    """Return the address of the next page, short of `from` and `state`."""
    kept = {
        "to": millis(query.until),
        "filter": query.by,
        "pageSize": str(query.size),
        "cursor": _sealed(last),
    }
    return f"{base}?{urlencode(kept)}"


def _sealed(at: datetime) -> str:
    second = at.replace(microsecond=0).isoformat()
    return base64.urlsafe_b64encode(second.encode()).decode()


def _opened(cursor: str) -> datetime:
    return datetime.fromisoformat(base64.urlsafe_b64decode(cursor).decode())
