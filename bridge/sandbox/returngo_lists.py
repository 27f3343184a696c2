"""ReturnGO's two lists: filters, order, pages (returngo.md, section 3)."""

import base64
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import JsonValue
from starlette.datastructures import QueryParams
from starlette.requests import Request

from bridge.sandbox.front import Answer, Json
from bridge.sandbox.returngo_bodies import Movement, Rma, row
from bridge.sandbox.returngo_bodies import transaction as transaction_body
from bridge.sandbox.returngo_shop import ReturnGoShop

_LARGEST_PAGE = 500
_COLUMNS = {"rma_created_at": "created_at", "rma_updated_at": "touched_at"}
_OPERATORS: dict[str, Callable[[datetime, datetime], bool]] = {
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "eq": lambda one, other: one == other,
    "neq": lambda one, other: one != other,
}

Row = TypeVar("Row")


def list_rmas(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    """Answer `GET /rmas`."""
    query = request.query_params
    ordered = _sorted([*shop.newest_first()], query.get("sort_by"))
    behind = _behind(ordered, query.get("cursor"), _rma_key)
    page, cursor = _page([rma for rma in behind if _wants(query, rma)], query, _rma_key)
    rows: list[JsonValue] = [row(rma) for rma in page]
    return _listed("rmas", rows, cursor, shop)


def _wants(query: QueryParams, rma: Rma) -> bool:
    tracking = [parcel.tracking for parcel in rma.parcels if parcel.tracking]
    return all(
        (
            _in(query.get("status"), rma.status),
            _in(query.get("order_name"), rma.order_name),
            _in(query.get("customer_ids"), rma.customer_id),
            _in(query.get("tracking_numbers"), *tracking),
            _at(query.get("rma_created_at"), rma.created_at),
            _at(query.get("rma_updated_at"), rma.touched_at),
        )
    )


def list_transactions(shop: ReturnGoShop, request: Request, _: Json) -> Answer:
    """Answer `GET /transactions`."""
    query = request.query_params
    ordered = [
        (rma, movement) for rma in shop.newest_first() for movement in rma.movements
    ]
    behind = _behind(ordered, query.get("cursor"), _pair_key)
    wanted = [pair for pair in behind if _wants_movement(query, *pair)]
    page, cursor = _page(wanted, query, _pair_key)
    rows: list[JsonValue] = [transaction_body(movement) for _, movement in page]
    return _listed("transactions", rows, cursor, shop)


def _wants_movement(query: QueryParams, rma: Rma, movement: Movement) -> bool:
    return all(
        (
            _in(query.get("ids"), str(movement.id)),
            _in(query.get("rma_ids"), rma.id),
            _in(query.get("order_ids"), rma.order_id),
            _in(query.get("statuses"), movement.status),
            _in(query.get("types"), movement.type),
            _in(query.get("processors"), movement.processor),
            _at(query.get("created_at"), movement.created_at),
            _at(query.get("updated_at"), movement.updated_at),
        )
    )


def _in(wanted: str | None, *values: str) -> bool:
    """Tell whether a comma list names one of the values; without one all are wanted."""
    return wanted is None or not {*wanted.split(",")}.isdisjoint(values)


def _at(wanted: str | None, value: datetime) -> bool:
    """Tell whether `<op>:<time without zone>` takes the moment; seconds count."""
    if wanted is None:
        return True
    operator, _, text = wanted.partition(":")
    bound = datetime.fromisoformat(text)
    if bound.tzinfo is not None:
        raise ValueError("a filter's time has no zone")
    return _OPERATORS[operator](value.replace(microsecond=0), bound.replace(tzinfo=UTC))


def _sorted(rmas: list[Rma], sort_by: str | None) -> list[Rma]:
    """Sort by columns with their signs; a `+` that came as a blank is none."""
    for column in reversed((sort_by or "").split(",")):
        if column:
            field, down = _COLUMNS[column[1:]], {"+": False, "-": True}[column[0]]
            rmas = sorted(rmas, key=lambda rma: _value(rma, field), reverse=down)
    return rmas


def _value(rma: Rma, field: str) -> datetime:
    value: datetime = getattr(rma, field)
    return value


def _rma_key(rma: Rma) -> str:
    return f"returns.id:{rma.id}"


def _pair_key(pair: tuple[Rma, Movement]) -> str:
    return str(pair[1].id)


def _behind(
    ordered: Sequence[Row], cursor: str | None, key: Callable[[Row], str]
) -> Iterable[Row]:
    """Return what follows the row that the cursor names, wanted any more or not."""
    if not cursor:
        return ordered
    last = base64.b64decode(cursor, validate=True).decode()
    return ordered[[key(each) for each in ordered].index(last) + 1 :]


def _page(
    wanted: Sequence[Row], query: QueryParams, key: Callable[[Row], str]
) -> tuple[Sequence[Row], str | None]:
    """Cut a page out; its cursor names its last row."""
    size = int(query["pagesize"])
    if not 1 <= size <= _LARGEST_PAGE:
        raise ValueError("pagesize")
    page = wanted[:size]
    more = len(wanted) > size
    return page, base64.b64encode(key(page[-1]).encode()).decode() if more else None


def _listed(
    name: str, rows: list[JsonValue], cursor: str | None, shop: ReturnGoShop
) -> Answer:
    body: Json = {name: rows}
    if cursor or shop.habits.empty_cursor:
        body["next_cursor"] = cursor or ""
    return Answer(200, body)
