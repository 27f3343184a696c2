"""A bridge in a process of its own, with its door open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import httpx

from bridge.app.benchmarks.bodies import ACCOUNT
from bridge.app.benchmarks.child import Child, started
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.orders import Listening, ServeOrder
from bridge.clock import Clock
from bridge.errors import BridgeError

PATH = f"/hooks/{ACCOUNT}"

_READY_LIMIT = timedelta(seconds=60)
_LOOK = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class Door:
    """Where the bridge listens, and its process."""

    port: int
    child: Child


@asynccontextmanager
async def opened(
    ground: Ground, role: str, clock: Clock, warehouse: str | None = None
) -> AsyncIterator[Door]:
    """Start a bridge with `role`; it is ready, and stopped afterwards."""
    order = ServeOrder(tree=ground.tree(warehouse), secrets=ground.secrets, role=role)
    async with started("serve", order) as child:
        port = Listening.model_validate(await child.hear()).port
        await _ready(f"http://127.0.0.1:{port}/readyz", clock)
        yield Door(port, child)


async def _ready(url: str, clock: Clock) -> None:
    deadline = clock.monotonic() + _READY_LIMIT.total_seconds()
    async with httpx.AsyncClient(trust_env=False) as client:
        while (answer := await client.get(url)).status_code != HTTPStatus.OK:
            if clock.monotonic() > deadline:
                raise BridgeError(f"the bridge did not get ready: {answer.text}")
            await clock.sleep(_LOOK)
