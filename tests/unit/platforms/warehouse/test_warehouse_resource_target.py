"""Profile resource: PUT of desired state, read back after a lost answer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.envelope import Event
from bridge.canonical.model import (
    Return,
    Shipment,
    ShipmentState,
)
from bridge.platforms.contract import (
    NOT_APPLIED,
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
    Target,
    Throttled,
    Unauthorized,
)
from bridge.platforms.warehouse.target_resource import ResourceTarget

MakeEvent = Callable[..., Event]
REFERENCE = "redo.acme-outdoor.65f000000000000000001042-1"
URL = f"https://warehouse.example/api/inbound-returns/{REFERENCE}"
TARGET = ResourceTarget(
    "east", base_url="https://warehouse.example/api", token=SecretStr("demo-token")
)
NOW = datetime(2026, 11, 19, 16, tzinfo=UTC)
FIRST = Context(attempt=1, now=NOW)
REPEAT = Context(attempt=2, now=NOW, answer_lost=True)


def _converse(
    conversation: Conversation, *responses: httpx.Response
) -> tuple[list[httpx.Request], Outcome]:
    """Send `responses` one after another; return the requests and the outcome."""
    requests: list[httpx.Request] = []
    try:
        request = next(conversation)
        for response in responses:
            requests.append(request)
            request = conversation.send(response)
    except StopIteration as end:
        outcome: Outcome = end.value
        return requests, outcome
    raise AssertionError("the conversation has not ended")


def _methods(requests: list[httpx.Request]) -> list[str]:
    return [request.method for request in requests]


def _two_parcels(view: Return) -> Return:
    second = Shipment(key="T2", state=ShipmentState.IN_TRANSIT)
    return view.model_copy(update={"shipments": (*view.shipments, second)})


def test_an_approved_return_is_put_under_its_reference(
    make_event: MakeEvent, view: Return
) -> None:
    target: Target = TARGET
    event = make_event("return.approved", view)

    (request,), outcome = _converse(target.deliver(event, FIRST), httpx.Response(201))

    assert outcome == Delivered("http_201")
    assert (request.method, str(request.url)) == ("PUT", URL)
    assert request.headers["authorization"] == "Bearer demo-token"
    assert request.headers["idempotency-key"] == event.id
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content)["revision"] == 3


def test_without_a_token_no_authorization_is_sent(
    make_event: MakeEvent, view: Return
) -> None:
    target = ResourceTarget("east", base_url="https://warehouse.example")

    request = next(target.deliver(make_event("return.approved", view), FIRST))

    assert "authorization" not in request.headers


def test_after_a_lost_answer_a_stored_revision_settles_it(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event("return.approved", view)

    requests, outcome = _converse(
        TARGET.deliver(event, REPEAT), httpx.Response(200, json={"revision": 3})
    )

    assert _methods(requests) == ["GET"]
    assert outcome == AlreadyApplied("revision 3 is stored")


@pytest.mark.parametrize(
    "found",
    [
        httpx.Response(200, json={"revision": 2}),
        httpx.Response(200, json={"revision": "3", "status": "awaiting"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(404),
        httpx.Response(405),
    ],
)
def test_where_the_probe_settles_nothing_the_document_is_put_again(
    make_event: MakeEvent, view: Return, found: httpx.Response
) -> None:
    event = make_event("return.approved", view)

    requests, outcome = _converse(
        TARGET.deliver(event, REPEAT), found, httpx.Response(200)
    )

    assert _methods(requests) == ["GET", "PUT"]
    assert isinstance(outcome, Delivered)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (httpx.Response(401), Unauthorized("http_401")),
        (httpx.Response(429), Throttled()),
        (httpx.Response(502), Failed("http_502", answer_lost=True)),
    ],
)
def test_a_probe_that_cannot_be_made_is_made_again_later(
    make_event: MakeEvent, view: Return, found: httpx.Response, outcome: Outcome
) -> None:
    event = make_event("return.approved", view)

    assert _converse(TARGET.deliver(event, REPEAT), found)[1] == outcome


@pytest.mark.parametrize(
    ("found", "evidence"),
    [
        (httpx.Response(200, json={"status": "cancelled"}), "it is cancelled"),
        (
            httpx.Response(200, json={"state": "cancelled", "revision": 2}),
            "it is cancelled",
        ),
        (httpx.Response(404), "the warehouse does not know it"),
    ],
)
def test_a_cancel_that_took_effect_is_not_sent_again(
    make_event: MakeEvent, view: Return, found: httpx.Response, evidence: str
) -> None:
    event = make_event("return.cancelled", view)

    _, outcome = _converse(TARGET.deliver(event, REPEAT), found)

    assert outcome == AlreadyApplied(evidence)


def test_a_probe_reads_every_parcel_and_writes_none(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event("return.approved", _two_parcels(view))
    stored, missing = httpx.Response(200, json={"revision": 3}), httpx.Response(404)

    requests, all_there = _converse(TARGET.probe(event, FIRST), stored, stored)
    _, one_missing = _converse(TARGET.probe(event, FIRST), stored, missing)

    assert _methods(requests) == ["GET", "GET"]
    assert all_there == AlreadyApplied("revision 3 is stored")
    assert one_missing == NOT_APPLIED


def test_a_cancel_of_what_was_never_known_has_succeeded(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event("return.cancelled", view)
    strict = ResourceTarget("east", base_url=TARGET.base_url, codes={404: "refused"})

    _, outcome = _converse(TARGET.deliver(event, FIRST), httpx.Response(404))
    _, overridden = _converse(strict.deliver(event, FIRST), httpx.Response(404))

    assert outcome == AlreadyApplied("the warehouse does not know it")
    assert overridden == Refused("http_404")


def test_too_late_holds_nothing_but_a_first_announcement(
    make_event: MakeEvent, view: Return
) -> None:
    change = make_event(
        "return.updated",
        view,
        before={"/items/0/quantity": 1},
        part={"changed": ["/items/0/quantity"]},
    )
    late = httpx.Response(409)

    changed = _converse(TARGET.deliver(change, FIRST), late)[1]
    cancelled = _converse(
        TARGET.deliver(make_event("return.cancelled", view), FIRST), late
    )[1]
    announced = _converse(
        TARGET.deliver(make_event("return.approved", view), FIRST), late
    )[1]

    assert changed == cancelled == Skipped("too_late")
    assert isinstance(announced, Refused)


def test_the_outcome_of_several_parcels_is_the_one_that_says_most(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event("return.cancelled", _two_parcels(view))
    late, gone, done = httpx.Response(409), httpx.Response(404), httpx.Response(200)

    taken = _converse(TARGET.deliver(event, FIRST), late, done)[1]
    known = _converse(TARGET.deliver(event, FIRST), late, gone)[1]
    left = _converse(TARGET.deliver(event, FIRST), late, late)[1]

    assert isinstance(taken, Delivered)
    assert isinstance(known, AlreadyApplied)
    assert left == Skipped("too_late")
