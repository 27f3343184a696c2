"""How people at the dock treat a parcel: as packed, or in one of many odd ways.

A handling is a script of steps; each changes the document and is reported. Pure: the
warehouse waits between the steps (wms.md, section 11: the physical work driver).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from bridge.sandbox.warehouse_documents import (
    Document,
    Fate,
    Handling,
    Parcel,
    Unit,
    count,
    grade,
    put_away,
    uncount,
)

_SOMETHING_ELSE = Unit("NOBODYS-ITEM")
#: How many paces a parcel lies about that nobody is in a hurry with.
_LONG = 20.0


Change = Callable[[Document], None]
Units = tuple[Unit, ...]


def _nothing(_: Document) -> None:
    """Change nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work: the status it ends in, what it changes, how long it takes."""

    status: str
    raw: str
    change: Change = _nothing
    paces: float = 1.0


Script = Callable[[Units], Iterable[Step]]

_ARRIVED = Step("arrived", "at the dock")
_GRADED = Step("processing", "grading", grade)
_DONE = Step("completed", "put away", put_away)


def steps(parcel: Parcel, handling: Handling, *, done_before: int) -> Iterator[Step]:
    """Return the work on a parcel; only the last of several boxes ends it."""
    script = _SCRIPTS[handling](parcel.units)
    for step in script:
        again = step is _ARRIVED and done_before > 0
        early = step is _DONE and done_before + 1 < parcel.boxes
        if not again and not early:
            yield step


def _counting(units: Units) -> Step:
    return Step("processing", "counting", lambda document: count(document, units))


def _counted(*groups: Units) -> Iterator[Step]:
    """Arrive, count group by group, grade, put away."""
    yield _ARRIVED
    yield from (_counting(group) for group in groups if group)
    yield _GRADED
    yield _DONE


def _full(units: Units) -> Iterator[Step]:
    half = (len(units) + 1) // 2
    return _counted(units[:half], units[half:])


def _by_unit(units: Units) -> Iterator[Step]:
    return _counted(*((unit,) for unit in units))


def _at_once(units: Units) -> Iterator[Step]:
    def change(document: Document) -> None:
        count(document, units)
        put_away(document)

    yield Step("completed", "done", change)


def _late(units: Units) -> Iterator[Step]:
    first, *rest = _full(units)
    yield replace(first, paces=_LONG)
    yield from rest


def _excess(units: Units) -> Iterator[Step]:
    return _full((*units, *units[:1]))


def _broken(units: Units) -> Iterator[Step]:
    first = (replace(unit, damaged=True) for unit in units[:1])
    return _full((*first, *units[1:]))


def _stating(code: str, script: Script) -> Script:
    """Say besides what is wrong with the whole parcel, as soon as it is graded."""

    def stated(units: Units) -> Iterator[Step]:
        def change(document: Document) -> None:
            grade(document)
            document.discrepancies[code] = 1

        for step in script(units):
            yield replace(step, change=change) if step is _GRADED else step

    return stated


def _miscounted(units: Units) -> Iterator[Step]:
    """One too many is counted in; a second look puts that right."""
    arrived, *counts, graded, done = _excess(units)
    yield from (arrived, *counts)
    yield Step("processing", "recounted", uncount)
    yield from (graded, done)


def _reopened(units: Units) -> Iterator[Step]:
    """Somebody opens a finished return again and finds one unit less."""

    def change(document: Document) -> None:
        uncount(document)
        grade(document)

    yield from _full(units)
    yield Step("processing", "reopened", change)
    yield Step("completed", "put away again", put_away)


def _refused(_: Units) -> Iterator[Step]:
    def change(document: Document) -> None:
        document.rejected_reason = "The dock does not take it"

    yield _ARRIVED
    yield Step("completed", "ReturnToSender", change)


def _not_arrived(_: Units) -> Iterator[Step]:
    yield Step("in_transit", "on its way")
    yield Step("not_arrived", "never came", paces=_LONG)


def _odd(units: Units) -> Iterator[Step]:
    """People set words of their own; the list's words come in odd case."""
    *before, done = _full(units)
    yield from before
    yield Step("Issue", "Issue")
    yield replace(done, status="Completed", raw="Warehouse Complete")


def _cancelled(units: Units) -> Iterator[Step]:
    yield _ARRIVED
    yield _counting(units[:1])
    yield Step("cancelled", "cancelled by hand")


def _sent_to(fate: Fate) -> Script:
    return lambda units: _full(tuple(replace(unit, fate=fate) for unit in units))


_SCRIPTS: Mapping[Handling, Script] = {
    Handling.FULL: _full,
    Handling.AT_ONCE: _at_once,
    Handling.UNIT_BY_UNIT: _by_unit,
    Handling.LATE: _late,
    Handling.SHORT: lambda units: _full(units[:-1]),
    Handling.EXCESS: _excess,
    Handling.WRONG_ITEM: _stating(
        "wrong_item", lambda units: _full((_SOMETHING_ELSE, *units[1:]))
    ),
    Handling.UNEXPECTED_ITEM: lambda units: _full((*units, _SOMETHING_ELSE)),
    Handling.UNIDENTIFIED: _stating("unidentified", lambda units: _full(units[:-1])),
    Handling.DAMAGED: _broken,
    Handling.DAMAGED_IN_TRANSIT: _stating("damaged_in_transit", _broken),
    Handling.EMPTY: _stating("empty_parcel", lambda _: _full(())),
    Handling.MISCOUNTED: _miscounted,
    Handling.REOPENED: _reopened,
    Handling.REFUSED: _refused,
    Handling.NOT_ARRIVED: _not_arrived,
    Handling.ODD_STATUS: _odd,
    Handling.CANCELLED: _cancelled,
    Handling.MERGED: _full,
    **{Handling(fate.replace("_", "-")): _sent_to(fate) for fate in get_args(Fate)},
}
