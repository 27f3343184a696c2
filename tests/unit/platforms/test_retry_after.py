"""`Retry-After` in both its forms, and whatever else a server may write there."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.platforms.retry_after import LONGEST, retry_after

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)


def asked(text: str) -> timedelta | None:
    return retry_after(httpx.Response(429, headers={"Retry-After": text}), NOW)


def test_nothing_is_asked_without_the_header() -> None:
    assert retry_after(httpx.Response(503), NOW) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("120", 120), (" 7 ", 7), ("0000000000000000030", 30)],
)
def test_delay_seconds_are_read(text: str, seconds: int) -> None:
    assert asked(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 14 Mar 2027 12:01:30 GMT",
        "Sunday, 14-Mar-27 12:01:30 GMT",
        "Sun Mar 14 12:01:30 2027",
        "Sun, 14 Mar 2027 12:01:30 -0000",
        "Sun, 14 Mar 2027 14:01:30 +0200",
    ],
)
def test_every_form_of_http_date_is_compared_with_now(text: str) -> None:
    assert asked(text) == timedelta(seconds=90)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_date_is_compared_with_the_servers_clock_where_it_is_told(
    ahead: timedelta,
) -> None:
    headers = {
        "Date": "Sun, 14 Mar 2027 12:00:00 GMT",
        "Retry-After": "Sun, 14 Mar 2027 12:01:30 GMT",
    }

    wait = retry_after(httpx.Response(429, headers=headers), NOW + ahead)

    assert wait == timedelta(seconds=90)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Foo 1"])
def test_a_server_that_does_not_know_the_time_is_compared_with_ours(date: str) -> None:
    headers = {"Date": date, "Retry-After": "Sun, 14 Mar 2027 12:01:30 GMT"}

    wait = retry_after(httpx.Response(429, headers=headers), NOW)

    assert wait == timedelta(seconds=90)


def test_a_date_that_has_passed_asks_for_no_wait() -> None:
    assert asked("Sun, 14 Mar 2027 11:00:00 GMT") == timedelta()


@pytest.mark.parametrize(
    "text", ["9" * 5000, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_a_wait_beyond_a_year_reads_as_a_year(text: str) -> None:
    assert asked(text) == LONGEST


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "5, 10", "Sun, 99 Foo 1"])
def test_what_is_neither_form_counts_as_absent(text: str) -> None:
    assert asked(text) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255)))
def test_no_header_text_raises(text: str) -> None:
    response = httpx.Response(429, headers=[(b"retry-after", text.encode("latin-1"))])

    wait = retry_after(response, NOW)

    assert wait is None or timedelta() <= wait <= LONGEST
