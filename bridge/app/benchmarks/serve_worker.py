"""A whole bridge with one role, as `run` starts it."""

import asyncio
import sys

from bridge.app.benchmarks.memory import peak_watched
from bridge.app.benchmarks.orders import Cost, Given, Listening, Say, ServeOrder
from bridge.app.bridge import ROLES, Bridge
from bridge.app.process import calm_collector
from bridge.clock import SystemClock


async def take(given: Given, say: Say) -> Cost:
    """Be a bridge until the standard input ends."""
    order = ServeOrder.model_validate(given)
    clock = SystemClock()
    bridge = Bridge(order.settings, ROLES[order.role], clock=clock)
    async with peak_watched(clock) as peak:
        try:
            say(Listening(port=await bridge.start()))
            calm_collector()
            running = asyncio.create_task(bridge.run())
            told = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
            await asyncio.wait((running, told), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            await bridge.stop()
        return Cost(peak=peak.highest)
