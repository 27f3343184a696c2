"""What an answer tells about the rate limit: how much is left, and for how long.

Read are the headers that platforms and their gateways send:

    X-RateLimit-Remaining-Second (-Minute, -Hour, -Day)   Kong; ReturnLogic
    X-RateLimit-Remaining with X-RateLimit-Reset          seconds, or a Unix time
    RateLimit-Remaining with RateLimit-Reset              IETF draft, to version 6
    RateLimit: limit=10, remaining=4, reset=7             IETF draft, version 7
    RateLimit: "burst";r=4;t=7                            IETF draft, from version 8

(draft-ietf-httpapi-ratelimit-headers). A number without its time says nothing and is
left out, and so is whatever cannot be read. How long a 429 asks to be left alone is
`retry_after.py`'s.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from bridge.platforms.retry_after import time_there

LONGEST = timedelta(days=31)
"""Whatever is told beyond a month is left out as a mistake."""

_SPANS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_PAIRS = ("x-ratelimit", "ratelimit")
_UNIX = 1_000_000_000  # a greater number of seconds is a time, not a span
_UNIX_MS = _UNIX * 1000
_MOST_DIGITS = 15
_WORDS = {"r": "remaining", "t": "reset"}
_NAME = re.compile(r'"([^"\\]{0,40})"')
_PART = re.compile(r"\b(r|t|remaining|reset)=(\d{1,15})(?![\d.])", re.ASCII)


@dataclass(frozen=True, slots=True)
class RateFact:
    """`remaining` requests are left for `span`; `name` tells limits apart."""

    name: str
    remaining: int
    span: timedelta


def rate_facts(response: httpx.Response, now: datetime) -> tuple[RateFact, ...]:
    """Return what `response` tells.

    Times it names are compared with its own `Date`, without one with `now` (aware).
    """
    names = b" ".join([name for name, _ in response.headers.raw])
    if b"ratelimit" not in names.lower():
        return ()  # as nearly always, and at no cost
    there = time_there(response, now)
    found = (*_by_span(response.headers), *_by_pair(response.headers, there))
    fields = _by_field(response.headers.get("ratelimit", ""))
    return tuple(
        fact for fact in (*found, *fields) if timedelta() < fact.span <= LONGEST
    )


def _by_span(headers: httpx.Headers) -> Iterator[RateFact]:
    for name, span in _SPANS.items():
        remaining = _number(headers.get(f"x-ratelimit-remaining-{name}"))
        if remaining is not None:
            yield RateFact(name, remaining, span)


def _by_pair(headers: httpx.Headers, now: datetime) -> Iterator[RateFact]:
    for prefix in _PAIRS:
        remaining = _number(headers.get(f"{prefix}-remaining"))
        reset = _number(headers.get(f"{prefix}-reset"))
        if remaining is not None and reset is not None:
            yield RateFact("", remaining, _span(reset, now))


def _span(reset: int, now: datetime) -> timedelta:
    """Read seconds, or a Unix time in seconds or milliseconds."""
    if reset < _UNIX:
        return timedelta(seconds=reset)
    seconds = reset / 1000 if reset >= _UNIX_MS else reset
    return timedelta(seconds=seconds - now.timestamp())


def _by_field(text: str) -> Iterator[RateFact]:
    """Read `RateLimit`: members of version 8 are told apart by their names."""
    members = text.split(",") if '"' in text else [text]
    for member in members:
        parts = {_WORDS.get(k, k): int(v) for k, v in _PART.findall(member)}
        name = _NAME.search(member)
        if {"remaining", "reset"} <= parts.keys():
            yield RateFact(
                name[1] if name else "",
                parts["remaining"],
                timedelta(seconds=min(parts["reset"], _UNIX)),  # beyond `LONGEST`
            )


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    fits = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    return int(digits) if fits else None
