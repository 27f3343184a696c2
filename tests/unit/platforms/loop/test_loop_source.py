"""Is a Loop webhook genuine, and which subject is it about."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.errors import AuthenticityError
from bridge.platforms.contract import InboundRequest, Privacy
from bridge.platforms.loop.source import Dialect, LoopSource

FOLDER = Path(__file__).parents[3] / "payloads" / "loop"
VECTORS = json.loads((FOLDER / "hmac_vectors.json").read_bytes())
HEADER = "x-loop-signature"
NOW = datetime(2027, 6, 1, tzinfo=UTC)
FIRST = VECTORS["vectors"][0]
BODY = (FOLDER / FIRST["file"]).read_bytes()
GOOD = FIRST["X-Loop-Signature"]


def source(*secrets: str, dialect: Dialect | None = None) -> LoopSource:
    keys = tuple(map(SecretStr, secrets or (VECTORS["secret"],)))
    return LoopSource("main", keys, Privacy(b"key"), dialect)


def request(body: bytes, **headers: str) -> InboundRequest:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return InboundRequest(named, body, NOW)


def named(text: str) -> str:
    return json.dumps(json.loads(text))


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda each: each["file"])
def test_a_signed_body_of_the_vendor_is_genuine(vector: dict[str, str]) -> None:
    body = (FOLDER / vector["file"]).read_bytes()

    assert len(body) == int(vector["bytes"])
    source().authenticate(request(body, x_loop_signature=vector["X-Loop-Signature"]))


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (BODY + b"\n", GOOD),
        (json.dumps(json.loads(BODY), separators=(",", ":")).encode(), GOOD),
        (BODY, "f3870ad8"),
        (BODY, GOOD.rstrip("=")),
        (BODY, GOOD.swapcase()),
        (BODY, "\ud800"),
        (BODY, "ä"),
    ],
)
def test_any_other_writing_or_signature_is_refused(body: bytes, signature: str) -> None:
    with pytest.raises(AuthenticityError) as caught:
        source().authenticate(request(body, x_loop_signature=signature))

    assert caught.value.reason == "wrong_signature"


def test_a_missing_signature_is_told_apart() -> None:
    with pytest.raises(AuthenticityError) as caught:
        source().authenticate(request(BODY))

    assert caught.value.reason == "missing_signature"


def test_the_header_of_another_server_is_configured() -> None:
    other = source(VECTORS["secret"], dialect=Dialect("x-redo-signature"))

    other.authenticate(request(BODY, x_redo_signature=GOOD))


def test_two_secrets_are_valid_while_one_replaces_the_other() -> None:
    source("new", VECTORS["secret"]).authenticate(request(BODY, x_loop_signature=GOOD))


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ('{"topic":"return","id":"900411"}', "loop/main/900411"),
        ('{"topic":"return","id":900411}', "loop/main/900411"),
        ('{"topic":"return","id":900411.0}', "loop/main/900411"),
        ('{"topic":"restock","id":7}', "loop/main/7"),
        ('{"topic":"label","id":"7","shipment_id":9}', "loop/main/7"),
        ('{"topic":"label.request","id":9,"return_id":7}', "loop/main/7"),
        ('{"topic":"return.processing","return_id":7}', "loop/main/7"),
        ('{"topic":"giftcard","id":9,"return_id":"7"}', "loop/main/7"),
        ('{"topic":"giftcard","id":9,"return_id":null}', "loop/main/giftcard-9"),
        (
            '{"topic":"happy.returns.shipment","loop_shipment_id":5}',
            "loop/main/shipment-5",
        ),
        ('{"id":"900411"}', "loop/main/900411"),
        ('{"topic":"return","id":true}', None),
        ('{"topic":"return","id":"a/b"}', None),
        ('{"topic":"return","return_id":"7"}', None),
        ('{"topic":"label.request","id":9}', None),
        ('{"topic":"giftcard","id":null,"return_id":null}', None),
        ('{"topic":7,"id":"7"}', "loop/main/7"),
        ('["7"]', None),
        ("<html>", None),
    ],
)
def test_the_subject_stands_where_the_topic_keeps_it(
    body: str, subject: str | None
) -> None:
    assert source().locate(request(body.encode())) == subject


@pytest.mark.parametrize(
    ("body", "believed"),
    [
        ('{"topic":"return","id":1}', False),
        ('{"topic":"label","id":1}', True),
        ('{"topic":"giftcard","id":1}', True),
        ("<html>", True),
    ],
)
def test_a_topic_to_be_confirmed_is_a_hint(body: str, *, believed: bool) -> None:
    doubting = source(dialect=Dialect(confirm={"return"}))

    assert doubting.credible(request(body.encode())) is believed
    assert source().credible(request(body.encode()))


def test_deliveries_have_no_id() -> None:
    assert source().delivery_id(request(BODY)) is None
