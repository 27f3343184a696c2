"""The embedded broker: librdkafka's in-memory mock cluster, for trying out only.

Tried with librdkafka 2.16: four partitions in every topic, made on first sight; one
member per group; about 5 MB kept per partition; offsets sent in a transaction are
accepted and forgotten; aborted records stay visible; transaction markers carry a wrong
checksum, so consumers must not check it; no CreateTopics, no configs, no compaction.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol, cast

from bridge.errors import ConfigError

#: The mock cluster's own number; it cannot be set.
PARTITIONS = 4

_PATIENCE = timedelta(seconds=10)


class _Address(Protocol):
    host: str
    port: int


class _Metadata(Protocol):
    brokers: dict[int, _Address]


class _Cluster(Protocol):
    """The part of `confluent_kafka.Producer` that is used; it ships no types."""

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> object: ...


class EmbeddedBroker:
    """One Kafka broker in memory that lives as long as this object is started."""

    def __init__(self) -> None:
        self._cluster: _Cluster | None = None

    async def start(self, topics: Iterable[str] = ()) -> str:
        """Start, make `topics` and return the address, `HOST:PORT`.

        Raises ConfigError if the package that carries the broker is not installed.
        """
        self._cluster = await asyncio.to_thread(_start)
        for topic in topics:
            await asyncio.to_thread(_ask, self._cluster, topic)
        metadata = await asyncio.to_thread(_ask, self._cluster, None)
        address = next(iter(metadata.brokers.values()))
        return f"{address.host}:{address.port}"

    def stop(self) -> None:
        """Stop; everything it held is gone."""
        self._cluster = None


def _start() -> _Cluster:
    try:
        # Optional: only the sandbox needs it (extra `sandbox`).
        from confluent_kafka import Producer  # noqa: PLC0415
    except ImportError as missing:
        raise ConfigError(
            "the embedded broker needs the package confluent-kafka: "
            "install returns-bridge[sandbox], or give the address of a Kafka"
        ) from missing
    settings = {"bootstrap.servers": "x", "test.mock.num.brokers": 1, "log_level": 0}
    return cast("_Cluster", Producer(settings))


def _ask(cluster: _Cluster, topic: str | None) -> _Metadata:
    seconds = _PATIENCE.total_seconds()
    if topic is None:
        return cast("_Metadata", cluster.list_topics(timeout=seconds))
    return cast("_Metadata", cluster.list_topics(topic, timeout=seconds))
