"""Knowing when a consumer group has worked off a topic: all its commits say so."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.streams.connection import KafkaOptions
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.scan import Place, open_scanner

_LOOK = timedelta(milliseconds=10)


async def ends_of(kafka: KafkaOptions, topic: str) -> dict[int, int]:
    """Return the end of each partition that holds anything."""
    ends = {}
    async with open_scanner(kafka) as scanner:
        for partition in range(await scanner.partitions(topic)):
            extent = await scanner.extent(Place(topic, partition))
            if extent.end > extent.first:
                ends[partition] = extent.end
    return ends


class Commits:
    """One group's commits on one topic."""

    def __init__(
        self, kafka: KafkaOptions, group: str, topic: str, clock: Clock
    ) -> None:
        self._offsets = CommittedOffsets(kafka, group)
        self._topic = topic
        self._clock = clock

    async def reached(self, ends: Mapping[int, int]) -> None:
        """Return when everything below `ends` is committed as finished."""
        for partition, end in ends.items():
            while await self._position(partition) < end:
                await self._clock.sleep(_LOOK)

    async def _position(self, partition: int) -> int:
        commit = await self._offsets.read(self._topic, partition)
        return -1 if commit is None else commit.offset

    async def stop(self) -> None:
        await self._offsets.stop()


async def until(done: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Wait for `done`, or raise what broke the member that is running."""
    waiting = asyncio.create_task(done.wait())
    try:
        await asyncio.wait((waiting, running), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if running.done():
        running.result()
        raise BridgeError("the member stopped by itself")
