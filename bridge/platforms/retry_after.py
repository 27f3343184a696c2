"""How long a response asks to be left alone: `Retry-After` (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

LONGEST = timedelta(days=365)
"""Whatever is asked for beyond a year reads as a year."""


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return the wait that `response` asks for, at least zero; None if it asks none.

    Both forms are read, delay seconds and HTTP date (compared with `now`, aware);
    a text that is neither counts as absent.
    """
    text = response.headers.get("Retry-After", "").strip()
    wait = _seconds(text) if text.isascii() and text.isdigit() else _until(text, now)
    return None if wait is None else min(max(wait, timedelta()), LONGEST)


def _seconds(digits: str) -> timedelta:
    """Read at most nine digits: more are longer than `LONGEST` anyhow."""
    significant = digits.lstrip("0") or "0"
    return (
        LONGEST
        if len(significant) > len("999999999")
        else timedelta(seconds=int(significant))
    )


def _until(text: str, now: datetime) -> timedelta | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
