"""ReturnGO's webhooks: what is registered, what is missing, and who sees the token."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from bridge.platforms.care import Care, Change, Done, Registration
from bridge.platforms.contract import Failed, Refused, Unauthorized
from bridge.platforms.returngo.care import EVENTS, ReturnGoCare
from bridge.platforms.returngo.options import ReturnGoAccount

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
URL = "https://bridge.example/hooks/demo"
ANSWER = (
    Path(__file__).parents[3] / "payloads" / "returngo" / "webhooks_list__answer.json"
)
T = TypeVar("T")


def account(**changes: object) -> ReturnGoAccount:
    values = {
        "shop": "fernhollow-demo.myshopify.example",
        "api_key": SecretStr("the-key"),
        "webhook_tokens": (SecretStr("token-of-today-1"),),
    }
    return ReturnGoAccount.model_validate(values | changes)


def care() -> ReturnGoCare:
    tokens = (SecretStr("token-of-today-1"), SecretStr("token-of-before-1"))
    made = account(webhook_tokens=tokens).caring("demo")
    assert made is not None
    return made


def held(
    conversation: Generator[httpx.Request, httpx.Response, T],
    answer: Callable[[httpx.Request], httpx.Response],
) -> T:
    try:
        request = next(conversation)
        while True:
            request = conversation.send(answer(request))
    except StopIteration as end:
        outcome: T = end.value
        return outcome


def surveyed(url: str) -> str:
    body = [{"id": 8801, "url": url, "eventName": "RMA_CREATED"}]
    found = held(care().survey(NOW), lambda _: httpx.Response(200, json=body))
    assert isinstance(found, tuple)
    return found[0].url


def test_registrations_are_listed() -> None:
    content = ANSWER.read_bytes()

    found = held(care().survey(NOW), lambda _: httpx.Response(200, content=content))

    assert isinstance(found, tuple)
    assert [(each.id, each.events) for each in found] == [
        ("8801", "RMA_CREATED"),
        ("8802", "TRANSACTION_CREATED"),
    ]


def test_no_token_and_no_query_is_shown() -> None:
    assert surveyed(f"{URL}/token-of-today-1") == URL
    assert surveyed(f"{URL}/token-of-before-1") == f"{URL}/(former token)"
    assert surveyed("https://other.example/in?secret=1") == "https://other.example/in"


@pytest.mark.parametrize("content", [b"<html>", b"{}", b'[{"id": 1}]'])
def test_an_answer_of_another_form_has_failed(content: bytes) -> None:
    found = held(care().survey(NOW), lambda _: httpx.Response(200, content=content))

    assert found == Failed("unreadable_answer")


def test_a_refused_key_is_told() -> None:
    found = held(care().survey(NOW), lambda _: httpx.Response(403))

    assert found == Unauthorized("http_403")


def test_what_is_missing_is_created_and_nothing_else() -> None:
    present = [Registration(str(n), event, URL) for n, event in enumerate(EVENTS)]
    foreign = Registration("9", EVENTS[0], "https://other.example/in")

    assert care().changes([*present, foreign], URL) == ()
    missing = care().changes([*present[1:], foreign], URL)
    assert missing == (Change("create", EVENTS[0], URL),)
    assert len(care().changes((), URL)) == 7


def test_a_registration_ends_with_the_newest_token() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(201)

    done = held(care().mend(Change("create", "RMA_CREATED", URL), NOW), answer)

    assert done == Done()
    assert sent[0].url.path == "/webhook"
    assert b"/hooks/demo/token-of-today-1" in sent[0].content
    assert b"RMA_CREATED" in sent[0].content


def test_other_changes_are_unknown_and_a_refusal_is_told() -> None:
    change = Change("activate", "RMA_CREATED", URL)

    assert held(care().mend(change, NOW), lambda _: httpx.Response(200)) == Refused(
        "unknown_change"
    )
    create = Change("create", "RMA_CREATED", URL)
    refused = held(care().mend(create, NOW), lambda _: httpx.Response(400))
    assert refused == Refused("http_400")


def test_nothing_is_sent_twice() -> None:
    made: Care = care()

    assert made.replay((), URL, NOW, NOW) is None


@pytest.mark.parametrize(
    "token", ["short", "a-token-with/slashes-in", "öööööööööööööööö"]
)
def test_a_token_in_a_path_is_long_and_plain(token: str) -> None:
    with pytest.raises(ValidationError):
        account(webhook_tokens=(SecretStr(token),))
