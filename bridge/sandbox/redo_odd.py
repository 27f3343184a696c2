"""Odd webhook bodies that Redo's contract allows, or that time will bring.

The contract requires nothing (`{}` is a body), enums and fields grow, many values may
be null or absent, and seconds have any number of digits (redo.md, sections 5.2 and 17).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from pydantic import JsonValue

from bridge.sandbox.front import Json


class Oddity(StrEnum):
    """What is odd about a body."""

    EMPTY = "empty"
    TYPE = "type"
    ENUMS = "enums"
    FIELDS = "fields"
    NULLS = "nulls"
    FRACTIONS = "fractions"
    MISSING = "missing"


#: Words that no list has, by the field they come in; status is of returns and parcels.
_ENUMS = {
    "status": "quarantined",
    "labelPayer": "insurer",
    "labelPayerReason": "INSURER_SPECIAL_CASE",
    "provider": "acmecart",
    "source": "robot",
}
#: What may be null or absent (sections 7 and 8); of the return, its lines, its order.
_OPTIONAL = frozenset(
    {
        *("type", "externalOrderIds", "shopifyOrderIds", "externalReturnIds"),
        *("compensationMethods", "completeWithNoAction", "dropoffs", "totals"),
        *("tags", "notes", "shipment", "shipments", "exchange", "merchantName"),
        *("externalReturnLineItemId", "productId", "variantId", "sku", "upc"),
        *("grade", "outcome", "greenReturn", "reasonCode", "reasons", "reasonCodes"),
        *("customerComment", "multipleChoiceQuestions", "shipmentGroupIds"),
        *("exchangeItem", "refund", "productValueNoTaxNoAdjustment", "line2"),
        *("externalId", "line_item_id", "weight", "labelPayer", "labelPayerReason"),
    }
)
_SECONDS = re.compile(r"(?<=T\d\d:\d\d:\d\d)\.(\d+)Z$")
_DIGITS = (0, 1, 2, 3, 6, 7, 9)

Odd = Callable[[Json], Iterator[Json]]


def bodies(body: Json, kinds: Sequence[Oddity], number: int) -> Iterator[Json]:
    """Yield what is sent as the `number`-th webhook of a return: the kinds take turns.

    An empty body comes before the true one, which stays as it is.
    """
    if not kinds:
        yield body
    else:
        yield from _ODD[kinds[(number - 1) % len(kinds)]](body)


def _empty(body: Json) -> Iterator[Json]:
    yield {}
    yield body


def _type(body: Json) -> Iterator[Json]:
    yield {**body, "type": "archived"}


def _enums(body: Json) -> Iterator[Json]:
    def change(name: str, value: JsonValue) -> JsonValue:
        return _ENUMS.get(name, value) if isinstance(value, str) else value

    yield _walked(body, change)


def _fields(body: Json) -> Iterator[Json]:
    def add(_: str, value: JsonValue) -> JsonValue:
        if not isinstance(value, dict):
            return value
        return {**value, "addedLater": {"by": ["Redo"]}}

    yield {**_walked(body, add), "addedLater": 1}


def _nulls(body: Json) -> Iterator[Json]:
    yield _walked(body, lambda name, value: None if name in _OPTIONAL else value)


def _fractions(body: Json) -> Iterator[Json]:
    turns = iter(range(1_000_000))

    def change(_: str, value: JsonValue) -> JsonValue:
        if not isinstance(value, str):
            return value
        return _SECONDS.sub(lambda seen: _digits(seen[1], next(turns)), value)

    yield _walked(body, change)


def _digits(fraction: str, turn: int) -> str:
    """Write a fraction with another number of digits, never another moment."""
    needed = len(fraction.rstrip("0"))
    able = [digits for digits in _DIGITS if digits >= needed]
    digits = able[turn % len(able)]
    return f".{fraction[:digits].ljust(digits, '0')}Z" if digits else "Z"


def _missing(body: Json) -> Iterator[Json]:
    yield _without(body)


_ODD: dict[Oddity, Odd] = {
    Oddity.EMPTY: _empty,
    Oddity.TYPE: _type,
    Oddity.ENUMS: _enums,
    Oddity.FIELDS: _fields,
    Oddity.NULLS: _nulls,
    Oddity.FRACTIONS: _fractions,
    Oddity.MISSING: _missing,
}


def _walked(body: Json, change: Callable[[str, JsonValue], JsonValue]) -> Json:
    """Change every named value, those inside first."""
    return {name: change(name, _inside(value, change)) for name, value in body.items()}


def _inside(
    value: JsonValue, change: Callable[[str, JsonValue], JsonValue]
) -> JsonValue:
    match value:
        case dict():
            return _walked(value, change)
        case list():
            return [_inside(part, change) for part in value]
        case _:
            return value


def _without(value: Json) -> Json:
    """Leave out, on every level, what may be absent."""
    return {
        name: _lacking(part) for name, part in value.items() if name not in _OPTIONAL
    }


def _lacking(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return _without(value)
        case list():
            return [_lacking(part) for part in value]
        case _:
            return value
