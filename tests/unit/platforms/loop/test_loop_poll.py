"""Loop's list and details: what is asked for, and answers that are no answers."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
import orjson
import pytest
from pydantic import SecretStr

from bridge.platforms.contract import Failed, Refused, Throttled, Unauthorized
from bridge.platforms.loop.options import LoopAccount
from bridge.platforms.loop.poll import LONGEST, STATES, SWEEP, LoopPoll
from bridge.platforms.walk import Ask, Expired, Fetch, Found, Page, PageOutcome

T = TypeVar("T")
NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SETTINGS = {
    "host": "https://api.example",
    "api_key": SecretStr("secret"),
    "webhook_secrets": [SecretStr("hook")],
}
LIST = "https://api.example/api/2026-10/warehouse/return/list"


def poll(**options: object) -> LoopPoll:
    made = LoopAccount.model_validate({**SETTINGS, "poll": options}).polling("shop")
    assert made is not None
    return made


def asked(pass_: str = "open", token: str | None = None) -> Ask:  # noqa: S107
    return Ask(pass_, NOW - timedelta(hours=1), NOW, token, NOW)


def ended(
    conversation: Generator[httpx.Request, httpx.Response, T], response: httpx.Response
) -> T:
    next(conversation)
    with pytest.raises(StopIteration) as end:
        conversation.send(response)
    outcome: T = end.value.value
    return outcome


def read(
    content: object, *, after: str | None = None, status: int = 200
) -> PageOutcome:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    response = httpx.Response(status, content=body)
    return ended(poll().page(asked("open", after)), response)


def test_every_state_has_a_pass_of_its_own() -> None:
    names = [each.name for each in poll().rhythm.passes]

    assert names == [*STATES, SWEEP]
    assert poll().rhythm.longest < timedelta(days=120)


def test_a_page_is_asked_for_by_state_and_window() -> None:
    request = next(poll(page_size=50).page(asked("review")))

    assert str(request.url).startswith(LIST)
    assert dict(request.url.params) == {
        "from": "2027-03-01T11:00:00.000Z",
        "to": "2027-03-01T12:00:00.000Z",
        "filter": "updated_at",
        "state": "review",
        "paginate": "true",
        "pageSize": "50",
    }
    assert request.headers["X-Authorization"] == "secret"


def test_the_sweep_asks_for_open_returns() -> None:
    request = next(poll().page(asked(SWEEP)))

    assert request.url.params["state"] == "open"
    assert poll().rhythm.passes[-1].reach == LONGEST


def test_a_cursor_goes_with_our_own_parameters() -> None:
    first = next(poll().page(asked())).url.params
    second = next(poll().page(asked("open", "abc"))).url.params

    assert dict(second) == {**dict(first), "cursor": "abc"}


def test_only_the_cursor_is_taken_from_the_link() -> None:
    link = f"{LIST}?to=2020-01-01&filter=updated_at&cursor=b3BhcXVl"

    outcome = read({"returns": [{"id": 17, "state": "open"}], "nextPageUrl": link})

    assert outcome == Page(
        (Found("loop/shop/17", b'{"id":17,"state":"open"}'),), "b3BhcXVl"
    )


def test_the_last_page_has_no_link() -> None:
    assert read({"returns": [], "nextPageUrl": None}) == Page(())


def test_an_empty_page_may_have_a_link() -> None:
    assert read({"returns": [], "nextPageUrl": f"{LIST}?cursor=x"}) == Page((), "x")


def test_a_server_that_does_not_page_gives_all_at_once() -> None:
    assert read([{"id": "1"}]) == Page((Found("loop/shop/1", b'{"id":"1"}'),))


@pytest.mark.parametrize("link", [17, LIST, "https://h:port", f"{LIST}?cursor="])
def test_a_link_without_a_cursor_is_no_end(link: object) -> None:
    assert read({"returns": [], "nextPageUrl": link}) == Failed("no_cursor")


@pytest.mark.parametrize("row", [{"id": None}, {"id": "a/b"}, {"id": True}, {}, 7])
def test_a_row_without_a_usable_id_is_kept_under_the_account(row: object) -> None:
    assert read([row]) == Page((Found("shop", orjson.dumps(row)),))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"error": {"message": "x"}}, "error_in_200"),
        ({"errors": {"code": "UNEXPECTED_ERROR"}}, "unexpected_error"),
        ({"errors": "x"}, "error_in_200"),
        ({"errors": {"code": "anna@example.com"}}, "error_in_200"),
    ],
)
def test_an_error_may_come_with_200(error: object, reason: str) -> None:
    assert read(error) == Failed(reason)
    assert read(error, after="old") == Expired(reason)


@pytest.mark.parametrize("content", [b"<html>", {}, {"returns": 1}, "text"])
def test_a_200_that_is_no_list_is_a_failure(content: object) -> None:
    assert read(content) == Failed("unreadable_answer")


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_refused_cursor_has_expired(status: int) -> None:
    assert read({}, after="old", status=status) == Expired()
    assert read({}, status=status) == Refused(f"http_{status}")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, Unauthorized("http_401")),
        (403, Unauthorized("http_403")),
        (429, Throttled(None)),
        (408, Failed("http_408")),
        (503, Failed("http_503")),
        (302, Failed("http_302")),
    ],
)
def test_failures_are_told_apart(status: int, expected: PageOutcome) -> None:
    assert read({}, status=status) == expected


def fetch() -> Fetch:
    made = LoopAccount.model_validate(SETTINGS).fetching("shop")
    assert made is not None
    return made


def test_a_return_is_asked_for_by_its_id() -> None:
    request = next(fetch().fetch("loop/shop/17", NOW))

    assert request.url.path == "/api/2026-10/warehouse/return/details"
    assert dict(request.url.params) == {"return_id": "17"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"id": 17}', Page((Found("loop/shop/17", b'{"id": 17}'),))),
        (200, b'{"error": {"message": "x"}}', Page(())),
        (404, b"{}", Page(())),
        (200, b"<html>", Failed("unreadable_answer")),
        (200, b"[]", Failed("unreadable_answer")),
        (401, b"{}", Unauthorized("http_401")),
    ],
)
def test_one_return_is_read_untouched(
    status: int, body: bytes, expected: PageOutcome
) -> None:
    response = httpx.Response(status, content=body)

    assert ended(fetch().fetch("loop/shop/17", NOW), response) == expected


def test_without_a_key_nothing_is_polled_fetched_or_cared_for() -> None:
    keyless = LoopAccount.model_validate({**SETTINGS, "api_key": None})
    unwilling = LoopAccount.model_validate({**SETTINGS, "poll": {"enabled": False}})

    assert keyless.polling("shop") is None
    assert keyless.fetching("shop") is None
    assert keyless.caring("shop") is None
    assert unwilling.polling("shop") is None
