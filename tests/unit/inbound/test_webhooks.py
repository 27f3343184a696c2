"""The door over ASGI: what is kept, what is refused, and what is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.errors import UnavailableError
from bridge.inbound.options import AnswerOptions, InboundOptions
from bridge.inbound.webhooks import Webhooks
from bridge.streams.topics import TopicNames
from tests.unit.inbound.door import (
    NOW,
    TOKEN,
    FakeKafka,
    FakeSource,
    FixedClock,
    metric,
)

Client = Callable[[InboundOptions], httpx.AsyncClient]
BODY = b'{ "id": "r1",  "customer": {"email": "ann@example.org"} }'
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PLAIN = InboundOptions()


async def post(client: Client, body: bytes = BODY, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client(PLAIN) as sender:
        return await sender.post("/hooks/shop", content=body, headers=named)


def assert_problem(response: httpx.Response, status: int, reason: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:returns-bridge:problem:{reason}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


# ---------------------------------------------------------------- accepted


async def test_of_a_body_that_is_not_believed_only_its_subject_goes_on(
    client: Client, fake_kafka: FakeKafka, source: FakeSource
) -> None:
    source.believed = False

    response = await post(client, x_delivery="d-1")

    assert response.status_code == 202
    (record,) = fake_kafka.records
    assert (record.topic, record.key) == ("returns.hints", b"redo/shop/r1")
    assert b"example.org" not in (record.value or b"")
    assert dict(record.headers)["ce_causationid"] == b"d-1"


async def test_a_body_over_which_belief_stumbles_becomes_a_hint(
    client: Client, fake_kafka: FakeKafka
) -> None:
    response = await post(client, b'{"id": "deep"}')

    assert response.status_code == 202
    assert fake_kafka.records[0].topic == "returns.hints"


async def test_a_body_without_a_subject_is_kept_whole_also_if_it_is_not_believed(
    client: Client, fake_kafka: FakeKafka, source: FakeSource
) -> None:
    source.believed = False

    await post(client, b'{"no": "id"}')

    (record,) = fake_kafka.records
    assert (record.topic, record.key) == ("returns.raw", b"shop")


async def test_an_accepted_webhook_is_kept_byte_for_byte_under_its_subject(
    client: Client, fake_kafka: FakeKafka
) -> None:
    response = await post(
        client, content_type="application/json; charset=utf-8", x_delivery="d-1"
    )

    assert response.status_code == 202
    (record,) = fake_kafka.records
    assert record.topic == "returns.raw"
    assert record.key == b"redo/shop/r1"
    assert record.value == BODY
    assert dict(record.headers) == {
        "observation": b"d-1",
        "platform": b"redo",
        "account": b"shop",
        "channel": b"webhook",
        "received-at": NOW.isoformat().encode(),
        "content-type": b"application/json; charset=utf-8",
        "delivery-id": b"d-1",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{}",
        b"null",
        b"[1, 2]",
        b'"\\ud800"',
        b'{"id": NaN}',
        b"\xff\xfe\x00",
        b"[" * 10_000,
        b'{"a":' * 10_000,
    ],
    ids=lambda body: f"{body[:8]!r}x{len(body)}",
)
async def test_a_body_that_cannot_be_read_is_kept_under_its_account(
    client: Client, fake_kafka: FakeKafka, body: bytes
) -> None:
    response = await post(client, body)

    assert response.status_code == 202
    assert [(each.key, each.value) for each in fake_kafka.records] == [(b"shop", body)]


async def test_a_body_over_which_its_source_stumbles_is_kept(
    client: Client, fake_kafka: FakeKafka, source: FakeSource
) -> None:
    source.stumbles = True

    response = await post(client)

    assert response.status_code == 202
    assert fake_kafka.records[0].key == b"shop"


async def test_an_answer_waits_for_kafka(client: Client, fake_kafka: FakeKafka) -> None:
    fake_kafka.gate.clear()

    answering = asyncio.create_task(post(client))
    await fake_kafka.asked.wait()
    answered_early = answering.done()
    fake_kafka.gate.set()
    response = await answering

    assert not answered_early
    assert response.status_code == 202


async def test_an_account_is_answered_its_own_way(
    client: Client, fake_kafka: FakeKafka
) -> None:
    ways = AnswerOptions(
        status=200,
        body='{"received": true}',
        kafka_wait=timedelta(seconds=2),
        allow_head=True,
    )

    async with client(InboundOptions(answers={"shop": ways})) as sender:
        posted = await sender.post("/hooks/shop", content=BODY)
        tried = await sender.head("/hooks/shop")

    assert (posted.status_code, posted.json()) == (200, {"received": True})
    assert tried.status_code == 200
    assert fake_kafka.waits == [timedelta(seconds=2)]


async def test_a_delivery_without_an_id_is_known_by_its_content(
    client: Client, fake_kafka: FakeKafka
) -> None:
    for body in (BODY, BODY, BODY + b" "):
        await post(client, body)

    first, again, other = (
        dict(record.headers)["observation"] for record in fake_kafka.records
    )
    assert first == again
    assert first != other
    assert len(first) == 32


async def test_only_a_well_formed_traceparent_travels_on(
    client: Client, fake_kafka: FakeKafka
) -> None:
    await post(client, traceparent=PARENT)
    await post(client, traceparent="00-nonsense")

    with_trace, without = (dict(record.headers) for record in fake_kafka.records)
    assert with_trace["traceparent"] == PARENT.encode()
    assert "traceparent" not in without


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("shown", ["", "Bearer wrong", TOKEN])
async def test_a_wrong_or_missing_token_is_refused_and_nothing_stored(
    client: Client, fake_kafka: FakeKafka, shown: str
) -> None:
    labels = {"account": "shop", "result": "refused", "reason": "wrong_token"}
    before = metric("inbound_requests_total", **labels)

    response = await post(client, authorization=shown)

    assert_problem(response, 401, "unauthentic")
    assert "www-authenticate" in response.headers
    assert fake_kafka.records == []
    assert metric("inbound_requests_total", **labels) == before + 1


async def test_an_unknown_account_costs_as_much_as_a_wrong_token(
    client: Client, fake_kafka: FakeKafka, source: FakeSource
) -> None:
    labels = {"account": "unknown", "result": "refused", "reason": "unknown-account"}
    before = metric("inbound_requests_total", **labels)

    async with client(PLAIN) as sender:
        response = await sender.post("/hooks/nobody", content=BODY)

    assert_problem(response, 404, "unknown-account")
    assert source.asked == 1
    assert fake_kafka.records == []
    assert metric("inbound_requests_total", **labels) == before + 1


async def test_without_accounts_every_account_is_unknown(
    fake_kafka: FakeKafka,
) -> None:
    webhooks = Webhooks(
        {}, fake_kafka.publish, topics=TopicNames(), options=PLAIN, clock=FixedClock()
    )

    transport = httpx.ASGITransport(app=webhooks)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bridge"
    ) as sender:
        response = await sender.post("/hooks/shop", content=BODY)

    assert_problem(response, 404, "unknown-account")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_webhook_is_sent_with_post(client: Client, method: str) -> None:
    async with client(PLAIN) as sender:
        response = await sender.request(method, "/hooks/shop")

    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


async def test_head_is_refused_unless_the_account_allows_it(client: Client) -> None:
    async with client(PLAIN) as sender:
        response = await sender.head("/hooks/shop")

    assert response.status_code == 405


async def test_a_body_at_the_limit_is_kept_and_one_byte_more_is_not(
    client: Client, fake_kafka: FakeKafka
) -> None:
    async with client(InboundOptions(body_limit=100)) as sender:
        fits = await sender.post("/hooks/shop", content=b"x" * 100)
        stated = await sender.post("/hooks/shop", content=b"x" * 101)

    assert fits.status_code == 202
    assert_problem(stated, 413, "body-too-large")
    assert stated.headers["connection"] == "close"
    assert len(fake_kafka.records) == 1


async def test_a_chunked_body_is_cut_off_at_the_limit(
    client: Client, fake_kafka: FakeKafka
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 50

    async with client(InboundOptions(body_limit=100)) as sender:
        response = await sender.post("/hooks/shop", content=chunks())

    assert_problem(response, 413, "body-too-large")
    assert fake_kafka.records == []


async def test_too_much_in_hand_at_once_is_refused_for_now(
    client: Client, fake_kafka: FakeKafka
) -> None:
    stuck = asyncio.Event()
    begun = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"x" * 80
        begun.set()
        await stuck.wait()

    options = InboundOptions(body_limit=100, memory_limit=100)
    async with client(options) as sender:
        first = asyncio.create_task(sender.post("/hooks/shop", content=slowly()))
        await begun.wait()
        second = await sender.post("/hooks/shop", content=b"x" * 30)
        stuck.set()
        kept = await first
        third = await sender.post("/hooks/shop", content=b"x" * 30)

    assert_problem(second, 503, "busy")
    assert second.headers["retry-after"] == "5"
    assert (kept.status_code, third.status_code) == (202, 202)
    assert len(fake_kafka.records) == 2


async def test_a_slow_body_is_given_up(client: Client, fake_kafka: FakeKafka) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    options = InboundOptions(body_timeout=timedelta(milliseconds=50))
    async with client(options) as sender:
        response = await sender.post("/hooks/shop", content=never())

    assert_problem(response, 408, "slow-body")
    assert response.headers["connection"] == "close"
    assert fake_kafka.records == []


# ---------------------------------------------------------------- failures


async def test_kafka_away_is_told_and_the_next_webhook_is_kept(
    client: Client, fake_kafka: FakeKafka
) -> None:
    fake_kafka.away = True
    refused = await post(client)
    fake_kafka.away = False
    kept = await post(client)

    assert_problem(refused, 503, "kafka-unavailable")
    assert refused.headers["retry-after"] == "5"
    assert fake_kafka.waits[0] == timedelta(seconds=4)
    assert kept.status_code == 202


async def test_our_own_mistake_is_a_500_and_stops_nobody(
    client: Client, fake_kafka: FakeKafka
) -> None:
    fake_kafka.broken = RuntimeError("a mistake")
    failed = await post(client)
    fake_kafka.broken = None
    kept = await post(client)

    assert_problem(failed, 500, "failed")
    assert kept.status_code == 202


async def test_no_secret_and_no_body_reaches_the_log(
    client: Client, fake_kafka: FakeKafka
) -> None:
    with capture_logs() as lines:
        await post(client)
        await post(client, authorization="Bearer s3cret")
        fake_kafka.broken = UnavailableError("away")
        await post(client)
        fake_kafka.broken = RuntimeError("a mistake")
        await post(client)

    assert [line["event"] for line in lines] == [
        "webhook.accepted",
        "webhook.refused",
        "webhook.refused",
        "webhook.failed",
        "webhook.refused",
    ]
    told = repr(lines)
    assert not any(secret in told for secret in (TOKEN, "s3cret", "ann@example.org"))
