"""Waiting until what was committed can be read.

Kafka acknowledges a commit before its markers stand in the partitions; until then a
reader of committed records ends in front of them.
"""

from collections.abc import Collection

from aiokafka import AIOKafkaConsumer

from tests.support.broker import Broker
from tests.support.waiting import wait_until


async def settled(broker: Broker, topics: Collection[str]) -> None:
    """Return when no transaction is open in any partition of `topics`."""
    readers = [
        AIOKafkaConsumer(
            *topics, bootstrap_servers=broker.bootstrap, isolation_level=level
        )
        for level in ("read_committed", "read_uncommitted")
    ]
    for reader in readers:
        await reader.start()
    try:

        async def same() -> bool:
            committed, written = [
                await reader.end_offsets(reader.assignment()) for reader in readers
            ]
            return bool(committed == written)

        await wait_until(same, what=f"the end of all transactions in {topics}")
    finally:
        for reader in readers:
            await reader.stop()
