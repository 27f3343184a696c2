"""ReturnGO's inbound side: authenticity, the subject, what is asked for, versions."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue, SecretStr

from bridge.errors import AuthenticityError, UnreadableError
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
    Requests,
)
from bridge.platforms.returngo.options import ReturnGoAccount
from bridge.platforms.returngo.source import ReturnGoSource

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[3] / "payloads" / "returngo"
WEBHOOKS = [
    path
    for path in sorted(PAYLOADS.glob("*.json"))
    if path.stem.split("__")[0].isupper()
]


def source(
    *, privacy: Privacy | None = None, notify_only: bool = False
) -> ReturnGoSource:
    tokens = (SecretStr("old-token"), SecretStr("new-token"))
    return ReturnGoSource(
        "demo", tokens, privacy or Privacy(b"key"), notify_only=notify_only
    )


def request(body: bytes = b"{}", token: str = "new-token") -> InboundRequest:  # noqa: S107
    return InboundRequest({}, body, SEEN, token)


def observation(body: bytes, at: datetime = SEEN) -> Observation:
    return Observation("id", "s", "returngo", "demo", "fetch", at, body)


def payload(name: str) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = json.loads(
        (PAYLOADS / f"rma_detail__{name}.json").read_bytes()
    )
    return body


def view(body: dict[str, JsonValue], at: datetime = SEEN) -> PlatformView:
    reading = source().read(observation(json.dumps(body).encode(), at))
    assert isinstance(reading, PlatformView)
    return reading


@pytest.mark.parametrize("token", ["old-token", "new-token"])
def test_both_tokens_are_valid_during_rotation(token: str) -> None:
    source().authenticate(request(token=token))


@pytest.mark.parametrize(
    ("token", "reason"),
    [("", "missing_token"), ("other", "wrong_token"), ("new-token/", "wrong_token")],
)
def test_a_webhook_without_a_token_of_ours_is_refused(token: str, reason: str) -> None:
    with pytest.raises(AuthenticityError) as caught:
        source().authenticate(request(token=token))

    assert caught.value.reason == reason


def test_no_webhook_is_believed_or_numbered() -> None:
    assert not source().credible(request())
    assert source().delivery_id(request()) is None


@pytest.mark.parametrize("path", WEBHOOKS, ids=lambda path: path.stem)
def test_every_kind_of_webhook_names_its_rma_or_none(path: Path) -> None:
    body = path.read_bytes()
    nameless = ("only_event_name", "ids_only", "delivered", "id_is_")

    subject = source().locate(request(body))

    if any(word in path.stem for word in nameless):
        assert subject is None
    else:
        assert subject == "returngo/demo/30090011"


@pytest.mark.parametrize(
    "path", sorted(PAYLOADS.glob("rma_detail__*.json")), ids=lambda path: path.stem
)
def test_a_fetched_rma_names_itself(path: Path) -> None:
    subject = source().locate(request(path.read_bytes()))

    assert (subject is None) == ("no_id" in path.stem)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"a": NaN}'])
def test_a_body_that_is_no_object_names_none(body: bytes) -> None:
    assert source().locate(request(body)) is None


def test_a_webhook_is_no_rma() -> None:
    body = (PAYLOADS / "RMA_CREATED__pending.json").read_bytes()

    with pytest.raises(UnreadableError) as caught:
        source().read(observation(body))

    assert (caught.value.reason, caught.value.path) == ("shape", "$.rmaSummary")


def test_an_rma_that_comes_as_a_webhook_is_not_believed() -> None:
    body = (PAYLOADS / "rma_detail__done_refunded.json").read_bytes()
    posted = Observation("id", "demo", "returngo", "demo", "webhook", SEEN, body)

    with pytest.raises(UnreadableError) as caught:
        source().read(posted)

    assert caught.value.reason == "not_believed"


def test_text_is_not_json() -> None:
    with pytest.raises(UnreadableError) as caught:
        source().read(observation(b"<html>"))

    assert caught.value.reason == "not_json"


def test_a_wished_refund_is_no_request_while_the_switch_is_off() -> None:
    reading = view(payload("notify_only_refund_requested"))

    assert reading.view.refunds[0].state == "pending"


def test_a_wished_refund_is_a_request_once_the_switch_is_on() -> None:
    body = json.dumps(payload("notify_only_refund_requested")).encode()

    reading = source(notify_only=True).read(observation(body))

    assert isinstance(reading, Requests)
    assert reading.view is not None
    assert reading.view.view.flags == ()
    (request,) = reading.requests
    assert (request.kind, request.correlation_id) == ("refund", "52520011")


def test_without_a_wish_there_is_no_request() -> None:
    body = json.dumps(payload("done_refunded")).encode()

    assert isinstance(source(notify_only=True).read(observation(body)), PlatformView)


def test_the_later_read_wins_while_every_time_in_the_body_stands_still() -> None:
    before = view(payload("approved_no_label_yet"))
    body = payload("approved_no_label_yet")
    body["shipments"][0]["status"] = "Shipped"  # type: ignore[index,call-overload] # JSON

    after = view(body, SEEN + timedelta(seconds=1))

    assert before.version.stamp == after.version.stamp
    assert before.version < after.version
    assert after.view.state == "in_transit"


def test_a_time_of_the_timeline_orders_two_reads_before_our_clock_does() -> None:
    stale = view(payload("approved_no_label_yet"), SEEN)
    fresh = view(payload("approved_shipped_lastupdated_stale"), SEEN - timedelta(1))

    assert stale.view.updated_at == fresh.view.updated_at
    assert stale.version < fresh.version


def test_the_order_of_parcels_units_and_transactions_does_not_matter() -> None:
    body = payload("money_of_all_sorts") | {
        "items": payload("no_shipment_two_units")["items"],
        "shipments": payload("two_parcels_one_received_one_outbound")["shipments"],
    }
    turned = body | {
        name: list(reversed(rows))
        for name in ("items", "shipments", "transactions")
        if isinstance(rows := body[name], list)
    }

    assert view(body).version.content == view(turned).version.content


def test_personal_fields_are_dropped_where_the_settings_say_so() -> None:
    body = json.dumps(payload("approved_no_label_yet")).encode()
    private = source(privacy=Privacy(b"key", drop_personal=True))

    reading = private.read(observation(body))

    assert isinstance(reading, PlatformView)
    assert reading.view.customer is None
    assert reading.view.addresses is None
    assert "Fictiva" not in reading.view.model_dump_json()


@pytest.mark.parametrize(
    ("rma", "parcels", "state"),
    [
        ("Pending", [], "requested"),
        ("Approved", ["Pending"], "approved"),
        ("Approved", ["LabelCreated"], "approved"),
        ("Approved", ["Shipped", "LabelCreated"], "in_transit"),
        ("Approved", ["Received", "Pending"], "in_transit"),
        ("Approved", ["Received", "Validated"], "received"),
        ("Approved", ["Received", "Canceled"], "received"),
        ("Received", ["Validated"], "inspected"),
        ("Validated", ["Shipped"], "inspected"),
        ("Done", ["Shipped"], "closed"),
        ("Canceled", ["Received"], "cancelled"),
        ("Rejected", [], "rejected"),
        ("OnHold", ["Received"], "unknown"),
    ],
)
def test_the_state_is_the_further_of_status_and_parcels(
    rma: str, parcels: list[str], state: str
) -> None:
    shipments: list[JsonValue] = [
        {"shipmentId": str(position), "status": status}
        for position, status in enumerate(parcels)
    ]
    body: dict[str, JsonValue] = {
        "rmaSummary": {"rmaId": "1", "status": rma},
        "shipments": shipments,
    }

    assert view(body).view.state == state


def test_addresses_are_left_out_where_no_parcel_has_any() -> None:
    shipments: list[JsonValue] = [{"shipmentId": "1", "returnAddress": {"phone": "7"}}]
    body: dict[str, JsonValue] = {"rmaSummary": {"rmaId": "1"}, "shipments": shipments}

    addresses = view(body).view.addresses

    assert addresses is not None
    assert addresses.sender is None
    assert addresses.destination_phone == "7"


def test_the_settings_make_the_source() -> None:
    token = SecretStr("token-of-the-path")
    account = ReturnGoAccount(shop="demo.example", webhook_tokens=(token,))

    made = account.source("demo", Privacy(b"key"))

    made.authenticate(request(token="token-of-the-path"))  # noqa: S106
