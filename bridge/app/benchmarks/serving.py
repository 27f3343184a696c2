"""One member of a target's group at work in this process, as a real one is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx

from bridge.app.benchmarks.orders import PoisonOrder, RestoreOrder, kafka_options
from bridge.app.process import calm_collector
from bridge.app.stages import Served, deliver_member
from bridge.clock import Clock
from bridge.delivery.calls import Calls
from bridge.delivery.desk import Desk, Send
from bridge.streams.options import OwnershipOptions
from bridge.streams.restore import Reader
from bridge.streams.topics import TopicNames

#: The defaults, which a target of a deployment has.
OWNERSHIP = OwnershipOptions()

_LOOK = timedelta(milliseconds=20)
_OK = httpx.Response(200)


@asynccontextmanager
async def serving(order: PoisonOrder | RestoreOrder, desk: Desk) -> AsyncIterator[None]:
    """Serve the desk's target; the block begins when the group has taken us in."""
    kafka, names = kafka_options(order.kafka), TopicNames(order.prefix)
    served = Served(desk.target, "bench", names, desk.options, OWNERSHIP)
    reader = Reader(kafka, names.parked(order.target), desk.clock)
    member = deliver_member(kafka, served, desk, reader)
    stop = asyncio.Event()
    calm_collector()
    running = asyncio.create_task(member.run(stop))
    try:
        while not (member.joined or running.done()):
            await desk.clock.sleep(_LOOK)
        yield
    finally:
        stop.set()
        await running
        await reader.close()


def takes(time: timedelta, clock: Clock) -> Send:
    """Return a network where every call takes so long."""

    async def send(_request: httpx.Request, _calls: Calls) -> httpx.Response:
        if time:
            await clock.sleep(time)
        return _OK

    return send
