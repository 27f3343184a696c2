"""Writing to `returns.raw`, for teams that hear of returns by a way of their own.

An observation is the body as it came, of an account that the bridge is configured
for: the bridge reads it as if its own door had taken it. Canonical events are written
by the bridge alone, since only it numbers them.
"""

from faststream.kafka import KafkaBroker, KafkaRouter

from bridge.platforms.contract import Observation
from bridge.streams.raw import observation_id, to_raw
from bridge.streams.topics import TopicNames

__all__ = ["Observation", "Observations", "observation_id"]


class Observations:
    """Publishes observations with the key and headers that the bridge expects.

    Make the broker with `acks="all"` and `enable_idempotence=True`, or an
    observation may be lost after it was published.
    """

    def __init__(
        self, broker: KafkaBroker | KafkaRouter, *, prefix: str = "returns"
    ) -> None:
        self._topic = TopicNames(prefix).raw
        self._publisher = broker.publisher(
            self._topic, description="Observations: bodies as they came."
        )

    async def publish(
        self, observation: Observation, delivery_id: str | None = None
    ) -> None:
        """Return when Kafka has it; the same observation twice does no harm."""
        record = to_raw(observation, self._topic, delivery_id)
        await self._publisher.publish(
            record.value,
            key=record.key,
            headers={name: value.decode() for name, value in record.headers},
        )
