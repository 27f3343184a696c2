"""Redo's list, page by page: what is asked for and what is read."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
import orjson
import pytest
from pydantic import SecretStr

from bridge.platforms.contract import (
    Failed,
    Observation,
    Privacy,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.redo.poll import DELETED, UPDATED, RedoPoll
from bridge.platforms.walk import Ask, Expired, Found, Page, PageOutcome

T = TypeVar("T")
NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SETTINGS = {
    "store_id": "store 1",
    "api_token": SecretStr("secret"),
    "webhook_tokens": [SecretStr("hook")],
    "base_url": "https://api.example/v2.2",
}
RETURN = {"id": "r1", "order": {"id": "o1"}, "updatedAt": "2027-03-01T11:00:00Z"}
ORDER = {"id": "o1", "name": "#1"}


def poll(**options: object) -> RedoPoll:
    account = RedoAccount.model_validate({**SETTINGS, "poll": options})
    made = account.polling("shop")
    assert made is not None
    return made


def asked(pass_: str = UPDATED, token: str | None = None) -> Ask:
    return Ask(pass_, NOW - timedelta(hours=1), NOW, token, NOW)


def sent(conversation: Generator[httpx.Request, httpx.Response, T]) -> httpx.Request:
    return next(conversation)


def read(response: httpx.Response, *, after: str | None = None) -> PageOutcome:
    conversation = poll().page(asked(UPDATED, after))
    next(conversation)
    with pytest.raises(StopIteration) as end:
        conversation.send(response)
    outcome: PageOutcome = end.value.value
    return outcome


def listing(*rows: object, orders: object = (ORDER,), **headers: str) -> httpx.Response:
    content = orjson.dumps({"returns": rows, "orders": orders})
    return httpx.Response(200, content=content, headers=headers)


def test_a_page_is_asked_for_by_window_and_headers() -> None:
    request = sent(poll(page_size=50).page(asked(UPDATED, "next")))

    assert request.url.raw_path.startswith(b"/v2.2/stores/store%201/returns?")
    assert dict(request.url.params) == {
        "updated_at_min": "2027-03-01T11:00:00.000Z",
        "updated_at_max": "2027-03-01T12:00:00.000Z",
    }
    assert request.headers["X-Page-Size"] == "50"
    assert request.headers["X-Page-Continue"] == "next"
    assert request.headers["Authorization"] == "Bearer secret"


def test_paging_may_go_by_query() -> None:
    request = sent(poll(paging="query").page(asked(UPDATED, "next")))

    assert request.url.params["page-size"] == "500"
    assert request.url.params["page-continue"] == "next"
    assert "X-Page-Size" not in request.headers


def test_deleted_returns_are_asked_for_by_their_status() -> None:
    request = sent(poll().page(asked(DELETED)))

    assert request.url.params["status"] == "deleted"


def test_returns_are_joined_with_their_orders() -> None:
    outcome = read(listing(RETURN))

    assert isinstance(outcome, Page)
    (found,) = outcome.found
    assert found.subject == "redo/shop/r1"
    assert orjson.loads(found.body or b"") == {"return": RETURN, "order": ORDER}
    assert outcome.token is None


def test_what_was_found_reads_like_a_webhook() -> None:
    outcome = read(listing(RETURN))
    account = RedoAccount.model_validate(SETTINGS)
    assert isinstance(outcome, Page)
    found = outcome.found[0]
    observation = Observation(
        "1", found.subject, "redo", "shop", "poll", NOW, found.body or b""
    )

    reading = account.source("shop", Privacy(b"key")).read(observation)

    assert reading.view.subject == found.subject


def test_a_return_whose_order_is_missing_or_odd_comes_alone() -> None:
    odd = RETURN | {"order": {"id": ["o1"]}}

    outcome = read(listing(RETURN | {"order": None}, odd, orders=()))

    assert isinstance(outcome, Page)
    assert [b"order" in (each.body or b"") for each in outcome.found] == [True, True]
    assert all("order" not in orjson.loads(each.body or b"") for each in outcome.found)


@pytest.mark.parametrize("row", [{"id": None}, {"id": "a/b"}, {"id": True}, {}, 7])
def test_a_row_without_a_usable_id_is_kept_under_the_account(row: object) -> None:
    outcome = read(listing(row))

    assert outcome == Page((Found("shop", orjson.dumps({"return": row})),))


def test_an_id_may_change_its_type() -> None:
    outcome = read(listing({"id": 17}))

    assert isinstance(outcome, Page)
    assert outcome.found[0].subject == "redo/shop/17"


def test_the_next_page_is_in_a_header() -> None:
    more = read(listing(**{"X-Page-Next": "abc"}))
    last = read(listing(**{"X-Page-Next": ""}))

    assert isinstance(more, Page)
    assert (more.found, more.token) == ((), "abc")
    assert isinstance(last, Page)
    assert last.token is None


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_refused_token_has_expired(status: int) -> None:
    with_token = read(httpx.Response(status), after="old")
    without = read(httpx.Response(status))

    assert with_token == Expired()
    assert isinstance(without, Refused)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>maintenance</html>",
        b"[]",
        b"{}",
        b'{"returns": 1, "orders": []}',
        b'{"returns": "abc", "orders": []}',
        b'{"returns": [], "orders": [1]}',
    ],
)
def test_a_200_that_is_no_list_is_a_failure(body: bytes) -> None:
    assert read(httpx.Response(200, content=body)) == Failed("unreadable_answer")


def test_failures_are_told_apart() -> None:
    revoked = read(httpx.Response(401))
    throttled = read(httpx.Response(429, headers={"Retry-After": "7"}))
    broken = read(httpx.Response(502))

    assert revoked == Unauthorized("http_401")
    assert throttled == Throttled(timedelta(seconds=7))
    assert isinstance(broken, Failed)


@pytest.mark.parametrize(
    "missing", [{"store_id": None}, {"api_token": None}, {"poll": {"enabled": False}}]
)
def test_without_store_or_token_or_wish_nothing_is_polled(
    missing: dict[str, object],
) -> None:
    account = RedoAccount.model_validate({**SETTINGS, **missing})

    assert account.polling("shop") is None


def test_a_return_is_read_by_its_id() -> None:
    fetch = RedoAccount.model_validate(SETTINGS).fetching("shop")
    assert fetch is not None

    request = sent(fetch.fetch("redo/shop/r 1", NOW))

    assert request.url.raw_path == b"/v2.2/returns/r%201"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            httpx.Response(200, content=b'{"return":{}}'),
            Page((Found("redo/shop/r1", b'{"return":{}}'),)),
        ),
        (httpx.Response(404), Page(())),
        (httpx.Response(200, content=b"<html>"), Failed("unreadable_answer")),
        (httpx.Response(200, content=b"[]"), Failed("unreadable_answer")),
        (httpx.Response(401), Unauthorized("http_401")),
    ],
)
def test_one_return_is_read_untouched(
    response: httpx.Response, expected: PageOutcome
) -> None:
    fetch = RedoAccount.model_validate(SETTINGS).fetching("shop")
    assert fetch is not None
    conversation = fetch.fetch("redo/shop/r1", NOW)
    next(conversation)

    with pytest.raises(StopIteration) as end:
        conversation.send(response)

    assert end.value.value == expected


def test_without_a_token_no_return_is_read() -> None:
    keyless = RedoAccount.model_validate({**SETTINGS, "api_token": None})

    assert keyless.fetching("shop") is None
    assert keyless.caring("shop") is None
