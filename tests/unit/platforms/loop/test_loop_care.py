"""The care of Loop's webhooks: one per pair, always switched on, never twice."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import orjson
import pytest
from pydantic import SecretStr

from bridge.platforms.care import Change, Done, Registration
from bridge.platforms.contract import Failed, Refused, Unauthorized
from bridge.platforms.loop.care import PAIRS, LoopCare
from bridge.platforms.loop.options import LoopAccount

T = TypeVar("T")
NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
URL = "https://bridge.example/hooks/shop"


@pytest.fixture
def care() -> LoopCare:
    made = LoopAccount.model_validate(
        {
            "host": "https://api.example",
            "api_key": SecretStr("secret"),
            "webhook_secrets": [SecretStr("hook")],
        }
    ).caring("shop")
    assert made is not None
    return made


def ended(
    conversation: Generator[httpx.Request, httpx.Response, T], response: httpx.Response
) -> tuple[httpx.Request, T]:
    request = next(conversation)
    with pytest.raises(StopIteration) as end:
        conversation.send(response)
    outcome: T = end.value.value
    return request, outcome


def all_of(url: str, *, active: bool = True) -> list[Registration]:
    return [
        Registration(str(number), " ".join(pair), url, active)
        for number, pair in enumerate(PAIRS)
    ]


def test_registrations_are_listed_with_their_status(care: LoopCare) -> None:
    rows = [
        {"id": 321, "topic": "return", "trigger": "return.closed", "url": URL},
        {"id": 322, "topic": "label", "trigger": "x", "url": URL, "status": "active"},
        "odd",
    ]
    answer = httpx.Response(200, content=orjson.dumps({"webhooks": rows}))

    request, present = ended(care.survey(NOW), answer)

    assert request.url.path == "/api/2026-10/webhooks"
    assert present == (
        Registration("321", "return return.closed", URL, active=False),
        Registration("322", "label x", URL, active=True),
    )


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(401), Unauthorized("http_401")),
        (httpx.Response(200, content=b"<html>"), Failed("unreadable_answer")),
        (httpx.Response(200, content=b"[]"), Failed("unreadable_answer")),
        (
            httpx.Response(200, json={"errors": {"code": "FAILED_TO_GET_WEBHOOKS"}}),
            Failed("failed_to_get_webhooks"),
        ),
    ],
)
def test_a_list_that_does_not_come_is_told(
    care: LoopCare, response: httpx.Response, expected: object
) -> None:
    assert ended(care.survey(NOW), response)[1] == expected


def test_where_all_pairs_are_on_nothing_changes(care: LoopCare) -> None:
    others = Registration("99", "return return.created", "https://other.example")

    assert care.changes([others, *all_of(URL)], URL) == ()


def test_every_missing_pair_is_made(care: LoopCare) -> None:
    changes = care.changes((), URL)

    assert {change.kind for change in changes} == {"create"}
    assert len(changes) == len(PAIRS)


def test_what_is_off_is_switched_on(care: LoopCare) -> None:
    changes = care.changes(all_of(URL, active=False), URL)

    assert {change.kind for change in changes} == {"activate"}
    assert changes[0].id == "0"


def test_ours_that_lead_to_a_former_door_are_moved(care: LoopCare) -> None:
    former = all_of("https://old.example/hooks/shop/?x=1")

    changes = care.changes(former, URL)

    assert {change.kind for change in changes} == {"update"}


def test_those_of_others_are_left_alone(care: LoopCare) -> None:
    changes = care.changes(all_of("https://other.example/hook"), URL)

    assert {change.kind for change in changes} == {"create"}


def test_a_new_one_is_made_with_its_status_and_its_secret_left_to_a_person(
    care: LoopCare,
) -> None:
    change = Change("create", "label.request label.request.issued", URL)

    request, outcome = ended(care.mend(change, NOW), httpx.Response(201, json={}))

    assert (request.method, request.url.path) == ("POST", "/api/2026-10/webhooks")
    assert orjson.loads(request.content) == {
        "topic": "label.request",
        "trigger": "label.request.issued",
        "url": URL,
        "status": "active",
    }
    assert isinstance(outcome, Done)
    assert "secret" in outcome.note


def test_a_known_one_is_replaced_as_a_whole(care: LoopCare) -> None:
    change = Change("activate", "return return.closed", URL, "321")

    request, outcome = ended(care.mend(change, NOW), httpx.Response(204))

    assert (request.method, request.url.path) == ("PUT", "/api/2026-10/webhooks/321")
    assert outcome == Done()


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(422), Refused("http_422")),
        (
            httpx.Response(200, json={"errors": {"code": "FAILED_TO_CREATE_WEBHOOK"}}),
            Refused("failed_to_create_webhook"),
        ),
    ],
)
def test_a_refusal_is_told(
    care: LoopCare, response: httpx.Response, expected: object
) -> None:
    change = Change("create", "return return.closed", URL)

    assert ended(care.mend(change, NOW), response)[1] == expected


def test_nothing_can_be_sent_again(care: LoopCare) -> None:
    assert care.replay((), URL, NOW, NOW) is None
