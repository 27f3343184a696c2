"""What answers tell about rate limits, in the dialects of platforms and gateways."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.platforms.rate_facts import LONGEST, RateFact, rate_facts

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
UNIX = int(NOW.timestamp())


def told(**headers: str) -> tuple[RateFact, ...]:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return rate_facts(httpx.Response(200, headers=names), NOW)


def fact(remaining: int, seconds: float, name: str = "") -> RateFact:
    return RateFact(name, remaining, timedelta(seconds=seconds))


def test_an_answer_without_such_headers_tells_nothing() -> None:
    assert told(content_type="text/html") == ()


def test_a_gateway_tells_each_of_its_windows() -> None:
    facts = told(
        x_ratelimit_limit_second="2",
        x_ratelimit_remaining_second="1",
        x_ratelimit_limit_minute="120",
        x_ratelimit_remaining_minute="77",
    )

    assert facts == (fact(1, 1, "second"), fact(77, 60, "minute"))


@pytest.mark.parametrize(
    "reset", ["30", str(UNIX + 30), str((UNIX + 30) * 1000), " 30 "]
)
def test_a_reset_is_read_as_seconds_or_as_a_time(reset: str) -> None:
    facts = told(x_ratelimit_remaining="7", x_ratelimit_reset=reset)

    assert facts == (fact(7, 30),)


def test_a_time_is_compared_with_the_servers_clock_where_it_is_told() -> None:
    facts = told(
        date="Sun, 14 Mar 2027 13:00:00 GMT",
        x_ratelimit_remaining="7",
        x_ratelimit_reset=str(UNIX + 3_600 + 30),
    )

    assert facts == (fact(7, 30),)


def test_the_drafts_of_the_standard_are_read() -> None:
    assert told(ratelimit_remaining="4", ratelimit_reset="7") == (fact(4, 7),)
    assert told(ratelimit="limit=10, remaining=4, reset=7") == (fact(4, 7),)
    assert told(ratelimit='"burst";r=4;t=7, "daily";r=400;t=70000') == (
        fact(4, 7, "burst"),
        fact(400, 70000, "daily"),
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_remaining": "7"},
        {"x_ratelimit_reset": "7"},
        {"x_ratelimit_remaining": "-1", "x_ratelimit_reset": "7"},
        {"x_ratelimit_remaining": "many", "x_ratelimit_reset": "7"},
        {"x_ratelimit_remaining": "7", "x_ratelimit_reset": "soon"},
        {"x_ratelimit_remaining": "7", "x_ratelimit_reset": "0"},
        {"x_ratelimit_remaining": "7", "x_ratelimit_reset": str(UNIX - 60)},
        {"x_ratelimit_remaining": "7", "x_ratelimit_reset": "9" * 400},
        {"x_ratelimit_remaining": "7", "x_ratelimit_reset": "99999999"},
        {"x_ratelimit_remaining_minute": "1.5"},
        {"ratelimit": '"burst";r=4'},
        {"ratelimit": '"burst";q=4;w=7'},
        {"ratelimit": "remaining=4.5, reset=7"},
        {"ratelimit": "r=0;t=100000000000000"},
        {"ratelimit": ""},
        {"ratelimit_policy": '"burst";q=100;w=60'},
    ],
)
def test_what_is_not_told_whole_is_left_out(headers: dict[str, str]) -> None:
    assert told(**headers) == ()


NAMES = (
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-remaining-day",
)
texts = (
    st.text(st.characters(min_codepoint=32, max_codepoint=255))
    | st.integers(0, 10**16).map(str)
    | st.from_regex(
        r'("[a-z]{0,9}";)?(r|t|remaining|reset)=[0-9]{1,20}'
        r"([;,] ?(r|t|reset)=[0-9]{1,20})*",
        fullmatch=True,
    )
)


@given(st.dictionaries(st.sampled_from(NAMES), texts))
def test_no_header_raises_or_tells_of_more_than_a_month(
    headers: dict[str, str],
) -> None:
    raw = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]

    for each in rate_facts(httpx.Response(200, headers=raw), NOW):
        assert each.remaining >= 0
        assert timedelta() < each.span <= LONGEST
