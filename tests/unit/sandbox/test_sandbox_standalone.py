import json
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.errors import ConfigError
from bridge.sandbox.calls import read_calls
from bridge.sandbox.sandbox import signing_secret
from bridge.sandbox.server import LoopbackServer
from tests.support import loopback
from tests.support.broker import free_port
from tests.support.sandboxes import started, stopped
from tests.support.waiting import wait_until

SOON = timedelta(seconds=15)
Until = Callable[[Callable[[], bool]], Awaitable[None]]

SHOP = """
import asyncio, datetime
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import ShopRun, run_shop
run = ShopRun("{url}/hook", dock_url="{url}", returns=1, api_token="a",
              webhook_token="w", every=datetime.timedelta(0))
asyncio.run(run_shop(run, Place(port={port}), Manners()))
"""

WAREHOUSE = """
import asyncio, pathlib
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import WarehouseRun, run_warehouse
run = WarehouseRun("{url}/hook", token="t", secret="{secret}",
                   report_secret="{secret}")
manners = Manners(calls_file=pathlib.Path("{calls}"))
asyncio.run(run_warehouse(run, Place(port={port}), manners))
"""


@pytest.mark.timeout(60)
async def test_a_shop_alone_sends_webhooks_and_parcels_until_it_is_stopped(
    until: Until,
) -> None:
    taken: dict[str, list[bytes]] = {"/hook": [], "/dock/parcels": []}

    async def take(request: Request) -> Response:
        taken[request.url.path].append(await request.body())
        return Response(status_code=202)

    routes = [Route(path, take, methods=["POST"]) for path in taken]
    server = LoopbackServer(Starlette(routes=routes))
    await server.start()
    shop = await started("-c", SHOP.format(url=server.url, port=free_port()))
    await until(lambda: bool(taken["/dock/parcels"]))

    printed = await stopped(shop)
    await server.stop()

    statuses = [json.loads(body)["return"]["status"] for body in taken["/hook"]]
    assert statuses[:2] == ["open", "in_transit"]
    assert json.loads(taken["/dock/parcels"][0])["tracking_number"]
    assert "return created" in printed


@pytest.mark.timeout(60)
async def test_a_warehouse_alone_notes_its_calls_in_a_file(
    until: Until, tmp_path: Path
) -> None:
    port, calls = free_port(), tmp_path / "calls.jsonl"
    program = WAREHOUSE.format(
        url="http://127.0.0.1:9", port=port, secret=signing_secret(), calls=calls
    )
    warehouse = await started("-c", program)
    async with loopback.client(base_url=f"http://127.0.0.1:{port}") as client:
        await wait_until(lambda: answers(client), what="an answer", within=SOON)
        await client.get("/inbound-returns/redo.demo.1-1")

    await until(calls.exists)
    await stopped(warehouse)

    [call] = [call for call in read_calls(calls) if call.reference]
    assert (call.subject, call.status, call.server) == ("redo/demo/1", 401, "warehouse")


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        await client.get("/inbound-returns")
    except httpx.TransportError:
        return False
    return True


async def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]

        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} .* in use"):
            await LoopbackServer(Starlette(), port=port).start()
