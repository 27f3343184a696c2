"""An observation survives the way through `returns.raw`."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import UnreadableError
from bridge.platforms.contract import Observation
from bridge.streams.raw import from_raw, observation_id, to_raw
from bridge.streams.records import Outgoing, Record
from tests.unit.inbound.door import NOW

OBSERVATION = Observation(
    id="d-1",
    subject="redo/shop/r1",
    platform="redo",
    account="shop",
    channel="webhook",
    received_at=NOW,
    body=b'{"id": "r1"}',
    content_type="text/plain",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def as_read(outgoing: Outgoing) -> Record:
    return Record(
        topic=outgoing.topic,
        partition=0,
        offset=7,
        timestamp=0,
        key=outgoing.key,
        value=outgoing.value,
        headers=dict(outgoing.headers),
    )


@given(
    body=st.binary(),
    subject=st.text(alphabet=st.characters(codec="ascii"), min_size=1),
    content_type=st.text(alphabet=st.characters(codec="latin-1")),
)
def test_an_observation_comes_back_as_it_went(
    body: bytes, subject: str, content_type: str
) -> None:
    observation = replace(
        OBSERVATION, body=body, subject=subject, content_type=content_type
    )

    record = as_read(to_raw(observation, "returns.raw", "d-1"))

    assert from_raw(record) == observation


def test_an_observation_without_a_trace_comes_back_without() -> None:
    observation = replace(OBSERVATION, traceparent=None)

    assert from_raw(as_read(to_raw(observation, "returns.raw"))) == observation


def test_the_sender_s_delivery_id_is_a_header_of_its_own() -> None:
    with_id = to_raw(OBSERVATION, "returns.raw", "d-1")
    without = to_raw(OBSERVATION, "returns.raw")

    assert dict(with_id.headers)["delivery-id"] == b"d-1"
    assert "delivery-id" not in dict(without.headers)


def test_a_record_without_a_key_belongs_to_its_account() -> None:
    record = replace(as_read(to_raw(OBSERVATION, "returns.raw")), key=None)

    assert from_raw(record).subject == "shop"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account", None),
        ("channel", b"pigeon"),
        ("received-at", b"yesterday"),
        ("received-at", datetime(2026, 3, 1).isoformat().encode()),  # noqa: DTZ001  naive on purpose
        ("platform", b"\xff"),
    ],
)
def test_a_record_that_holds_no_observation_is_unreadable(
    name: str, value: bytes | None
) -> None:
    record = as_read(to_raw(OBSERVATION, "returns.raw"))
    headers = {key: held for key, held in record.headers.items() if key != name}
    broken = replace(record, headers=headers | ({} if value is None else {name: value}))

    with pytest.raises(UnreadableError) as raised:
        from_raw(broken)

    assert raised.value.reason == "not_an_observation"


def test_a_plain_delivery_id_is_the_observation_s_id() -> None:
    assert observation_id("shop", "redo/shop/r1", b"{}", "wh_42") == "wh_42"


@pytest.mark.parametrize("odd", ["", "two words", "x" * 129, "naïve\n"])
def test_an_odd_delivery_id_is_hashed(odd: str) -> None:
    made = observation_id("shop", "redo/shop/r1", b"{}", odd)

    assert len(made) == 32
    assert made == observation_id("other", "redo/other/r9", b"[]", odd)


def test_without_a_delivery_id_account_subject_and_body_make_the_id() -> None:
    made = {
        observation_id(account, subject, body, None)
        for account in ("a", "b")
        for subject in ("x", "y")
        for body in (b"1", b"2")
    }

    assert len(made) == 8
