"""Kafka records as plain values: what was read, and what is to be written."""

from collections.abc import Mapping
from dataclasses import field

from bridge.values import value

Headers = tuple[tuple[str, bytes], ...]


@value
class Record:
    """A record as it was read. `timestamp` is milliseconds since the epoch, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@value
class Outgoing:
    """A record to be written. Without `partition` the key decides (murmur2)."""

    topic: str
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    partition: int | None = None
