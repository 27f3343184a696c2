"""ReturnLogic's inbound side, from the door to the history."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue, SecretStr

from bridge.errors import AuthenticityError, UnreadableError
from bridge.normalize.fold import fold
from bridge.normalize.state import SubjectState, start
from bridge.platforms.contract import (
    Channel,
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
)
from bridge.platforms.returnlogic.commands import Command, to_body
from bridge.platforms.returnlogic.source import ReturnLogicSource, notification_in
from tests.unit.platforms.returnlogic.calls import account

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[3] / "payloads" / "returnlogic"
SUBJECT = "returnlogic/demo/330077"
REFUND = Command("ProcessRefund", "c1")


def source(privacy: Privacy | None = None) -> ReturnLogicSource:
    return account().source("demo", privacy or Privacy(b"key"))


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def observation(
    body: bytes, minute: int = 0, channel: Channel = "fetch"
) -> Observation:
    at = SEEN + timedelta(minutes=minute)
    return Observation("id", SUBJECT, "returnlogic", "demo", channel, at, body)


def folded(*bodies: bytes) -> tuple[SubjectState, list[str]]:
    """Fold bodies read a minute apart; return the state and the events' types."""
    state, types = start(SUBJECT), []
    for minute, body in enumerate(bodies):
        seen = observation(body, minute)
        step = fold(state, seen, source().read(seen))
        state = step.state
        types += [event.type for event in step.events]
    return state, types


def rma(status: str, refund: float = 38.0) -> bytes:
    body = json.loads(payload("rma__received"))
    totals = {"refund": {"total": refund}}
    return json.dumps(body | {"workflowStatus": status, "totals": totals}).encode()


def test_the_token_in_the_path_is_checked() -> None:
    def request(token: str) -> InboundRequest:
        return InboundRequest({}, b"{}", SEEN, token)

    source().authenticate(request("token-of-the-path"))
    for token in ("", "other"):
        with pytest.raises(AuthenticityError):
            source().authenticate(request(token))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"rlRmaId": {}}', b'{"rlRmaId": "../x"}'],
)
def test_an_odd_body_names_no_return_and_is_no_command(body: bytes) -> None:
    notification = notification_in(body)

    assert notification.rl_rma_id is None
    assert notification.action is None


def test_action_and_id_are_found_one_level_down() -> None:
    body = b'{"meta": 1, "notification": {"action": "updated", "rlRmaId": 7.0}}'

    notification = notification_in(body)

    assert (notification.action, notification.rl_rma_id) == ("updated", "7")


def test_a_fact_that_comes_as_webhook_is_not_believed() -> None:
    with pytest.raises(UnreadableError) as caught:
        source().read(observation(payload("received__full"), channel="webhook"))

    assert caught.value.reason == "not_believed"


def test_a_confirmation_that_comes_as_webhook_is_not_believed() -> None:
    body = to_body(REFUND, SEEN, payload("rma__received"))

    with pytest.raises(UnreadableError):
        source().read(observation(body, channel="webhook"))


def test_a_command_that_is_delivered_again_asks_once() -> None:
    body = to_body(REFUND, SEEN, payload("rma__received"))

    _, types = folded(body, body, body)

    assert types.count("refund.requested") == 1


def test_two_commands_ask_twice() -> None:
    other = Command("ProcessRefund", "c2")
    read = payload("rma__received")

    _, types = folded(to_body(REFUND, SEEN, read), to_body(other, SEEN, read))

    assert types.count("refund.requested") == 2


def test_a_refund_is_issued_once_it_is_processed_and_stays_so_when_completed() -> None:
    state, types = folded(rma("Authorized"), rma("Processed"), rma("Complete"))

    assert types.count("refund.issued") == 1
    assert types[-1] == "return.closed"
    assert state.return_ is not None
    assert [refund.state for refund in state.return_.refunds] == ["issued"]


def test_completed_without_processing_is_not_refunded() -> None:
    _, types = folded(rma("Received"), rma("Complete"))

    assert "refund.issued" not in types
    assert types[-1] == "return.closed"


def test_an_older_read_changes_nothing() -> None:
    state = start(SUBJECT)
    for minute, status in ((5, "Received"), (1, "In Transit")):
        seen = observation(rma(status), minute)
        state = fold(state, seen, source().read(seen)).state

    assert state.return_ is not None
    assert state.return_.state == "received"


def test_a_label_that_appears_is_a_shipment_created() -> None:
    bare: dict[str, JsonValue] = json.loads(rma("Authorized"))
    bare["shippingLabel"] = None

    _, types = folded(json.dumps(bare).encode(), rma("Authorized"))

    assert types[-1] == "shipment.created"


def test_personal_fields_are_dropped_where_the_settings_say_so() -> None:
    private = source(Privacy(b"key", drop_personal=True))

    reading = private.read(observation(payload("rma__received")))

    assert isinstance(reading, PlatformView)
    assert "fictiva" not in reading.view.model_dump_json().lower()


def test_text_is_not_json() -> None:
    with pytest.raises(UnreadableError) as caught:
        source().read(observation(b"<html>"))

    assert caught.value.reason == "not_json"


@pytest.mark.parametrize(
    ("total", "amount"), [(38, "38"), (38.0, "38"), ("12.50", "12.5"), (7.25, "7.25")]
)
def test_one_amount_is_written_alike_however_it_comes(
    total: JsonValue, amount: str
) -> None:
    body = {"rlRmaId": 330077, "totals": {"refund": {"total": total}}}

    reading = source().read(observation(json.dumps(body).encode()))

    assert isinstance(reading, PlatformView)
    assert reading.view.refunds[0].amount.amount == amount


def test_tokens_are_two_during_rotation() -> None:
    tokens = (SecretStr("token-of-yesterday"), SecretStr("token-of-the-path"))
    rotating = account(webhook_tokens=tokens).source("demo", Privacy(b"key"))

    for token in tokens:
        given = token.get_secret_value()
        rotating.authenticate(InboundRequest({}, b"{}", SEEN, given))
