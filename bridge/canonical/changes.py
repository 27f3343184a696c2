"""What differs between two snapshots, as JSON pointers with former values.

Lists whose elements have an identity (lines by id, parcels by key …) are matched by
it, so that an inserted element is one change and not a shift of all that follow.

This runs once per observation over some hundred values: plain values are compared
with `==`, which costs next to nothing, and looked into only where they differ.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from operator import itemgetter

from pydantic import JsonValue

from bridge.canonical.snapshot import Plain

Changes = dict[str, JsonValue]

#: Lists of the return whose elements have an identity, and what it is.
_IDENTITY: Mapping[str, Callable[[Plain], object]] = {
    "/items": itemgetter("id"),
    "/shipments": itemgetter("key"),
    "/refunds": itemgetter("key"),
    "/credits": itemgetter("id"),
    "/exchange/items": itemgetter("id"),
    "/order/lines": itemgetter("id"),
    "/notes": itemgetter("text", "image_url"),
}


def changes(
    before: Plain, after: Plain, *, apart_from: AbstractSet[str] = frozenset()
) -> Changes:
    """Return every changed place of `after` (RFC 6901) with its former value.

    The former value is null where there was nothing. A list that lost an element,
    or whose elements changed places, is a changed place itself, with the whole list
    as its former value. Fields named in `apart_from` are not compared.
    """
    found: Changes = {}
    compared = {name: value for name, value in after.items() if name not in apart_from}
    _compare_fields(found, "", before, compared)
    return found


def _compare_fields(found: Changes, pointer: str, before: Plain, after: Plain) -> None:
    for name, value in after.items():
        former = before.get(name)
        if former != value and (value or name in before):
            _explain(found, f"{pointer}/{name}", former, value)


def _explain(found: Changes, pointer: str, before: JsonValue, after: JsonValue) -> None:
    """Say where in two different values the difference is."""
    match before, after:
        case dict(), dict():
            _compare_fields(found, pointer, before, after)
        case list(), list() if pointer in _IDENTITY:
            _compare_elements(found, pointer, before, after)
        case _:
            found[pointer] = before


def _compare_elements(
    found: Changes, pointer: str, before: list[JsonValue], after: list[JsonValue]
) -> None:
    identify = _IDENTITY[pointer]
    former, present = _identities(before, identify), _identities(after, identify)
    partners = before
    if former != present:
        by_identity = dict(zip(former, before, strict=True))
        partners = [by_identity.get(identity) for identity in present]
        if [identity for identity in present if identity in by_identity] != former:
            found[pointer] = before
    for index, (partner, element) in enumerate(zip(partners, after, strict=True)):
        if partner != element:
            _explain(found, f"{pointer}/{index}", partner, element)


def _identities(
    elements: list[JsonValue], identify: Callable[[Plain], object]
) -> list[object]:
    """Name each element; a repeated name is told apart by its occurrence."""
    names = [identify(element) for element in elements if isinstance(element, dict)]
    if len(set(names)) == len(names):
        return names
    seen: Counter[object] = Counter()
    occurrences: list[object] = []
    for name in names:
        seen[name] += 1
        occurrences.append(name if seen[name] == 1 else (name, seen[name]))
    return occurrences
