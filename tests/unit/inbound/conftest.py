"""The door with its fakes, over ASGI and over real sockets."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from bridge.inbound.options import InboundOptions
from bridge.inbound.serve import HttpServer
from tests.unit.inbound.door import TOKEN, FakeKafka, FakeSource, whole_app


@pytest.fixture
def fake_kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource("redo", "shop")


@pytest.fixture
def client(
    source: FakeSource, fake_kafka: FakeKafka
) -> Callable[[InboundOptions], httpx.AsyncClient]:
    """Return a maker of clients of the app, genuine unless told otherwise."""

    def make(options: InboundOptions) -> httpx.AsyncClient:
        app = whole_app(source, fake_kafka, options)
        transport = httpx.ASGITransport(app=app)
        return httpx.AsyncClient(
            transport=transport,
            base_url="http://bridge",
            headers={"authorization": f"Bearer {TOKEN}"},
        )

    return make


@pytest.fixture
async def serve(
    source: FakeSource, fake_kafka: FakeKafka
) -> AsyncIterator[Callable[[InboundOptions], Awaitable[int]]]:
    """Return a starter of real servers on loopback; it gives the port."""
    servers: list[HttpServer] = []

    async def start(options: InboundOptions) -> int:
        server = HttpServer(whole_app(source, fake_kafka, options), options)
        servers.append(server)
        return await server.start()

    yield start

    for server in servers:
        await server.stop()
