"""What differs between two canonical values, as JSON pointers with former values.

Lists whose elements have an identity (lines by id, parcels by key …) are matched by
it, so that an inserted element is one change and not a shift of all that follow.

This runs once per observation over some hundred values: values are compared with `==`
and looked into only where they differ.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from operator import attrgetter

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from bridge.canonical.base import Model
from bridge.canonical.model import (
    Credit,
    ExchangeItem,
    Item,
    Note,
    Refund,
    Shipment,
)
from bridge.canonical.order import OrderLine

Changes = dict[str, JsonValue]

_IDENTITY: Mapping[type[object], Callable[[object], object]] = {
    Item: attrgetter("id"),
    Shipment: attrgetter("key"),
    Refund: attrgetter("key"),
    Credit: attrgetter("id"),
    ExchangeItem: attrgetter("id"),
    OrderLine: attrgetter("id"),
    Note: attrgetter("text", "image_url"),
}

_PLAIN = frozenset({str, int, bool, type(None)})


def changes(
    before: Model, after: Model, *, apart_from: AbstractSet[str] = frozenset()
) -> Changes:
    """Return every changed place of `after` (RFC 6901) with its former value.

    The former value is null where there was nothing. A list that lost an element,
    or whose elements changed places, is a changed place itself, with the whole list
    as its former value. Fields named in `apart_from` are not compared.
    """
    found: Changes = {}
    fields = vars(after).items()
    compared = {name: value for name, value in fields if name not in apart_from}
    _compare_fields(found, "", vars(before), compared)
    return found


def _compare_fields(
    found: Changes,
    pointer: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    for name, value in after.items():
        former = before[name]
        if former is not value and former != value:
            _explain(found, f"{pointer}/{name}", former, value)


def _explain(found: Changes, pointer: str, before: object, after: object) -> None:
    """Say where in two different values the difference is."""
    if isinstance(before, tuple) and isinstance(after, tuple):
        if type((before or after)[0]) in _IDENTITY:
            _compare_elements(found, pointer, before, after)
            return
    elif type(before) is type(after) and isinstance(before, Model):
        _compare_fields(found, pointer, vars(before), vars(after))
        return
    found[pointer] = to_jsonable_python(before)


def _compare_elements(
    found: Changes,
    pointer: str,
    before: tuple[object, ...],
    after: tuple[object, ...],
) -> None:
    former, present = _identities(before), _identities(after)
    partners: Iterable[object] = before
    if former != present:
        by_identity = dict(zip(former, before, strict=True))
        partners = [by_identity.get(identity) for identity in present]
        if [identity for identity in present if identity in by_identity] != former:
            found[pointer] = to_jsonable_python(before)
    for index, (partner, element) in enumerate(zip(partners, after, strict=True)):
        if partner != element:
            _explain(found, f"{pointer}/{index}", partner, element)


def _identities(elements: tuple[object, ...]) -> list[object]:
    """Name each element; a repeated name is told apart by its occurrence."""
    names = [_IDENTITY[type(element)](element) for element in elements]
    if len(set(names)) == len(names):
        return names
    seen: Counter[object] = Counter()
    occurrences: list[object] = []
    for name in names:
        seen[name] += 1
        occurrences.append(name if seen[name] == 1 else (name, seen[name]))
    return occurrences
