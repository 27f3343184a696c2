"""`returns-bridge sandbox returngo|returnlogic` as processes: they serve and stop."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.unsigned import DEMO_KEY, DEMO_SHOP

Until = Callable[[Callable[[], bool]], Awaitable[None]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@asynccontextmanager
async def sandbox(*arguments: str) -> AsyncIterator[str]:
    """Run the command until the block ends; give the address that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "sandbox", *arguments),
        *("--port", str(free_port())),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        address = (await process.stdout.readline()).decode().strip()
    try:
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await process.communicate()
    assert process.returncode == 0


@asynccontextmanager
async def hook(taken: list[bytes]) -> AsyncIterator[str]:
    """Serve a receiver of webhooks."""

    async def take(request: Request) -> Response:
        taken.append(await request.body())
        return Response(status_code=202)

    server = LoopbackServer(
        Starlette(routes=[Route("/hooks/demo/token", take, methods=["POST"])])
    )
    await server.start()
    yield f"{server.url}/hooks/demo/token"
    await server.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("platform", "path", "headers"),
    [
        (
            "returngo",
            "/rmas?pagesize=5",
            {"x-api-key": DEMO_KEY, "x-shop-name": DEMO_SHOP},
        ),
        ("returnlogic", "/rmas", {"authorization": f"Bearer {DEMO_KEY}"}),
    ],
)
async def test_it_serves_shops_and_sends_until_it_is_stopped(
    platform: str, path: str, headers: dict[str, str], until: Until
) -> None:
    taken: list[bytes] = []
    async with hook(taken) as url, httpx.AsyncClient(headers=headers) as client:
        arguments = (platform, "--hook", url, "--rate", "20", "--faults", "none")
        async with sandbox(*arguments) as address:
            await until(lambda: len(taken) > 2)
            answer = await client.get(f"{address}{path}")

    assert answer.status_code == 200
    assert answer.json()


@pytest.mark.timeout(120)
async def test_without_a_hook_and_a_rate_it_only_answers() -> None:
    headers = {"x-api-key": DEMO_KEY, "x-shop-name": DEMO_SHOP}
    arguments = ("returngo", "--rate", "0", "--per-day", "1")
    async with sandbox(*arguments) as url, httpx.AsyncClient(headers=headers) as client:
        answers = [await client.get(f"{url}/rmas?pagesize=5") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
