"""Letting one group member work off a topic, and knowing when it is done for good."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bridge.app.process import calm_collector
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.streams.connection import KafkaOptions
from bridge.streams.member import Member
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.scan import Place, open_scanner

_LOOK = timedelta(milliseconds=10)


class Meter(Protocol):
    """What watches the work."""

    all_done: asyncio.Event

    def check(self) -> None:
        """Raise BridgeError if what was done is not worth a measure."""
        ...

    def explain(self) -> str:
        """Say how far it got."""
        ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one group has to work off."""

    kafka: KafkaOptions
    group: str
    topic: str


@dataclass(frozen=True, slots=True)
class Committed:
    """When (`time.perf_counter`) the member began, and when all was committed.

    `cpu` is the seconds that the process has used till then.
    """

    began: float
    at: float
    cpu: float


async def work_off(
    backlog: Backlog, member: Member, meter: Meter, *, limit: timedelta, clock: Clock
) -> Committed:
    """Run `member` until the whole backlog is committed; raise BridgeError if late."""
    ends = await _ends(backlog)
    offsets = CommittedOffsets(backlog.kafka, backlog.group)
    stop = asyncio.Event()
    calm_collector()
    began = time.perf_counter()
    running = asyncio.create_task(member.run(stop))
    try:
        async with asyncio.timeout(limit.total_seconds()):
            await _first_of(meter.all_done, running)
            meter.check()
            await _reached(offsets, backlog.topic, ends, clock)
        return Committed(began, time.perf_counter(), time.process_time())
    except TimeoutError:
        raise BridgeError(f"not done within {limit}: {meter.explain()}") from None
    finally:
        stop.set()
        with suppress(BridgeError):
            await asyncio.gather(running, offsets.stop())


async def _ends(backlog: Backlog) -> dict[int, int]:
    """Return the end of each partition that holds anything."""
    ends = {}
    async with open_scanner(backlog.kafka) as scanner:
        for partition in range(await scanner.partitions(backlog.topic)):
            extent = await scanner.extent(Place(backlog.topic, partition))
            if extent.end > extent.first:
                ends[partition] = extent.end
    return ends


async def _first_of(done: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Wait for `done`, or raise what broke the member."""
    waiting = asyncio.create_task(done.wait())
    try:
        await asyncio.wait((waiting, running), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if running.done():
        running.result()
        raise BridgeError("the member stopped by itself")


async def _reached(
    offsets: CommittedOffsets, topic: str, ends: Mapping[int, int], clock: Clock
) -> None:
    """Return when everything below `ends` is committed as finished."""
    for partition, end in ends.items():
        while True:
            commit = await offsets.read(topic, partition)
            if commit is not None and commit.offset >= end:
                break
            await clock.sleep(_LOOK)
