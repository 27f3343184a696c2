"""The door over real sockets: who is slow, endless or one too many is cut off."""

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Self

import pytest

from bridge.errors import ConfigError
from bridge.inbound.options import InboundOptions
from bridge.inbound.serve import HttpServer
from tests.unit.inbound.door import TOKEN, FakeKafka, FakeSource, metric, whole_app

Serve = Callable[[InboundOptions], Awaitable[int]]
BODY = b'{"id": "r1"}'
SOON = timedelta(milliseconds=100)
MEGABYTE = 1024 * 1024


class Sender:
    """A raw connection: it sends what it is told and reads until it is cut off."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self._port
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def send(self, sent: bytes) -> None:
        self.writer.write(sent)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Return all that comes until the connection is closed, within 5 s."""
        came = b""
        with suppress(ConnectionError):  # who still sends when cut off is reset
            async with asyncio.timeout(5):
                while part := await self.reader.read(65_536):
                    came += part
        return came

    async def flood(self, part: bytes, *, at_most: int) -> int:
        """Send `part` again and again until cut off; return the bytes sent."""
        sent = 0
        with suppress(ConnectionError):
            while sent < at_most and not self.reader.at_eof():
                await self.send(part)
                sent += len(part)
        return sent


def head(*lines: str, method: str = "POST") -> bytes:
    fixed = (
        f"{method} /hooks/shop HTTP/1.1",
        "host: bridge",
        f"authorization: Bearer {TOKEN}",
    )
    return ("\r\n".join([*fixed, *lines, "", ""])).encode()


WHOLE = head(f"content-length: {len(BODY)}") + BODY


@pytest.fixture
def memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


# ---------------------------------------------------------------- bodies


async def test_a_stated_body_over_the_limit_is_refused_before_it_is_sent(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0, body_limit=1_000))

    async with Sender(port) as sender:
        await sender.send(head("content-length: 1001", "expect: 100-continue"))
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert b"urn:returns-bridge:problem:body-too-large" in answer
    assert fake_kafka.records == []


async def test_a_sender_of_too_much_still_sees_why(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, body_limit=1_000))
    length = 4 * MEGABYTE

    async with Sender(port) as sender:
        await sender.send(head(f"content-length: {length}") + b"x" * length)
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.usefixtures("memory")
async def test_a_chunked_body_that_never_ends_is_cut_off_in_bounded_memory(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0, body_limit=MEGABYTE))
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    async with Sender(port) as sender:
        await sender.send(head("transfer-encoding: chunked"))
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        sent = await sender.flood(chunk, at_most=200 * MEGABYTE)
        _, peak = tracemalloc.get_traced_memory()

    assert sent < 40 * MEGABYTE
    assert peak - before < 6 * MEGABYTE
    assert fake_kafka.records == []


@pytest.mark.parametrize(
    "framing", ["content-length: 1000", "transfer-encoding: chunked"]
)
async def test_a_body_that_does_not_come_is_given_up(
    serve: Serve, fake_kafka: FakeKafka, framing: str
) -> None:
    port = await serve(InboundOptions(port=0, body_timeout=SOON))

    async with Sender(port) as sender:
        await sender.send(head(framing))
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert fake_kafka.records == []


async def test_a_body_that_drips_is_given_up(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, body_timeout=SOON))

    async with Sender(port) as sender:
        await sender.send(head("content-length: 1000"))
        dripping = asyncio.create_task(drip(sender))
        answer = await sender.rest()
        dripping.cancel()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def drip(sender: Sender) -> None:
    with suppress(ConnectionError):
        while True:
            await sender.send(b"x")
            await asyncio.sleep(0.01)


async def test_a_sender_that_goes_away_leaves_nothing(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0))
    labels = {"account": "shop", "result": "refused", "reason": "disconnected"}
    before = metric("inbound_requests_total", **labels)

    async with Sender(port) as sender:
        await sender.send(head("content-length: 1000") + b"x" * 10)
    async with asyncio.timeout(5):
        while metric("inbound_requests_total", **labels) == before:  # noqa: ASYNC110  a metric tells nobody
            await asyncio.sleep(0.01)

    assert fake_kafka.records == []


async def test_endless_trailers_are_cut_off(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, head_limit=2_048))

    async with Sender(port) as sender:
        await sender.send(head("transfer-encoding: chunked") + b"c\r\n" + BODY)
        await sender.send(b"\r\n0\r\n")
        sent = await sender.flood(
            b"x-more: " + b"y" * 500 + b"\r\n", at_most=99 * MEGABYTE
        )

    assert sent < 20 * MEGABYTE


# ---------------------------------------------------------------- heads


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"POST /hooks/shop HTTP/1.1\r\nhost"])
async def test_a_head_that_does_not_come_is_given_up(
    serve: Serve, begun: bytes
) -> None:
    port = await serve(InboundOptions(port=0, head_timeout=SOON))
    before = metric("connections_refused_total", reason="slow_head")

    async with Sender(port) as sender:
        await sender.send(begun)
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:returns-bridge:problem:slow-head" in answer
    assert metric("connections_refused_total", reason="slow_head") == before + 1


async def test_a_head_that_drips_is_given_up(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, head_timeout=SOON))

    async with Sender(port) as sender:
        await sender.send(b"POST /hooks/shop HTTP/1.1\r\nx-slow: ")
        dripping = asyncio.create_task(drip(sender))
        answer = await sender.rest()
        dripping.cancel()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_second_head_that_drips_is_given_up_as_well(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, head_timeout=SOON))

    async with Sender(port) as sender:
        await sender.send(WHOLE)
        await sender.reader.readuntil(b"\r\n\r\n")
        await sender.send(b"POST /ho")
        dripping = asyncio.create_task(drip(sender))
        answer = await sender.rest()
        dripping.cancel()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_head_without_end_is_cut_off(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, head_limit=4_096))

    async with Sender(port) as sender:
        await sender.send(b"POST /hooks/shop HTTP/1.1\r\nx-long: " + b"y" * 8_192)
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_what_is_no_http_is_told_so(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0))

    async with Sender(port) as sender:
        await sender.send(b"\x16\x03\x01 this is TLS\r\n\r\n")
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"urn:returns-bridge:problem:bad-request" in answer


@pytest.mark.parametrize("asked", ["CONNECT bridge:443", "PRI *"])
async def test_another_protocol_is_declined(serve: Serve, asked: str) -> None:
    port = await serve(InboundOptions(port=0))

    async with Sender(port) as sender:
        await sender.send(f"{asked} HTTP/1.1\r\nhost: bridge\r\n\r\n".encode())
        answer = await sender.rest()

    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_one_connection_too_many_is_told_to_come_back(serve: Serve) -> None:
    port = await serve(InboundOptions(port=0, connection_limit=1))

    async with Sender(port) as first:
        await first.send(WHOLE)
        kept = await first.reader.readuntil(b"\r\n\r\n")
        async with Sender(port) as second:
            refused = await second.rest()

    assert kept.startswith(b"HTTP/1.1 202 ")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after" in refused


# ---------------------------------------------------------------- well-behaved senders


async def test_a_connection_serves_many_webhooks(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0))

    async with Sender(port) as sender:
        for _ in range(3):
            await sender.send(WHOLE)
            answer = await sender.reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 202 ")

    assert [record.value for record in fake_kafka.records] == [BODY] * 3


async def test_pipelined_webhooks_are_all_kept_with_their_own_heads(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0))
    last = head(f"content-length: {len(BODY)}", "x-delivery: 3", "connection: close")

    async with Sender(port) as sender:
        await sender.send(WHOLE + WHOLE + last + BODY)
        answers = await sender.rest()

    assert answers.count(b"HTTP/1.1 202 ") == 3
    assert dict(fake_kafka.records[2].headers)["delivery-id"] == b"3"


async def test_an_offer_to_upgrade_does_not_cost_the_body(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0))
    offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: A")

    async with Sender(port) as sender:
        await sender.send(head(f"content-length: {len(BODY)}", *offer) + BODY)
        first = await sender.reader.readuntil(b"\r\n\r\n")
        await sender.send(WHOLE)
        second = await sender.reader.readuntil(b"\r\n\r\n")

    assert first.startswith(b"HTTP/1.1 202 ")
    assert second.startswith(b"HTTP/1.1 202 ")
    assert [record.value for record in fake_kafka.records] == [BODY, BODY]


async def test_a_chunked_webhook_with_trailers_is_kept(
    serve: Serve, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0))
    chunks = b"c\r\n" + BODY + b"\r\n0\r\nx-delivery: late\r\n\r\n"

    async with Sender(port) as sender:
        await sender.send(head("transfer-encoding: chunked") + chunks)
        answer = await sender.reader.readuntil(b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert [record.value for record in fake_kafka.records] == [BODY]


async def test_a_webhook_under_way_is_answered_before_the_server_stops(
    source: FakeSource, fake_kafka: FakeKafka
) -> None:
    server = HttpServer(whole_app(source, fake_kafka), InboundOptions(port=0))
    port = await server.start()
    fake_kafka.gate.clear()

    async with Sender(port) as sender:
        await sender.send(WHOLE)
        await fake_kafka.asked.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        fake_kafka.gate.set()
        answer = await sender.rest()
        await stopping

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert len(fake_kafka.records) == 1


async def test_a_taken_port_is_said_so(
    serve: Serve, source: FakeSource, fake_kafka: FakeKafka
) -> None:
    port = await serve(InboundOptions(port=0))
    second = HttpServer(whole_app(source, fake_kafka), InboundOptions(port=port))

    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
        await second.start()


async def test_a_server_that_was_not_started_stops(
    source: FakeSource, fake_kafka: FakeKafka
) -> None:
    server = HttpServer(whole_app(source, fake_kafka), InboundOptions(port=0))

    await server.stop()

    assert await server.start() > 0
    await server.stop()
