"""Events that come in evenly, from a process of their own.

Making them takes as much work as delivering them: beside a target in one event loop
they would make it slow.
"""

import asyncio
import logging
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from aiokafka import AIOKafkaProducer

from bridge.streams.topics import TopicNames
from tests.support.histories import mixed, send_event

_PATIENCE = 120_000  # milliseconds: longer than a broker is away


@dataclass(frozen=True, slots=True)
class Traffic:
    """So many webhooks of each of so many returns, and how many events they make."""

    bootstrap: str
    names: TopicNames
    returns: int
    versions: int
    events: int

    async def flow(self, seconds: float) -> int:
        """Publish all, mixed, within so many seconds; return how many there were."""
        spawning = get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawning) as process:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(process, _publish, self, seconds)


def _publish(traffic: Traffic, seconds: float) -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it waits for its broker
    return asyncio.run(_send(traffic, seconds))


async def _send(traffic: Traffic, seconds: float) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=traffic.bootstrap,
        enable_idempotence=True,
        request_timeout_ms=_PATIENCE,
    )
    await producer.start()
    began, acknowledged = time.monotonic(), []
    for event in mixed(range(traffic.returns), traffic.versions):
        acknowledged.append(await send_event(producer, traffic.names, event))
        due = began + seconds * len(acknowledged) / traffic.events
        await asyncio.sleep(max(0.0, due - time.monotonic()))  # until it is due
    await producer.flush()
    await asyncio.gather(*acknowledged)
    await producer.stop()
    return len(acknowledged)
