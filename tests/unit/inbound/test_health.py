"""Health, readiness, metrics, and what is at no path."""

from collections.abc import Callable

import httpx
import pytest

from bridge.inbound.health import health_app
from bridge.inbound.options import InboundOptions

Client = Callable[[InboundOptions], httpx.AsyncClient]


def of(reason: str | None) -> httpx.AsyncClient:
    async def ready() -> str | None:
        return reason

    transport = httpx.ASGITransport(app=health_app(ready))
    return httpx.AsyncClient(transport=transport, base_url="http://bridge")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_an_orchestrator_may_ask(client: Client, path: str) -> None:
    async with client(InboundOptions()) as orchestrator:
        response = await orchestrator.get(path)

    assert response.status_code == 200


async def test_metrics_are_prometheus_text(client: Client) -> None:
    async with client(InboundOptions()) as orchestrator:
        response = await orchestrator.get("/metrics")

    assert response.headers["content-type"].startswith("text/plain")
    assert "# TYPE returns_bridge_inbound_requests_total counter" in response.text


async def test_a_role_that_is_not_ready_says_why() -> None:
    async with of("kafka_unavailable") as orchestrator:
        response = await orchestrator.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "reason": "kafka_unavailable"}


async def test_a_role_is_alive_though_it_is_not_ready() -> None:
    async with of("kafka_unavailable") as orchestrator:
        response = await orchestrator.get("/healthz")

    assert response.status_code == 200


async def test_health_is_read_only() -> None:
    async with of(None) as orchestrator:
        response = await orchestrator.post("/readyz")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"


async def test_there_is_nothing_elsewhere(client: Client) -> None:
    async with client(InboundOptions()) as orchestrator:
        response = await orchestrator.get("/wp-login.php")

    assert response.status_code == 404
    assert response.json()["type"] == "urn:returns-bridge:problem:not-found"
