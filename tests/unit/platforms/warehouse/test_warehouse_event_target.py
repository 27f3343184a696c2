"""Profile event: one signed CloudEvent per parcel."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from bridge.canonical.envelope import Event
from bridge.canonical.model import (
    Return,
    Shipment,
    ShipmentState,
)
from bridge.canonical.states import State
from bridge.platforms.contract import (
    Context,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
    Target,
)
from bridge.platforms.warehouse.document import Terms
from bridge.platforms.warehouse.target_event import EventTarget

MakeEvent = Callable[..., Event]
URL = "https://warehouse.example/hooks/returns"
OTHER = SecretStr("whsec_YW5vdGhlci1rZXktZG8tbm90LXVzZS0wMDI=")


def _context(attempt: int = 1) -> Context:
    return Context(attempt=attempt, now=datetime.now(UTC))


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


def _target(secret: SecretStr) -> EventTarget:
    terms = Terms(warehouse_code="EAST-1")
    return EventTarget(
        "east", account="acme", url=URL, signing_secrets=[secret], terms=terms
    )


def _two_parcels(view: Return) -> Return:
    second = Shipment(key="T2", state=ShipmentState.IN_TRANSIT)
    return view.model_copy(update={"shipments": (*view.shipments, second)})


def test_an_approved_return_is_posted_as_a_signed_event(
    make_event: MakeEvent, view: Return, secret: SecretStr, payloads: Path
) -> None:
    target: Target = _target(secret)
    event = make_event("return.approved", view)
    example = json.loads(
        (payloads / "generic-outbound-event-structured.json").read_text()
    )
    published = json.loads(example["request"]["body_raw"])

    (request,), outcome = _converse(
        target.deliver(event, _context()), httpx.Response(202)
    )

    body = json.loads(request.content)
    assert outcome == Delivered("http_202")
    assert (request.method, str(request.url)) == ("POST", URL)
    assert list(body) == list(published)
    assert list(body["data"]) == list(published["data"])
    assert body | {"data": None, "id": None} == published | {"data": None, "id": None}
    assert (
        request.headers["content-type"] == example["request"]["headers"]["content-type"]
    )
    assert body["id"] == event.id
    assert request.headers["webhook-id"] == event.id
    assert request.headers["idempotency-key"] == event.id
    Webhook(secret.get_secret_value()).verify(request.content, dict(request.headers))


def test_a_cancelled_return_is_posted_as_its_own_type(
    make_event: MakeEvent, view: Return, secret: SecretStr
) -> None:
    cancelled = view.model_copy(update={"state": State.CANCELLED})

    (request,), _ = _converse(
        _target(secret).deliver(make_event("return.cancelled", cancelled), _context()),
        httpx.Response(200),
    )

    body = json.loads(request.content)
    assert body["type"] == "returns.inbound_return.cancelled.v1"
    assert body["data"]["state"] == "cancelled"


def test_every_try_has_the_same_id_and_body_and_a_fresh_timestamp(
    make_event: MakeEvent, view: Return, secret: SecretStr
) -> None:
    event, target = make_event("return.approved", view), _target(secret)
    contexts = [
        Context(attempt=n, now=datetime(2026, 11, 19, 16, n, tzinfo=UTC))
        for n in (1, 2)
    ]

    first, second = (next(target.deliver(event, context)) for context in contexts)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.content == second.content
    assert first.headers["webhook-timestamp"] == "1795104060"
    assert second.headers["webhook-timestamp"] == "1795104120"


def test_two_secrets_sign_twice(
    make_event: MakeEvent, view: Return, secret: SecretStr
) -> None:
    target = _target(secret)
    target.signing_secrets = [secret, OTHER]

    request = next(target.deliver(make_event("return.approved", view), _context()))

    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for one in (secret, OTHER):
        Webhook(one.get_secret_value()).verify(request.content, dict(request.headers))


def test_binary_mode_puts_the_attributes_into_headers(
    make_event: MakeEvent, view: Return, payloads: Path
) -> None:
    example = json.loads((payloads / "generic-outbound-event-binary.json").read_text())
    published = example["request"]["headers"]
    target = EventTarget(
        "east",
        account="acme",
        url=URL,
        mode="binary",
        token=SecretStr("demo-token-do-not-use"),
    )

    request = next(target.deliver(make_event("return.approved", view), _context()))

    told = dict(request.headers)
    varying = {"ce-id", "idempotency-key"}
    assert {name: told[name] for name in published.keys() - varying} == {
        name: published[name] for name in published.keys() - varying
    }
    assert told["ce-id"] == told["idempotency-key"]
    assert "webhook-signature" not in told
    assert json.loads(request.content)["spec"] == "wms.inbound-return/1"


def test_parcels_are_told_one_after_another_each_with_a_key_of_its_own(
    make_event: MakeEvent, view: Return, secret: SecretStr
) -> None:
    event = make_event("return.approved", _two_parcels(view))

    requests, outcome = _converse(
        _target(secret).deliver(event, _context()),
        httpx.Response(202),
        httpx.Response(202),
    )

    keys = [request.headers["webhook-id"] for request in requests]
    assert keys == [event.id, f"{event.id}-2"]
    assert [json.loads(r.content)["data"]["parcel"]["index"] for r in requests] == [
        1,
        2,
    ]
    assert isinstance(outcome, Delivered)


def test_the_first_parcel_that_fails_ends_the_conversation(
    make_event: MakeEvent, view: Return, secret: SecretStr
) -> None:
    event = make_event("return.approved", _two_parcels(view))

    requests, outcome = _converse(
        _target(secret).deliver(event, _context()), httpx.Response(500)
    )

    assert len(requests) == 1
    assert outcome == Failed("http_500", answer_lost=True)


def test_an_event_for_nobody_at_the_dock_makes_no_request(
    make_event: MakeEvent, view: Return, secret: SecretStr
) -> None:
    requests, outcome = _converse(
        _target(secret).deliver(make_event("goods.received", view), _context())
    )

    assert (requests, outcome) == ([], Skipped("not_for_warehouses"))


@pytest.mark.parametrize(
    ("too_late", "outcome"),
    [("skip", Skipped("too_late")), ("refuse", Refused("too_late"))],
)
def test_a_cancel_that_comes_too_late_is_left_or_refused(
    make_event: MakeEvent,
    view: Return,
    secret: SecretStr,
    too_late: str,
    outcome: Outcome,
) -> None:
    target = _target(secret)
    target.too_late = "skip" if too_late == "skip" else "refuse"

    _, came_to = _converse(
        target.deliver(make_event("return.cancelled", view), _context()),
        httpx.Response(409),
    )

    assert type(came_to) is type(outcome)
    assert isinstance(came_to, Skipped | Refused)
    assert came_to.reason == "too_late"
