"""What every source promises, whatever platform it speaks for.

A new source joins with one line in `CASES`: its settings, how its sender proves
itself with the first and with the second secret, and two bodies it understands.
"""

import base64
import contextlib
import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, SecretStr

from bridge.errors import AuthenticityError, UnreadableError
from bridge.platforms.contract import (
    AccountOptions,
    Channel,
    GoodsFacts,
    GoodsReport,
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
    Requests,
)
from bridge.platforms.loop.options import LoopAccount
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.returngo.options import ReturnGoAccount
from bridge.platforms.returnlogic.options import ReturnLogicAccount
from bridge.platforms.warehouse.options import WarehouseAccount
from bridge.platforms.warehouse.signing import sign

NOW = datetime.now(UTC)
PAYLOADS = Path(__file__).parents[1] / "payloads"
SECRETS = ("whsec_b2xkLXNlY3JldC1vZi10ZXN0cw==", "whsec_bmV3LXNlY3JldC1vZi10ZXN0cw==")
STRANGE = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0"


def bearer(secret: str, body: bytes) -> dict[str, str]:
    """Prove by bearer token; the body is not covered."""
    del body
    return {"authorization": f"Bearer {secret}"}


def loop_signature(secret: str, body: bytes) -> dict[str, str]:
    """Prove by base64 of HMAC-SHA256 over the raw body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"x-loop-signature": base64.b64encode(digest).decode()}


IN_PATH = ":token"  # no header has such a name


def in_path(secret: str, body: bytes) -> dict[str, str]:
    """Prove by a token that ends the path; the body is not covered."""
    del body
    return {IN_PATH: secret}


def standard_webhooks(secret: str, body: bytes) -> dict[str, str]:
    """Prove per Standard Webhooks; the library asks the wall clock."""
    now = datetime.now(UTC)  # not when this file was read: signatures age
    return sign([SecretStr(secret)], "message-1", now, body.decode())


@dataclass(frozen=True)
class Case:
    """One source under test; `prove` makes the headers for (secret, body).

    `channel` is how bodies come that it reads: who signs nothing is asked back.
    """

    account: AccountOptions
    prove: Callable[[str, bytes], dict[str, str]]
    bodies: tuple[bytes, ...] = field(repr=False)
    channel: Channel = "webhook"


def secrets() -> tuple[SecretStr, ...]:
    return tuple(map(SecretStr, SECRETS))


def bodies(platform: str, *names: str) -> tuple[bytes, ...]:
    return tuple((PAYLOADS / platform / f"{name}.json").read_bytes() for name in names)


REDO_BODIES = ("return_updated__several_shipments", "return_get__delivered")
LOOP_BODIES = (
    "return.updated__in_transit",
    "return_details__closed",
    "label.updated__in_transit",
    "label.request.issued__integer_id",
    "giftcard.requested__out_of_stock_return_id_null",
    "restock.requested__basic",
    "return.processing.failed__api",
    "shipment.processed__basic",
)


RETURNGO_BODIES = (
    "rma_detail__exchanged",
    "rma_detail__refund_failed_with_bank_details",
)


def warehouse_bodies() -> tuple[bytes, ...]:
    total: JsonValue = {"line_key": "1", "sku": "S", "expected": 1, "received": 1}
    fact = {"id": "f1", "kind": "received", "sku": "S", "quantity": 1}
    shared = {"wms_return_id": "w1", "reference": None}
    time = {"occurred_at": "2027-03-14T12:00:00Z"}
    snapshot = {"status": "processing", **time, "lines": [total], **shared}
    facts = {"facts": [{**fact, **time}], **shared}
    return (
        json.dumps({"spec": "wms.return-snapshot/1", **snapshot}).encode(),
        json.dumps({"spec": "wms.warehouse-facts/1", **facts}).encode(),
    )


CASES = {
    "redo": Case(
        RedoAccount(webhook_tokens=secrets()), bearer, bodies("redo", *REDO_BODIES)
    ),
    "loop": Case(
        LoopAccount(webhook_secrets=secrets()),
        loop_signature,
        bodies("loop", *LOOP_BODIES),
    ),
    "returngo": Case(
        ReturnGoAccount(shop="demo.example", webhook_tokens=secrets()),
        in_path,
        bodies("returngo", *RETURNGO_BODIES),
        channel="poll",
    ),
    "returnlogic": Case(
        ReturnLogicAccount(webhook_tokens=secrets()),
        in_path,
        bodies("returnlogic", "rma__processed", "confirmed__refund"),
        channel="fetch",
    ),
    "warehouse": Case(
        WarehouseAccount(webhook_secrets=secrets()),
        standard_webhooks,
        warehouse_bodies(),
    ),
}

GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"17",
    b'"text"',
    b"{}",
    b"<html>",
    b"\xff\xfe\x00",
    b'{"return": null}',
    b'{"return": {"id": null}}',
    b'{"return": {"id": {}}}',
    b'{"return": {"id": "../../etc"}}',
    b'{"return": [1]}',
    b'{"wms_return_id": []}',
    b'{"wms_return_id": "a", "reference": 7}',
    b'{"specversion": "1.0"}',
    b'{"specversion": "1.0", "data": []}',
    b'{"a": NaN}',
    b'{"a": "\\ud800"}',
    b"[" * 10_000,
    b'{"return": ' * 10_000,
    b'{"data": ' * 10_000 + b"1" + b"}" * 10_000,
]

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def request(body: bytes, headers: dict[str, str] | None = None) -> InboundRequest:
    given = dict(headers or {})
    return InboundRequest(given, body, NOW, token=given.pop(IN_PATH, ""))


def observation(body: bytes, channel: Channel) -> Observation:
    return Observation("id", "subject", "platform", "main", channel, NOW, body)


@every_case
def test_both_secrets_are_accepted(case: Case) -> None:
    source = case.account.source("main", Privacy(b"key"))

    for secret in SECRETS:
        for body in case.bodies:
            source.authenticate(request(body, case.prove(secret, body)))


@every_case
def test_wrong_and_missing_proof_is_refused(case: Case) -> None:
    source = case.account.source("main", Privacy(b"key"))
    body = case.bodies[0]
    proof = case.prove(SECRETS[0], body)
    emptied = dict.fromkeys(proof, "")
    forged = {name: f"{text}x" for name, text in proof.items()}

    for headers in ({}, emptied, forged, case.prove(STRANGE, body)):
        with pytest.raises(AuthenticityError) as caught:
            source.authenticate(request(body, headers))
        assert STRANGE not in str(caught.value)


@every_case
def test_a_body_that_it_understands_is_located_and_read(case: Case) -> None:
    source = case.account.source("main", Privacy(b"key"))

    for body in case.bodies:
        reading = source.read(observation(body, case.channel))

        assert isinstance(reading, PlatformView | Requests | GoodsReport | GoodsFacts)
        subject = source.locate(request(body))
        assert subject is not None
        assert subject.startswith(f"{source.platform}/{source.account}/")


@every_case
def test_whether_a_body_is_believed_is_told_for_every_body(case: Case) -> None:
    source = case.account.source("main", Privacy(b"key"))

    for body in (*case.bodies, *GARBAGE):
        assert isinstance(source.credible(request(body)), bool)


@every_case
def test_one_body_read_twice_says_the_same(case: Case) -> None:
    source = case.account.source("main", Privacy(b"key"))

    for body in case.bodies:
        assert source.read(observation(body, case.channel)) == source.read(
            observation(body, case.channel)
        )


@every_case
@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: repr(body[:30]))
def test_garbage_is_located_nowhere_or_somewhere_and_is_unreadable(
    case: Case, body: bytes
) -> None:
    source = case.account.source("main", Privacy(b"key"))

    subject = source.locate(request(body))

    assert subject is None or subject.count("/") == 2
    source.delivery_id(request(body))
    with pytest.raises(UnreadableError) as caught:
        source.read(observation(body, case.channel))
    assert caught.value.path.startswith("$")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def bend(value: JsonValue, draw: st.DrawFn) -> JsonValue:
    """Put something else in one place of `value`, at any depth."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: bend(value[name], draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        return [bend(value[0], draw), *value[1:]]
    bent: JsonValue = draw(json_values)
    return bent


@st.composite
def bent_bodies(draw: st.DrawFn) -> tuple[Case, bytes]:
    case = draw(st.sampled_from(list(CASES.values())))
    content = copy.deepcopy(json.loads(draw(st.sampled_from(case.bodies))))
    return case, json.dumps(bend(content, draw)).encode()


@settings(max_examples=200, deadline=None)
@given(bent_bodies())
def test_a_bent_body_is_read_or_unreadable_and_nothing_else(
    bent: tuple[Case, bytes],
) -> None:
    case, body = bent
    source = case.account.source("main", Privacy(b"key"))

    source.locate(request(body))
    with contextlib.suppress(UnreadableError):
        reading = source.read(observation(body, case.channel))

        assert isinstance(reading, PlatformView | Requests | GoodsReport | GoodsFacts)


@pytest.mark.parametrize("name", ["returngo", "returnlogic"])
def test_what_nobody_signed_is_neither_believed_nor_read(name: str) -> None:
    case = CASES[name]
    source = case.account.source("main", Privacy(b"key"))

    for body in case.bodies:
        assert not source.credible(request(body))
        with pytest.raises(UnreadableError):
            source.read(observation(body, "webhook"))
