"""The simulated list of returns, with what it does to those who walk through it.

Newest first by creation; `updated_at_min` inclusive, `updated_at_max` exclusive; page
size and token in headers (redo.md, sections 3 and 6). A return that changes during a
walk leaves the window.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from pydantic import JsonValue
from starlette.requests import Request

from bridge.sandbox.front import Answer
from bridge.sandbox.redo_bodies import return_body
from bridge.sandbox.redo_keys import invalid
from bridge.sandbox.redo_orders import order_body
from bridge.sandbox.redo_shop import STATUSES, Filter, Place, RedoShop, place_of
from bridge.sandbox.shop_returns import ShopReturn

_PAGE, _LARGEST_PAGE = 20, 500


@dataclass(frozen=True, slots=True)
class Traps:
    """What may befall a walk; each is off by default.

    `hides_deleted`: deleted returns come only with `status=deleted`. `by_query`: size
    and token are read from the query. Every `empty_every`-th page is empty and leads
    on, every `expired_every`-th token is refused. With `circles` each token leads back
    to its own page.
    """

    hides_deleted: bool = False
    by_query: bool = False
    empty_every: int = 0
    expired_every: int = 0
    circles: bool = False


NO_TRAPS = Traps()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a request asks for."""

    filter: Filter
    size: int
    after: Place | None
    token: str | None


class ReturnList:
    """One store's list, as `GET /stores/{id}/returns` answers it."""

    def __init__(self, shop: RedoShop, traps: Traps = NO_TRAPS) -> None:
        self._shop = shop
        self._traps = traps
        self._pages = 0
        self._tokens = 0

    def page(self, request: Request) -> Answer:
        """Answer one page."""
        try:
            wanted = self._wanted(request)
        except ValueError:
            return invalid(f"A filter does not fit, or a size of 1 to {_LARGEST_PAGE}")
        if wanted.token is not None and self._expires():
            return invalid("X-Page-Continue is not known")
        return self._answer(wanted)

    def _wanted(self, request: Request) -> _Wanted:
        if self._traps.by_query:
            size = request.query_params.get("page-size")
            token = request.query_params.get("page-continue")
        else:
            size = request.headers.get("x-page-size")
            token = request.headers.get("x-page-continue")
        wanted = _Wanted(_filter(request), int(size or _PAGE), _opened(token), token)
        if not 1 <= wanted.size <= _LARGEST_PAGE:
            raise ValueError("size")
        return wanted

    def _expires(self) -> bool:
        self._tokens += 1
        every = self._traps.expired_every
        return every > 0 and self._tokens % every == 0

    def _answer(self, wanted: _Wanted) -> Answer:
        self._pages += 1
        every = self._traps.empty_every
        if every and self._pages % every == 0:
            return _listing([], _sealed(wanted.after, self._pages))
        found = (r for r in self._rows(wanted) if self._takes(wanted, r))
        page = list(islice(found, wanted.size + 1))
        last = page[wanted.size - 1] if len(page) > wanted.size else None
        more = None if last is None else _sealed(place_of(last))
        if self._traps.circles:
            more = wanted.token or _sealed(None)
        return _listing(page[: wanted.size], more)

    def _rows(self, wanted: _Wanted) -> Iterator[ShopReturn]:
        since, until = wanted.filter.updated_min, wanted.filter.updated_max
        if wanted.after is not None:
            until = min(wanted.after[0], until or wanted.after[0])
        return self._shop.listed(since, until)

    def _takes(self, wanted: _Wanted, return_: ShopReturn) -> bool:
        hidden = self._traps.hides_deleted and wanted.filter.status is None
        if hidden and return_.status == "deleted":
            return False
        return wanted.filter.takes(return_) and _is_after(return_, wanted.after)


def _listing(page: list[ShopReturn], more: str | None) -> Answer:
    """Returns and orders stand side by side (section 6)."""
    body: JsonValue = {
        "returns": [return_body(return_) for return_ in page],
        "orders": [
            order_body(return_.order) for return_ in page if return_.order.known
        ],
    }
    headers: Mapping[str, str] = {} if more is None else {"x-page-next": more}
    return Answer(200, body, headers=headers)


def _filter(request: Request) -> Filter:
    query = request.query_params
    statuses = query.getlist("status")
    if len(statuses) > 1 or not STATUSES.issuperset(statuses):
        raise ValueError("exactly one status")
    return Filter(
        updated_min=_moment(query.get("updated_at_min")),
        updated_max=_moment(query.get("updated_at_max")),
        status=query.get("status"),
        order_name=query.get("shopify_order_name") or query.get("provider_order_name"),
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment has a zone")
    return moment


def _sealed(place: Place | None, turn: int = 0) -> str:
    """Return an opaque token: the page goes on after `place`; `turn` makes it new."""
    created_at, id_ = ("", "") if place is None else (place[0].isoformat(), place[1])
    return base64.urlsafe_b64encode(f"{created_at} {id_} {turn}".encode()).decode()


def _opened(token: str | None) -> Place | None:
    if token is None:
        return None
    created_at, id_, _ = base64.urlsafe_b64decode(token).decode().split(" ")
    return (datetime.fromisoformat(created_at), id_) if created_at else None


def _is_after(return_: ShopReturn, place: Place | None) -> bool:
    """Tell whether the return stands behind the place, newest first."""
    return place is None or place_of(return_) < place
