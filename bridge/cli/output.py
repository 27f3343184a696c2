"""Rows as a table for people, or as one JSON object per line for programs."""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import typer
from pydantic_core import to_json, to_jsonable_python
from rich.console import Console
from rich.table import Table

_WIDE = 1_000

Row = Mapping[str, object]


def rows_of(values: Iterable[object]) -> list[Row]:
    """Return dataclasses, models or mappings as rows of plain values."""
    return [to_jsonable_python(value) for value in values]


def emit(values: Iterable[object], *, as_json: bool, title: str | None = None) -> None:
    """Print the rows on stdout; columns are the keys of the first."""
    if as_json:
        for value in values:
            typer.echo(to_json(value).decode())
        return
    rows = rows_of(values)
    if not rows:
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, name in enumerate(rows[0]):
        table.add_column(name, no_wrap=number == 0)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    # A pipe gets whole lines: nothing is wrapped to a terminal that is not there.
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False)
    console.print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            text = "-"
        case float():
            text = f"{value:,.1f}"
        case list() | tuple():
            text = ", ".join(str(each) for each in value)
        case dict():
            text = ", ".join(f"{key} {each}" for key, each in value.items()) or "-"
        case _:
            text = str(value)
    return text


_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def span(time: timedelta) -> str:
    """Say a duration in its two greatest units: `3 h 20 min`."""
    seconds = round(time.total_seconds())
    parts = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a second"


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago a moment was, or how far ahead it is."""
    return f"{span(now - moment)} ago" if moment <= now else f"in {span(moment - now)}"
