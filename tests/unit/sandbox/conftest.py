"""What the sandbox's tests share: a receiver of webhooks, fast people, real servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import SystemClock
from bridge.sandbox.journal import Journal
from bridge.sandbox.server import LoopbackServer


@dataclass
class Receiver:
    """A webhook receiver that keeps what it gets and answers as it is told."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        return Response(status_code=self.answers.pop(0) if self.answers else 202)

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.requests]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = Starlette(routes=[Route("/hook", made.take, methods=["POST"])])
    server = LoopbackServer(app)
    await server.start()
    made.url = f"{server.url}/hook"
    yield made
    await server.stop()


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def journal(clock: SystemClock) -> Journal:
    return Journal(clock)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for a condition, at most ten seconds."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 any condition
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture(autouse=True)
def uncounted(no_cover: None) -> None:
    """Count no lines: the pure core is covered without these, in half the time."""
