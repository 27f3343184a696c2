"""How long a response asks to be left alone: `Retry-After` (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

LONGEST = timedelta(days=365)
"""Whatever is asked for beyond a year reads as a year."""


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return the wait that `response` asks for, at least zero; None if it asks none.

    Both forms are read, delay seconds and HTTP date; a text that is neither counts as
    absent. A date is compared with the server's own `Date`, for our clock may be
    wrong; without one with `now` (aware).
    """
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(_seconds(text), LONGEST)
    until = _date(text)
    if until is None:
        return None
    return min(max(until - time_there(response, now), timedelta()), LONGEST)


def time_there(response: httpx.Response, now: datetime) -> datetime:
    """Return the server's own time, from its `Date`; `now` where it tells none."""
    return _date(response.headers.get("Date", "")) or now


def _seconds(digits: str) -> timedelta:
    """Read at most nine digits: more are longer than `LONGEST` anyhow."""
    significant = digits.lstrip("0") or "0"
    return (
        LONGEST
        if len(significant) > len("999999999")
        else timedelta(seconds=int(significant))
    )


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
