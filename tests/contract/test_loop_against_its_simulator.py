"""The real Loop source and poll against the simulated Loop, over HTTP.

Webhooks only, polls only, both with a third of the webhooks lost, and webhooks that
were switched off for a while: every way ends where the simulated shop itself stands.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from bridge.canonical.model import Return
from bridge.platforms.loop.options import LoopAccount
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_shoppers import LoopTraffic
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.loop_webhooks import ACTIVE, INACTIVE, LoopHabits
from bridge.sandbox.server import LoopbackServer
from tests.support import loopback
from tests.support.inbound_side import InboundSide
from tests.support.leaping import LeapingClock

KEY, SECRET = "key-of-tests", "secret-of-tests"
DAY = timedelta(days=1)
RETURNS = 25


def truth(return_: LoopReturn) -> str:
    """Say in canonical words how the simulated shop's return stands."""
    words = {"review": "under_review"}
    label = return_.label.status if return_.label else ""
    if return_.state == "open":
        moved = {"in_transit": "in_transit", "delivered": "delivered"}
        return moved.get(label, "approved")
    return words.get(return_.state, return_.state)


def stands(view: Return) -> tuple[object, ...]:
    parcels = [(parcel.key, parcel.state.value) for parcel in view.shipments]
    return view.state.value, len(view.items), parcels


def known(
    bridge: InboundSide, simulator: LoopSimulator
) -> dict[str, tuple[object, ...]]:
    views = {subject: state.return_ for subject, state in bridge.states.items()}
    assert len(views) == len(simulator.shop.all())
    assert (bridge.unlocated, bridge.unreadable) == (0, [])
    return {subject: stands(view) for subject, view in views.items() if view}


def expected(simulator: LoopSimulator) -> dict[str, tuple[object, ...]]:
    words = {"new": "label_created"}
    return {
        f"loop/main/{return_.id}": (
            truth(return_),
            len(return_.units),
            [
                (
                    return_.label.tracking_number,
                    words.get(return_.label.status, return_.label.status),
                )
            ]
            if return_.label
            else [],
        )
        for return_ in simulator.shop.all()
    }


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with loopback.client(timeout=10) as made:
        yield made


@dataclass
class Ground:
    """A simulator with shoppers, and the bridge that it tells."""

    simulator: LoopSimulator
    bridge: InboundSide
    clock: LeapingClock

    async def shop(self, number: int = RETURNS) -> None:
        traffic = LoopTraffic(self.simulator.shop, clock=self.clock, seed=3)
        await traffic.run(timedelta(seconds=7), number)

    async def quiet(self) -> None:
        while not self.simulator.idle:
            await self.clock.sleep(timedelta(milliseconds=10))


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    clock = LeapingClock(hasty=True)
    simulator = LoopSimulator(
        LoopOptions(keys=LoopOptions.full_access(KEY), secret=SECRET), clock=clock
    )
    await simulator.start()
    account = LoopAccount(
        host=simulator.url,
        api_key=SecretStr(KEY),
        webhook_secrets=(SecretStr(SECRET),),
    )
    bridge = InboundSide(account, clock)
    door = LoopbackServer(
        Starlette(routes=[Route("/hook", bridge.take, methods=["POST"])])
    )
    await door.start()
    simulator.subscribe(f"{door.url}/hook")
    yield Ground(simulator, bridge, clock)
    await simulator.stop()
    await door.stop()


async def test_webhooks_alone_tell_all_however_shuffled_and_doubled(
    ground: Ground,
) -> None:
    ground.simulator.sender.habits = LoopHabits(twice=0.4, late=timedelta(seconds=20))

    await ground.shop()
    await ground.quiet()

    assert known(ground.bridge, ground.simulator) == expected(ground.simulator)
    assert ground.bridge.revived == 0


async def test_polls_alone_tell_all(ground: Ground, client: httpx.AsyncClient) -> None:
    ground.simulator.sender.switch(INACTIVE)

    shopping = asyncio.create_task(ground.shop(8))
    for _ in range(3):
        await ground.bridge.poll(client)
    await shopping
    await ground.quiet()
    await ground.bridge.poll(client)

    assert known(ground.bridge, ground.simulator) == expected(ground.simulator)


async def test_polls_make_up_for_lost_webhooks(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    ground.simulator.sender.habits = LoopHabits(lost=0.3, late=timedelta(seconds=20))

    await ground.shop()
    await ground.quiet()
    await ground.bridge.poll(client)

    assert ground.simulator.sender.tally.lost > 10
    assert known(ground.bridge, ground.simulator) == expected(ground.simulator)
    assert ground.bridge.revived == 0


async def test_polls_make_up_for_webhooks_that_were_switched_off(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    ground.simulator.sender.switch(INACTIVE)
    await ground.shop(8)
    ground.simulator.sender.switch(ACTIVE)
    for return_ in ground.simulator.shop.all():
        ground.simulator.shop.flag(return_.id)

    await ground.quiet()
    await ground.bridge.poll(client)

    assert known(ground.bridge, ground.simulator) == expected(ground.simulator)


async def test_a_label_that_was_queued_is_known_by_webhook_and_by_poll(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    host, headers = ground.simulator.url, {"X-Authorization": KEY}
    for hears in (True, False):
        ground.simulator.sender.switch(ACTIVE if hears else INACTIVE)
        made = await client.post(f"{host}/sandbox/returns")
        url = f"{host}/api/2026-10/returns/{made.json()['id']}/labels"
        queued = await client.post(url, headers=headers)
        assert queued.status_code == 202
        await ground.quiet()

    heard = len(ground.bridge.states)
    await ground.bridge.poll(client)

    assert heard == 1
    assert known(ground.bridge, ground.simulator) == expected(ground.simulator)


async def test_what_is_not_signed_by_loop_changes_nothing(ground: Ground) -> None:
    ground.simulator.sender.habits = LoopHabits(forged=1.0)

    await ground.shop(2)
    await ground.quiet()

    assert ground.bridge.states == {}
    assert ground.bridge.refused > 0
