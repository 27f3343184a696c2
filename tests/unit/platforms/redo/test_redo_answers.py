"""What Redo's answers mean, whatever their bodies look like."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bridge.platforms.contract import (
    Failed,
    Outcome,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.answers import comments_in, judge, status_in

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
QUESTION = httpx.Request("GET", "https://redo.test/returns/r1/status")
WRITE = httpx.Request("PUT", "https://redo.test/returns/r1/status")


def answer(code: int, content: bytes = b"", retry_after: str = "") -> httpx.Response:
    headers = {"retry-after": retry_after, "content-type": "text/html"}
    return httpx.Response(code, content=content, headers=headers)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_any_success_is_nothing_wrong(code: int) -> None:
    assert judge(WRITE, answer(code, b"<html>"), NOW) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "http_422"),
        (b"{}", "http_422"),
        (b"[1]", "http_422"),
        (b"<html>", "http_422"),
        (b'{"type": 7}', "http_422"),
        (b'{"type": "about:blank", "detail": "Jane"}', "http_422"),
        (b'{"type": "x:y/Jane Doe"}', "http_422"),
        (b'{"type": "com.getredo.api:return/item-not-found"}', "item-not-found"),
    ],
)
def test_a_refusal_names_the_code_of_the_problem_and_nobody(
    content: bytes, reason: str
) -> None:
    outcome = judge(WRITE, answer(422, content), NOW)

    assert outcome == Refused(reason, "PUT answered 422")


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (answer(400), Refused("http_400", "GET answered 400")),
        (answer(404, b"{}"), Refused("http_404", "GET answered 404")),
        (answer(405), Refused("http_405", "GET answered 405")),
        (answer(409), Refused("http_409", "GET answered 409")),
        (answer(401), Unauthorized("http_401")),
        (
            answer(403, b'{"type": "com.getredo.api:scope/forbidden"}'),
            Unauthorized("forbidden"),
        ),
        (answer(429), Throttled(None)),
        (answer(429, retry_after="7"), Throttled(timedelta(seconds=7))),
        (
            answer(503, retry_after="Sun, 14 Mar 2027 12:00:30 GMT"),
            Throttled(timedelta(seconds=30)),
        ),
        (answer(503), Failed("http_503")),
        (answer(500, b"<html>"), Failed("http_500")),
        (answer(502, retry_after="3"), Failed("http_502", timedelta(seconds=3))),
        (answer(408), Failed("http_408")),
        (answer(425), Failed("http_425")),
        (answer(302), Failed("http_302")),
    ],
)
def test_every_status_has_its_outcome(
    response: httpx.Response, outcome: Outcome
) -> None:
    assert judge(QUESTION, response, NOW) == outcome


@pytest.mark.parametrize("code", [302, 408, 425, 500, 503])
def test_a_write_that_failed_may_have_had_its_effect(code: int) -> None:
    outcome = judge(WRITE, answer(code), NOW)

    assert outcome == Failed(f"http_{code}", answer_lost=True)


@pytest.mark.parametrize(
    ("content", "status"),
    [(b'{"status": "open"}', "open"), (b'{"status": null}', None), (b"open", None)],
)
def test_a_status_is_read_or_is_not_there(content: bytes, status: str | None) -> None:
    assert status_in(answer(200, content)) == status


@pytest.mark.parametrize(
    ("content", "comments"),
    [
        (b'{"comments": []}', []),
        (b'{"comments": [{"message": "a"}, {"image": "aW1n"}, null, 7]}', ["a"]),
        (b'{"comments": [{"message": 7}, {"message": "b"}]}', ["b"]),
        (b'{"comments": {}}', None),
        (b"[]", None),
        (b"[" * 5_000, None),
    ],
)
def test_comments_are_read_or_are_not_there(
    content: bytes, comments: list[str] | None
) -> None:
    assert comments_in(answer(200, content)) == comments
