"""Durations as people write them: `200ms`, `5s`, `10min`, `8h`, `14d`."""

import re
from datetime import timedelta

#: Whole texts only; the groups are the number and its unit.
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|h|d)$")

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def duration_of(text: str) -> timedelta | None:
    """Read `200ms`, `5s`, `10min`, `8h`, `14d`; None for any other text."""
    match = DURATION.match(text)
    return float(match[1]) * _UNITS[match[2]] if match else None


def text_of(value: timedelta) -> str:
    """Write a duration in the largest unit that leaves a whole number: `36h`."""
    for unit, length in _UNITS.items():
        if value and not value % length:
            return f"{value // length}{unit}"
    return f"{value / _UNITS['ms']:g}ms"
