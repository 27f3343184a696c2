from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import SystemClock
from bridge.sandbox.calls import CallLog
from bridge.sandbox.faults import (
    AnswerLost,
    Fault,
    FaultPlan,
    ServerError,
    Slow,
    Throttle,
)
from bridge.sandbox.front import Answer, Ask, Front
from bridge.sandbox.server import LoopbackServer
from tests.support import loopback


class Script(FaultPlan):
    """Faults in the order they are written down."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault | None] = []
        self.keys: list[str] = []

    def next(self, key: str) -> Fault | None:
        self.keys.append(key)
        return self.faults.pop(0) if self.faults else None


class Desk:
    """A served front whose work counts how often it was done."""

    def __init__(self) -> None:
        self.script = Script()
        self.log = CallLog()
        self.done = 0
        self.front = Front(
            "desk",
            clock=SystemClock(),
            faults=self.script,
            log=self.log,
            hold=timedelta(seconds=5),
        )
        self.server = LoopbackServer(
            Starlette(routes=[Route("/work", self.work, methods=["POST"])])
        )

    async def work(self, request: Request) -> Response:
        await request.body()
        ask = Ask("redo/demo/1", "r-1", request.headers.get("webhook-id"), 4)
        return await self.front.attend(request, ask, self._do)

    def _do(self) -> Answer:
        self.done += 1
        return Answer(201, {"done": self.done}, effect=True)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.server.start()
    yield desk
    desk.front.close()
    await desk.server.stop()


async def post(desk: Desk, **headers: str) -> httpx.Response:
    async with loopback.client(timeout=0.5) as client:
        return await client.post(f"{desk.server.url}/work", headers=headers)


async def test_without_a_fault_the_work_is_done_and_noted(desk: Desk) -> None:
    response = await post(desk, **{"webhook-id": "e-1"})

    assert (response.status_code, response.json()) == (201, {"done": 1})
    [call] = desk.log.calls
    assert (call.subject, call.reference, call.key) == ("redo/demo/1", "r-1", "e-1")
    assert (call.revision, call.effect, call.status) == (4, 1, 201)
    assert call.answered
    assert call.started <= call.ended


async def test_a_server_error_comes_before_any_effect(desk: Desk) -> None:
    desk.script.faults = [ServerError(503)]

    response = await post(desk)

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert (desk.done, desk.log.calls[0].effect) == (0, None)


async def test_a_throttle_asks_for_time_in_seconds(desk: Desk) -> None:
    desk.script.faults = [Throttle(timedelta(seconds=2), as_date=False)]

    response = await post(desk)

    assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    assert desk.done == 0


async def test_a_throttle_asks_for_time_as_a_date_not_too_early(desk: Desk) -> None:
    desk.script.faults = [Throttle(timedelta(seconds=1), as_date=True)]
    asked_at = datetime.now(UTC)

    response = await post(desk)

    until = parsedate_to_datetime(response.headers["retry-after"])
    assert timedelta(seconds=1) <= until - asked_at <= timedelta(seconds=3)


async def test_a_slow_answer_comes_late_and_complete(desk: Desk) -> None:
    desk.script.faults = [Slow(timedelta(milliseconds=50))]

    response = await post(desk)

    assert response.status_code == 201
    assert response.elapsed >= timedelta(milliseconds=50)


@pytest.mark.parametrize(
    ("held", "error"), [(True, httpx.ReadTimeout), (False, httpx.RemoteProtocolError)]
)
async def test_a_lost_answer_has_its_effect_all_the_same(
    desk: Desk,
    until: Callable[[Callable[[], bool]], Awaitable[None]],
    held: bool,  # noqa: FBT001 a parameter of the test
    error: type[Exception],
) -> None:
    desk.script.faults = [AnswerLost(held=held)]

    with pytest.raises(error):
        await post(desk)

    await until(lambda: bool(desk.log.calls))
    [call] = desk.log.calls
    assert (desk.done, call.effect, call.answered) == (1, 1, False)
    assert call.fault == "answer lost"


async def test_the_key_of_a_request_is_its_id_or_else_its_body(desk: Desk) -> None:
    async with loopback.client() as client:
        url = f"{desk.server.url}/work"
        await client.post(url, headers={"webhook-id": "e-1"}, content=b"one")
        await client.post(url, content=b"two")

    assert desk.script.keys == ["POST /work e-1", "POST /work two"]
