"""Redo's inbound side: authenticity, the subject, what is unreadable, versions."""

import json
from dataclasses import replace
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
    Version,
)
from bridge.platforms.redo.source import RedoSource

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[3] / "payloads" / "redo"
RETURN_ID = "f00d00000000000000001001"


def source(*tokens: str, privacy: Privacy | None = None) -> RedoSource:
    secrets = tuple(map(SecretStr, tokens or ("old-token", "new-token")))
    return RedoSource("demo", secrets, privacy or Privacy(b"key"))


def request(body: bytes = b"{}", **headers: str) -> InboundRequest:
    return InboundRequest(headers, body, SEEN)


def read(body: bytes, privacy: Privacy | None = None) -> PlatformView:
    observation = Observation("id", "s", "redo", "demo", "webhook", SEEN, body)
    return source(privacy=privacy).read(observation)


def version(**return_and_envelope: JsonValue) -> Version:
    envelope = {"at": return_and_envelope.pop("at", None)}
    body = {**envelope, "return": {"id": RETURN_ID, **return_and_envelope}}
    return read(json.dumps(body).encode()).version


@pytest.mark.parametrize(
    "header", ["Bearer old-token", "Bearer new-token", "bearer  new-token "]
)
def test_both_tokens_are_valid_during_rotation(header: str) -> None:
    source().authenticate(request(authorization=header))


@pytest.mark.parametrize(
    "header",
    ["Bearer other", "Bearer ", "Bearer old-token2", "Bearer öld", "Bearer \ud800"],
)
def test_an_unknown_token_is_refused_without_saying_it(header: str) -> None:
    with pytest.raises(AuthenticityError) as caught:
        source().authenticate(request(authorization=header))

    assert caught.value.reason == "wrong_token"
    assert str(caught.value) == "unknown bearer token"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic b2xkLXRva2Vu"}])
def test_a_request_without_a_bearer_token_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(AuthenticityError) as caught:
        source().authenticate(InboundRequest(headers, b"", SEEN))

    assert caught.value.reason == "missing_token"


def test_redo_numbers_no_delivery() -> None:
    assert source().delivery_id(request()) is None


def test_what_is_authentic_is_believed() -> None:
    assert source().credible(request())


def test_the_subject_is_found_in_the_body() -> None:
    body = (PAYLOADS / "return_created__refund.json").read_bytes()

    assert source().locate(request(body)) == f"redo/demo/{RETURN_ID}"


@pytest.mark.parametrize(
    "id_", ['""', '"a/b"', '"a b"', '"é"', f'"{"x" * 65}"', "true", "1.5", "{}", "null"]
)
def test_an_id_that_fits_no_subject_is_neither_located_nor_read(id_: str) -> None:
    body = f'{{"return": {{"id": {id_}}}}}'.encode()

    with pytest.raises(UnreadableError) as caught:
        read(body)

    assert source().locate(request(body)) is None
    assert (caught.value.reason, caught.value.path) == ("no_id", "$.return.id")


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (b"", "not_json", "$"),
        (b"<html>", "not_json", "$"),
        (b'{"return": {"id": "a", "x": NaN}}', "not_json", "$"),
        (
            b'{"return": {"id": "a", "notes": [{"message": "\\ud800"}]}}',
            "not_json",
            "$",
        ),
        (b'{"return": {"id": "a", "sku": "\xff"}}', "not_json", "$"),
        (b"[" * 10_000 + b"]" * 10_000, "not_json", "$"),
        (b'{"return": ' * 10_000 + b"1" + b"}" * 10_000, "not_json", "$"),
        (b"[]", "shape", "$"),
        (b"null", "shape", "$"),
        (b"{}", "no_return", "$.return"),
        (b'{"return": null}', "no_return", "$.return"),
        (b'{"return": []}', "shape", "$.return"),
        (b'{"return": {}}', "no_id", "$.return.id"),
        (
            b'{"return": {"id": "a", "items": [{}, {}, {}, {"quantity": -1}]}}',
            "shape",
            "$.return.items[3].quantity",
        ),
        (b'{"return": {"id": "a", "items": [null]}}', "shape", "$.return.items[0]"),
        (
            b'{"return": {"id": "a", "exchange": {"totalTax": {"amount": "x"}}}}',
            "shape",
            "$.return.exchange.totalTax.amount",
        ),
        (b'{"at": "now", "return": {"id": "a"}}', "shape", "$.at"),
        (
            b'{"return": {"id": "a", "items": [' + b"{}," * 10_000 + b"{}]}}",
            "shape",
            "$.return.items",
        ),
    ],
)
def test_an_unreadable_body_is_named_by_reason_and_path(
    body: bytes, reason: str, path: str
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(body)

    assert (caught.value.reason, caught.value.path) == (reason, path)


def test_no_value_of_the_body_is_in_the_message_or_its_causes() -> None:
    body = b'{"return": {"id": "a", "items": "jane@example.com"}}'

    with pytest.raises(UnreadableError) as caught:
        read(body)

    assert "jane" not in f"{caught.value} {caught.value.__context__}"


def test_of_duplicate_keys_the_last_wins_for_locating_and_reading_alike() -> None:
    body = b'{"return": {"id": "first"}, "return": {"id": "first", "id": "last"}}'

    assert source().locate(request(body)) == "redo/demo/last"
    assert read(body).view.native_id == "last"


def test_deep_nesting_inside_unknown_fields_is_no_obstacle() -> None:
    deep = b"[" * 900 + b"]" * 900
    body = b'{"return": {"id": "a", "unknown": ' + deep + b"}}"

    assert read(body).view.native_id == "a"


def test_five_thousand_items_are_read() -> None:
    items = [{"id": f"i{n}", "quantity": 1, "sku": "S"} for n in range(5_000)]
    body = json.dumps({"return": {"id": "a", "items": items}}).encode()

    assert len(read(body).view.items) == 5_000


def test_a_webhook_and_a_fetch_of_one_state_say_the_same() -> None:
    webhook = json.loads((PAYLOADS / "return_created__refund.json").read_bytes())
    fetched = {"return": webhook["return"], "order": webhook["order"]}

    one = read(json.dumps(webhook).encode())
    other = read(json.dumps(fetched).encode())

    assert one.version.content == other.version.content
    assert one.version.stamp == other.version.stamp
    assert one.view == other.view


def test_the_time_of_seeing_is_no_part_of_the_content() -> None:
    body = (PAYLOADS / "return_created__refund.json").read_bytes()
    later = Observation("i", "s", "redo", "demo", "poll", SEEN.replace(year=2028), body)

    assert source().read(later).version == read(body).version


@pytest.mark.parametrize(
    ("time", "stamp"),
    [
        ("2027-03-02T10:15:00Z", "2027-03-02T10:15:00.000000+00:00"),
        ("2027-03-02T10:15:00.5Z", "2027-03-02T10:15:00.500000+00:00"),
        ("2027-03-02T12:15:00.123456789+02:00", "2027-03-02T10:15:00.123456+00:00"),
        ("2027-03-02T10:15:00", "2027-03-02T10:15:00.000000+00:00"),
        ("2027-03-02t10:15:00z", "2027-03-02T10:15:00.000000+00:00"),
    ],
)
def test_times_are_put_into_one_form_whose_text_order_is_time_order(
    time: str, stamp: str
) -> None:
    assert version(updatedAt=time).stamp == stamp


@pytest.mark.parametrize(
    "time", [17, "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00", "soon"]
)
def test_a_time_that_cannot_be_put_into_utc_makes_the_body_unreadable(
    time: JsonValue,
) -> None:
    with pytest.raises(UnreadableError) as caught:
        version(updatedAt=time)

    assert caught.value.path == "$.return.updatedAt"


def test_the_newest_time_that_is_known_orders_two_bodies() -> None:
    created = {"createdAt": "2027-01-01T00:00:00Z"}
    at = {"at": "2027-01-03T00:00:00Z"}
    updated = {"updatedAt": "2027-01-02T00:00:00Z"}

    assert version().stamp == version().at == ""
    assert version(**created).stamp == "2027-01-01T00:00:00.000000+00:00"
    assert version(**created, **at).stamp == "2027-01-03T00:00:00.000000+00:00"
    both = version(**created, **at, **updated)
    assert (both.stamp[:10], both.at[:10]) == ("2027-01-02", "2027-01-03")
    assert version(**updated).at == version(**updated).stamp


def test_of_two_readings_with_one_update_time_the_later_is_newer() -> None:
    body = json.dumps({"return": {"id": RETURN_ID, "updatedAt": SEEN.isoformat()}})
    first = Observation("id", "s", "redo", "demo", "poll", SEEN, body.encode())
    later = replace(first, received_at=SEEN + timedelta(seconds=1))

    versions = [source().read(each).version for each in (first, later)]

    assert versions[0] < versions[1]
    assert versions[0].stamp == versions[1].stamp


def test_personal_fields_are_dropped_where_the_settings_say_so() -> None:
    body = (PAYLOADS / "return_created__refund.json").read_bytes()

    view = read(body, Privacy(b"key", drop_personal=True)).view

    assert view.customer is None
    assert view.addresses is None
    assert "Fictiva" not in view.model_dump_json()


def test_the_hash_of_a_gift_card_depends_on_the_key() -> None:
    body = (PAYLOADS / "return_updated__complete_store_credit.json").read_bytes()

    one = read(body, Privacy(b"one")).view.credits[0]
    other = read(body, Privacy(b"other")).view.credits[0]

    assert one.code_last4 == other.code_last4 == "0003"
    assert one.code_hash != other.code_hash
