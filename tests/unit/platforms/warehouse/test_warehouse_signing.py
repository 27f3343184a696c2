"""Standard Webhooks: the published vectors, rotation, and what is no signature."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.errors import AuthenticityError
from bridge.platforms.warehouse.signing import check_secret, sign, verify

OTHER = SecretStr("whsec_YW5vdGhlci1rZXktZG8tbm90LXVzZS0wMDI=")


def _now() -> datetime:
    return datetime.now(UTC)


def _reason(
    secrets: list[SecretStr], headers: dict[str, str], body: bytes = b"{}"
) -> str:
    with pytest.raises(AuthenticityError) as refused:
        verify(secrets, headers, body)
    return refused.value.reason


def test_the_published_vector_is_met(payloads: Path, secret: SecretStr) -> None:
    vectors = json.loads((payloads / "signature-vectors.json").read_text())
    (vector,) = [one for one in vectors if "Standard Webhooks" in one["scheme"]]
    time = datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)

    headers = sign([secret], vector["headers"]["webhook-id"], time, vector["body_raw"])

    assert headers == {
        **vector["headers"],
        "webhook-signature": vector["expected"],
    }


@pytest.mark.parametrize(
    "example",
    [
        "generic-inbound-snapshot-signed",
        "generic-inbound-facts-signed",
        "generic-outbound-event-structured",
    ],
)
def test_the_signed_examples_are_signed_like_ours(
    payloads: Path, secret: SecretStr, example: str
) -> None:
    request = json.loads((payloads / f"{example}.json").read_text())["request"]
    theirs = request["headers"]
    time = datetime.fromtimestamp(int(theirs["webhook-timestamp"]), UTC)

    ours = sign([secret], theirs["webhook-id"], time, request["body_raw"])

    assert ours["webhook-signature"] == theirs["webhook-signature"]


def test_either_of_two_secrets_proves_the_sender(secret: SecretStr) -> None:
    headers = sign([OTHER], "m1", _now(), "{}")
    both = sign([secret, OTHER], "m1", _now(), "{}")

    verify([secret, OTHER], headers, b"{}")
    verify([secret], both, b"{}")
    verify([OTHER], both, b"{}")

    assert _reason([secret], headers) == "bad_signature"


@pytest.mark.parametrize(
    "missing", ["webhook-id", "webhook-timestamp", "webhook-signature"]
)
def test_a_missing_header_is_told_apart(secret: SecretStr, missing: str) -> None:
    headers = sign([secret], "m1", _now(), "{}")
    del headers[missing]

    assert _reason([secret], headers) == "missing_signature"


@pytest.mark.parametrize("shift", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_replayed_or_future_message_is_old(
    secret: SecretStr, shift: timedelta
) -> None:
    headers = sign([secret], "m1", _now() + shift, "{}")

    assert _reason([secret], headers) == "old_timestamp"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": "v2,AAAA v1,AAAA"},
        {"webhook-signature": "v1,\N{LATIN SMALL LETTER E WITH ACUTE}"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e400"},
        {"webhook-id": "m2"},
    ],
)
def test_a_header_that_does_not_fit_is_a_bad_signature(
    secret: SecretStr, change: dict[str, str]
) -> None:
    headers = sign([secret], "m1", _now(), "{}") | change

    assert _reason([secret], headers) == "bad_signature"


def _signed_bytes(secret: SecretStr, body: bytes, timestamp: str) -> dict[str, str]:
    key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"))
    text = f"m1.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": "m1",
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{digest}",
    }


def test_a_genuine_body_that_is_no_text_is_genuine(secret: SecretStr) -> None:
    body = b"\xff\xfe\x00"
    headers = _signed_bytes(secret, body, str(int(_now().timestamp())))

    verify([secret], headers, body)

    assert _reason([OTHER], headers, body) == "bad_signature"


def test_a_body_that_is_no_text_can_be_too_old_as_well(secret: SecretStr) -> None:
    body = b"\xff"

    assert _reason([secret], _signed_bytes(secret, body, "1"), body) == "old_timestamp"
    endless = _signed_bytes(secret, body, "9" * 30)
    assert _reason([secret], endless, body) == "bad_signature"


def test_the_signature_of_an_empty_body_does_not_prove_bytes(
    secret: SecretStr,
) -> None:
    headers = sign([secret], "m1", _now(), "")

    assert _reason([secret], headers, b"\xff") == "bad_signature"


@pytest.mark.parametrize("text", ["whsec_", "whsec_\N{SNOWMAN}", "bm90IHByZWZpeGVk"])
def test_a_secret_that_cannot_sign_is_refused_unrepeated(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_") as refused:
        check_secret(SecretStr(text))

    assert text == "whsec_" or text not in str(refused.value)


def test_a_fitting_secret_is_taken(secret: SecretStr) -> None:
    assert check_secret(secret) == secret
