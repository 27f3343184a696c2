"""Ways of the simulated warehouse that are off at first, by the names people type."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import reduce

from bridge.sandbox.simulators import WarehouseOptions
from bridge.sandbox.warehouse_reports import STANDARD
from bridge.sandbox.warehouse_wording import Form

_LOST = 0.2
_LATE = timedelta(seconds=5)
_FAILURES = 3


class WarehouseMode(StrEnum):
    """One way; any number of them go together."""

    OPENS_UNANNOUNCED = "opens-unannounced"
    BARE = "bare"
    FACTS = "facts"
    WITHOUT_REFERENCE = "without-reference"
    WITHOUT_VERSION = "without-version"
    ZONELESS = "zoneless"
    LOSES = "loses"
    SHUFFLES = "shuffles"
    GIVES_UP = "gives-up"
    SWITCHES_OFF = "switches-off"


Change = Callable[[WarehouseOptions], WarehouseOptions]


def _worded(given: WarehouseOptions, **words: object) -> WarehouseOptions:
    reporting = given.reporting
    wording = replace(reporting.wording, **words)  # type: ignore[arg-type]  # by name
    return replace(given, reporting=replace(reporting, wording=wording))


def _reporting(**ways: object) -> Change:
    def changed(given: WarehouseOptions) -> WarehouseOptions:
        reporting = replace(given.reporting, **ways)  # type: ignore[arg-type]  # by name
        return replace(given, reporting=reporting)

    return changed


def _form(form: Form) -> Change:
    return lambda given: _worded(given, form=form)


#: What each mode changes.
MODES: Mapping[WarehouseMode, Change] = {
    WarehouseMode.OPENS_UNANNOUNCED: lambda given: replace(
        given, ways=replace(given.ways, opens_unannounced=True)
    ),
    WarehouseMode.BARE: _form("bare"),
    WarehouseMode.FACTS: _form("facts"),
    WarehouseMode.WITHOUT_REFERENCE: lambda given: _worded(
        given, echoes_reference=False
    ),
    WarehouseMode.WITHOUT_VERSION: lambda given: _worded(given, numbered=False),
    WarehouseMode.ZONELESS: lambda given: _worded(given, zoned=False),
    WarehouseMode.LOSES: _reporting(lost=_LOST),
    WarehouseMode.SHUFFLES: _reporting(late=_LATE),
    WarehouseMode.GIVES_UP: _reporting(ladder=STANDARD),
    WarehouseMode.SWITCHES_OFF: _reporting(ladder=STANDARD, off_after=_FAILURES),
}


def in_modes(
    options: WarehouseOptions, modes: Iterable[WarehouseMode]
) -> WarehouseOptions:
    """Return the options with these modes on."""
    return reduce(lambda given, mode: MODES[mode](given), modes, options)
