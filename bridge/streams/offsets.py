"""Committed offsets with their metadata, which a consumer would drop."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from bridge.clock import Clock, SystemClock
from bridge.streams.connection import KafkaOptions

_TRIES, _PAUSE = 20, timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Committed:
    """One partition's commit; None from `read` means there never was one."""

    offset: int
    metadata: str


class CommittedOffsets:
    """Reads the commits of one consumer group."""

    def __init__(
        self, kafka: KafkaOptions, group: str, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._kafka = kafka
        self._group = group
        self._admin: AIOKafkaAdminClient | None = None
        self._starting = asyncio.Lock()

    async def _connected(self) -> AIOKafkaAdminClient:
        async with self._starting:  # owners open side by side and share one client
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._kafka.client_kwargs())
                try:
                    await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            return self._admin

    async def read(self, topic: str, partition: int) -> Committed | None:
        """Return the commit of one partition as the coordinator has it now.

        A young broker has no coordinator yet, and one that was restarted is loading its
        groups: it is given a few seconds. Raises aiokafka's KafkaError while Kafka is
        away, or loads for longer.
        """
        place = TopicPartition(topic, partition)
        for _ in range(_TRIES):
            try:
                commit = (await self._ask(place))[place]
            except (GroupCoordinatorNotAvailableError, KeyError):
                await self._clock.sleep(_PAUSE)
                continue
            if commit.offset < 0:
                return None
            return Committed(commit.offset, commit.metadata or "")
        raise GroupLoadInProgressError(f"the coordinator of {self._group} is not ready")

    async def _ask(
        self, place: TopicPartition
    ) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Ask the coordinator; without `place` in the answer it could not tell.

        aiokafka does not look at the error of the answer as a whole. A partition that
        was never committed is in it, with offset -1.
        """
        admin = await self._connected()
        found: Mapping[
            TopicPartition, OffsetAndMetadata
        ] = await admin.list_consumer_group_offsets(self._group, partitions=[place])
        return found

    async def stop(self) -> None:
        """Close the connection."""
        if self._admin is not None:
            await self._admin.close()
            self._admin = None
