"""Tells a callback when a consumer's partitions were assigned anew."""

from collections.abc import Callable

from aiokafka import ConsumerRebalanceListener
from aiokafka.structs import TopicPartition


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped base
    """Calls `on_assigned` after every rebalance; it must return at once."""

    def __init__(self, on_assigned: Callable[[], None]) -> None:
        self._on_assigned = on_assigned

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Do nothing: what was remembered stays true."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # noqa: ARG002  # the number is not asked for
        self._on_assigned()
