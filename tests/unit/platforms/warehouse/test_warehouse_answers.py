"""What a warehouse's answers mean."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.warehouse.answers import API, RECEIVER, TOO_LATE, judge

NOW = datetime(2026, 11, 19, 16, tzinfo=UTC)
WAIT = {"retry-after": "25"}


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (httpx.Response(200), Delivered("http_200")),
        (httpx.Response(201), Delivered("http_201")),
        (httpx.Response(202), Delivered("http_202")),
        (httpx.Response(301), Failed("http_301", answer_lost=True)),
        (httpx.Response(400), Refused("http_400")),
        (httpx.Response(401), Unauthorized("http_401")),
        (httpx.Response(403), Unauthorized("http_403")),
        (httpx.Response(404), Refused("http_404")),
        (httpx.Response(408), Failed("http_408", answer_lost=True)),
        (httpx.Response(409), TOO_LATE),
        (httpx.Response(412), AlreadyApplied("a newer revision is stored")),
        (httpx.Response(422), Refused("invalid")),
        (httpx.Response(425), Failed("http_425", answer_lost=True)),
        (httpx.Response(429), Throttled()),
        (httpx.Response(429, headers=WAIT), Throttled(timedelta(seconds=25))),
        (httpx.Response(500), Failed("http_500", answer_lost=True)),
        (
            httpx.Response(500, headers=WAIT),
            Failed("http_500", timedelta(seconds=25), answer_lost=True),
        ),
        (httpx.Response(503), Failed("http_503", answer_lost=True)),
        (httpx.Response(503, headers=WAIT), Throttled(timedelta(seconds=25))),
    ],
)
def test_each_status_has_its_outcome(
    response: httpx.Response, outcome: Outcome
) -> None:
    assert judge(response, NOW, API) == outcome


def test_the_settings_give_a_status_another_meaning() -> None:
    throttled = judge(httpx.Response(403, headers=WAIT), NOW, {**API, 403: "throttled"})
    taken = judge(httpx.Response(409), NOW, {**API, 409: "delivered"})
    refused = judge(httpx.Response(503, headers=WAIT), NOW, {**API, 503: "refused"})

    assert throttled == Throttled(timedelta(seconds=25))
    assert taken == Delivered("http_409")
    assert refused == Refused("http_503")


@pytest.mark.parametrize("status", [404, 410])
def test_a_receiver_that_is_not_there_is_no_refusal_of_one_event(status: int) -> None:
    outcome = judge(httpx.Response(status), NOW, RECEIVER)

    assert outcome == Failed(f"http_{status}", answer_lost=True)


def test_a_refusal_tells_where_and_never_what() -> None:
    problem = {
        "title": "Ada Example is unknown",
        "errors": [
            {"pointer": "/lines/0/sku", "code": "unknown_sku"},
            {"pointer": "/sender/ada@example.com"},
            {"pointer": 7},
            "/lines/1",
            {"pointer": "/parcel/tracking_number"},
        ],
    }

    outcome = judge(httpx.Response(422, json=problem), NOW, API)

    assert outcome == Refused("invalid", "/lines/0/sku /parcel/tracking_number")


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b'{"errors": "many"}', b"[" * 10_000]
)
def test_any_body_of_a_refusal_will_do(body: bytes) -> None:
    assert judge(httpx.Response(422, content=body), NOW, API) == Refused("invalid")
