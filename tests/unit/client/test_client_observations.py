"""Observations of other teams, as the bridge reads them."""

from datetime import UTC, datetime
from typing import cast

import pytest
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaRouter, TestKafkaBroker

from bridge.client.observations import Observation, Observations, observation_id
from bridge.streams.raw import from_raw
from bridge.streams.records import Headers, Record

SUBJECT = "warehouse/acme-east/W-1"


def _observation(body: bytes, traceparent: str | None = None) -> Observation:
    return Observation(
        id=observation_id("acme-east", SUBJECT, body, "scan-1"),
        subject=SUBJECT,
        platform="warehouse",
        account="acme-east",
        channel="webhook",
        received_at=datetime(2026, 11, 12, tzinfo=UTC),
        body=body,
        traceparent=traceparent,
    )


@pytest.mark.parametrize("body", [b'{"spec": 1}', b"\xff\x00 not JSON", b""])
@pytest.mark.parametrize("inside_a_router", [False, True])
async def test_the_bridge_reads_back_what_was_published(
    body: bytes, inside_a_router: object
) -> None:
    broker = KafkaBroker("localhost:9092", logger=None)
    router = KafkaRouter()
    observations = Observations(router if inside_a_router else broker)
    broker.include_router(router)
    written: list[Record] = []

    async def as_it_came(message: KafkaMessage) -> bytes:
        raw = cast("Record", message.raw_message)
        headers = dict(cast("Headers", raw.headers))
        written.append(Record(raw.topic, 0, 0, 0, raw.key, raw.value, headers))
        return raw.value or b""

    @broker.subscriber("returns.raw", decoder=as_it_came)
    async def bridge(body: bytes) -> None:
        assert body is not None

    async with TestKafkaBroker(broker):
        await observations.publish(_observation(body, traceparent="00-a-b-01"))

    assert [from_raw(record) for record in written] == [
        _observation(body, traceparent="00-a-b-01")
    ]
    assert written[0].key == SUBJECT.encode()


async def test_the_senders_own_id_travels_along() -> None:
    broker = KafkaBroker("localhost:9092", logger=None)
    observations = Observations(broker, prefix="shop7")
    headers: list[dict[str, str]] = []

    @broker.subscriber("shop7.raw")
    async def bridge(message: KafkaMessage) -> None:
        headers.append(message.headers)

    async with TestKafkaBroker(broker):
        await observations.publish(_observation(b"{}"), "scan-1")

    assert headers[0]["delivery-id"] == "scan-1"
    assert headers[0]["content-type"] == "application/json"
