"""Events of subjects, each with its next sequence and its chain, and when they come."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bridge.canonical.envelope import Cause, chain_start, seal, to_headers
from bridge.clock import Clock
from bridge.streams.connection import KafkaOptions
from bridge.streams.publisher import Publisher
from bridge.streams.records import Outgoing

_CAUSE = Cause(
    source="/redo/bench", time=datetime(2026, 1, 5, 9, tzinfo=UTC), causation_id="bench"
)
_LIMIT = timedelta(seconds=30)
_HEAD_START = 0.5  # seconds until the first event is due

#: The event with this number, due then (`Clock.monotonic`, one for all processes).
Make = Callable[[int, float], Outgoing]


class Author:
    """Writes the histories of any number of subjects."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._last: dict[str, tuple[int, str]] = {}

    def write(
        self, subject: str, body: bytes, partition: int | None = None
    ) -> Outgoing:
        """Return the subject's next event; its key decides without `partition`."""
        sequence, chain = self._last.get(subject) or (0, chain_start(subject))
        (event,) = seal(subject, sequence, chain, _CAUSE, [("return.updated", body)])
        self._last[subject] = event.sequence, event.chain
        headers = to_headers(event)
        return Outgoing(self._topic, subject.encode(), body, headers, partition)


async def offer(
    kafka: KafkaOptions, make: Make, count: int, rate: float, clock: Clock
) -> None:
    """Write `count` events, `rate` per second, open-loop: none waits for another."""
    publisher = Publisher(kafka, clock=clock)
    await publisher.start()
    try:
        began = clock.monotonic() + _HEAD_START
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                due = began + number / rate
                early = due - clock.monotonic()
                if early > 0:
                    await clock.sleep(timedelta(seconds=early))
                record = make(number, due)
                group.create_task(publisher.publish(record, _LIMIT))
    finally:
        await publisher.stop()
