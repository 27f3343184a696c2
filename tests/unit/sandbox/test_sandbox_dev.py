import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import SystemClock
from bridge.sandbox.dev import Stands, Verdict, play
from bridge.sandbox.sandbox import DevOptions, Doors, Wiring
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.storefronts import ShopWiring
from tests.support import loopback

OPTIONS = DevOptions(
    returns=4,
    duration=timedelta(seconds=0.5),
    faults="none",
    seed=1,
    plain=True,
    settle=timedelta(seconds=30),
    quiet=timedelta(milliseconds=100),
    hurry=50,
)


class ToyBridge:
    """Announces each parcel once it is labelled, and completes what is put away.

    It keeps no promise and retries nothing: it is here to be played with.
    """

    def __init__(self, *, restless: bool = False, ok: bool = True) -> None:
        self.stopped = 0
        self.asked: list[Stands] = []
        self.missing: list[str] = []
        self.kafka_answered = False
        self._restless = restless
        self._ok = ok
        self._announced: dict[str, str] = {}
        self._client = loopback.client()
        self._wiring: Wiring | None = None
        routes = [
            Route("/hooks/shop", self._shop, methods=["POST"]),
            Route("/hooks/warehouse", self._warehouse, methods=["POST"]),
        ]
        self._server = LoopbackServer(Starlette(routes=routes))

    async def start_bridge(self, kafka: str, wiring: Wiring) -> Doors:
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        await producer.start()
        await producer.send_and_wait("returns.raw", b"hello")
        await producer.stop()
        self.kafka_answered = True
        self._wiring = wiring
        await self._server.start()
        url = self._server.url
        return Doors({"redo": f"{url}/hooks/shop"}, f"{url}/hooks/warehouse")

    async def settled(self) -> bool:
        return not self._restless

    async def behind(self, stands: Stands) -> Sequence[str]:
        self.asked.append({name: dict(states) for name, states in stands.items()})
        return self.missing

    async def verify(self) -> Verdict:
        return Verdict(self._ok, ("verify looked",))

    async def stop_bridge(self) -> None:
        self.stopped += 1
        await self._client.aclose()
        await self._server.stop()

    @property
    def shop(self) -> ShopWiring:
        return self.wiring.shops["redo"]

    @property
    def wiring(self) -> Wiring:
        assert self._wiring is not None
        return self._wiring

    async def _shop(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self.shop.hook_secret}":
            return Response(status_code=401)
        return_ = json.loads(await request.body())["return"]
        for parcel, label in enumerate(return_["shipments"], start=1):
            reference = f"redo.demo.{return_['id']}-{parcel}"
            if reference not in self._announced:
                self._announced[reference] = return_["id"]
                await self._announce(reference, return_, label["tracker"])
        return Response(status_code=202)

    async def _announce(
        self, reference: str, return_: dict[str, list[dict[str, object]]], tracker: str
    ) -> None:
        data = {
            "spec": "wms.inbound-return/1",
            "reference": reference,
            "revision": 1,
            "state": "expected",
            "parcel": {"tracking_number": tracker},
            "lines": [
                {"line_key": i["id"], "sku": i["sku"], "quantity": i["quantity"]}
                for i in return_["items"]
            ],
        }
        text = json.dumps({"subject": reference, "data": data})
        now = SystemClock().now()
        await self._client.post(
            f"{self.wiring.warehouse_url}/hooks/returns",
            content=text,
            headers={
                "webhook-id": reference,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(self.wiring.warehouse_secret).sign(
                    reference, now, text
                ),
            },
        )

    async def _warehouse(self, request: Request) -> Response:
        body = await request.body()
        Webhook(self.wiring.report_secret).verify(body, dict(request.headers))
        snapshot = json.loads(body)["data"]
        if snapshot["status"] == "completed":
            return_id = self._announced[snapshot["reference"]]
            await self._client.put(
                f"{self.shop.url}/returns/{return_id}/status",
                json={"status": "complete"},
                headers={"authorization": f"Bearer {self.shop.key}"},
            )
        return Response(status_code=202)


async def test_a_run_goes_from_the_first_return_to_the_verdict(
    clock: SystemClock, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ToyBridge()

    result = await play(world, OPTIONS, clock=clock)

    assert result.ok
    assert result.sandbox.returns == {"complete": 4}
    assert set(result.sandbox.documents) == {"completed"}
    assert result.lines[-1] == "verify looked"
    assert (world.kafka_answered, world.stopped) == (True, 1)
    printed = capsys.readouterr().out
    for kind in (
        "return created",
        "call delivered",
        "warehouse counted",
        "redo updated",
    ):
        assert printed.count(kind) >= 4


async def test_a_run_fails_if_verify_does(clock: SystemClock) -> None:
    result = await play(ToyBridge(ok=False), OPTIONS, clock=clock)

    assert result.settled
    assert not result.ok


async def test_a_run_that_does_not_come_to_rest_fails_and_ends(
    clock: SystemClock,
) -> None:
    options = replace(OPTIONS, settle=timedelta(seconds=0.3))

    result = await play(ToyBridge(restless=True), options, clock=clock)

    assert not result.ok
    assert "DID NOT come to rest" in result.lines[0]


async def test_a_run_fails_if_a_return_does_not_stand_as_at_its_platform(
    clock: SystemClock,
) -> None:
    world = ToyBridge()
    world.missing = ["redo/demo-shop/1"]
    options = replace(OPTIONS, returns=1, settle=timedelta(seconds=5))

    result = await play(world, options, clock=clock)

    assert not result.ok
    assert not result.settled
    assert "the bridge is behind with redo/demo-shop/1" in result.lines[1]
    (states,) = world.asked[-1].values()
    assert list(states.values()) == ["complete"]


async def test_what_comes_late_is_waited_for(clock: SystemClock) -> None:
    class Late(ToyBridge):
        async def behind(self, stands: Stands) -> Sequence[str]:
            missing = await super().behind(stands)
            return missing or ["redo/demo-shop/1"][: len(self.asked) < 3]

    world = Late()

    result = await play(world, replace(OPTIONS, returns=1), clock=clock)

    assert result.ok
    assert len(world.asked) == 5  # late twice, then complete twice, then at the end
    assert "every return stands in the bridge as at its platform" in result.lines[1]


async def test_everything_is_stopped_when_the_bridge_cannot_start(
    clock: SystemClock,
) -> None:
    class Broken(ToyBridge):
        async def start_bridge(self, kafka: str, wiring: Wiring) -> Doors:
            raise OSError(f"{kafka} {wiring.shops['redo'].shop}")

    world = Broken()

    with pytest.raises(OSError, match="demo-store"):
        await play(world, OPTIONS, clock=clock)

    assert world.stopped == 1
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others


async def test_secrets_are_new_in_every_run_and_not_shown(
    clock: SystemClock,
) -> None:
    wirings: list[Wiring] = []

    class Noting(ToyBridge):
        async def start_bridge(self, kafka: str, wiring: Wiring) -> Doors:
            wirings.append(wiring)
            return await super().start_bridge(kafka, wiring)

    for _ in range(2):
        await play(Noting(), replace(OPTIONS, returns=1), clock=clock)

    first, second = wirings
    assert first.warehouse_secret != second.warehouse_secret
    assert first.shops["redo"].hook_secret != second.shops["redo"].hook_secret
    assert first.warehouse_secret not in repr(first)
    assert first.shops["redo"].key not in repr(first)
