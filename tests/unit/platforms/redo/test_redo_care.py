"""The care of Redo's webhook: found by our own name, registered as an upsert."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import orjson
import pytest
from pydantic import SecretStr

from bridge.platforms.care import Change, Done, Registration
from bridge.platforms.contract import Failed, Refused, Unauthorized
from bridge.platforms.redo.care import RedoCare
from bridge.platforms.redo.options import RedoAccount

T = TypeVar("T")
NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
URL = "https://bridge.example/hooks/shop"
NAME = "returns-bridge-shop"
OURS = Registration("w1", "return", URL, name=NAME)
OTHERS = Registration("w2", "return", "https://other.example/hook")


@pytest.fixture
def care() -> RedoCare:
    account = RedoAccount.model_validate(
        {
            "store_id": "s1",
            "api_token": SecretStr("secret"),
            "webhook_tokens": [SecretStr("hook")],
            "base_url": "https://api.example/v2.2",
        }
    )
    made = account.caring("shop")
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


def test_every_registration_is_listed_also_those_of_others(care: RedoCare) -> None:
    rows = [
        {"id": "w1", "topic": "return", "externalId": NAME, "callback": {"url": URL}},
        {"id": "w2", "externalId": None, "callback": {"url": OTHERS.url, "auth": None}},
        {"id": "w3", "callback": None},
    ]
    answer = httpx.Response(200, content=orjson.dumps({"webhooks": rows}))

    request, present = ended(care.survey(NOW), answer)

    assert request.url.path == "/v2.2/stores/s1/webhooks"
    assert present == (OURS, OTHERS, Registration("w3", "return", ""))


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"webhooks": [{}]}', b'{"webhooks": [1]}']
)
def test_a_list_that_cannot_be_read_is_a_failure(care: RedoCare, body: bytes) -> None:
    _, outcome = ended(care.survey(NOW), httpx.Response(200, content=body))

    assert outcome == Failed("unreadable_answer")


def test_a_refusal_is_passed_on(care: RedoCare) -> None:
    _, outcome = ended(care.survey(NOW), httpx.Response(401))

    assert outcome == Unauthorized("http_401")


def test_where_all_is_well_nothing_changes(care: RedoCare) -> None:
    assert care.changes((OTHERS, OURS), URL) == ()


def test_a_missing_webhook_is_registered_beside_those_of_others(care: RedoCare) -> None:
    assert care.changes((OTHERS,), URL) == (Change("create", "return", URL),)


def test_a_webhook_that_leads_elsewhere_is_updated(care: RedoCare) -> None:
    moved = "https://new.example/hooks/shop"

    (change,) = care.changes((OURS,), moved)

    assert (change.kind, change.url, change.id) == ("update", moved, "w1")
    assert change.what == f"update return to {moved}"


def test_a_change_is_an_upsert_under_our_name(care: RedoCare) -> None:
    change = Change("create", "return", URL)

    request, outcome = ended(care.mend(change, NOW), httpx.Response(201))

    webhook = orjson.loads(request.content)["webhook"]
    assert outcome == Done()
    assert webhook["externalId"] == NAME
    assert webhook["callback"] == {"url": URL, "auth": {"bearer": {"token": "hook"}}}


def test_an_address_without_tls_is_refused_before_the_call(care: RedoCare) -> None:
    conversation = care.mend(Change("create", "return", "http://bridge.example"), NOW)

    with pytest.raises(StopIteration) as end:
        next(conversation)

    assert isinstance(end.value.value, Refused)


def test_a_replay_names_its_start(care: RedoCare) -> None:
    replay = care.replay((OTHERS, OURS), URL, NOW, NOW)

    request, outcome = ended(replay, httpx.Response(202))

    assert request.url.path == "/v2.2/webhooks/w1/replay"
    assert orjson.loads(request.content) == {"start": "2027-03-01T12:00:00Z"}
    assert outcome == Done()


def test_without_a_webhook_of_ours_nothing_is_replayed(care: RedoCare) -> None:
    with pytest.raises(StopIteration) as end:
        next(care.replay((OTHERS,), URL, NOW, NOW))

    assert isinstance(end.value.value, Refused)
