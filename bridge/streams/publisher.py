"""The door's way to Kafka: one long-lived idempotent producer that is replaced if dead.

An idempotent producer numbers its batches. When a batch is given up after it was
numbered (aiokafka: no leader for longer than `request_timeout`; the broker refuses a
record), the broker sees a gap and answers OutOfOrderSequenceNumber for ever (upstream
issue 1017). So each producer has one *life*: the first error of a batch ends it, a
supervisor begins the next, and every `publish` still waiting hands its record to that
one. A record may so be written twice, never answered for and lost.

Memory: `memory_limit` bounds the records waiting here; aiokafka itself keeps at most
two batches for each partition, also of records whose sender has given up waiting.
"""

import asyncio
from datetime import timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from bridge.clock import Clock, SystemClock
from bridge.errors import UnavailableError
from bridge.streams.connection import KafkaOptions
from bridge.streams.records import Outgoing
from bridge.streams.topics import MESSAGE_LIMIT
from bridge.telemetry import events, logger, metrics

MEMORY_LIMIT = 64 * 1024 * 1024
#: Room for key and headers in the accounts of memory.
_OVERHEAD = 1_024
_BATCH = 256 * 1024
_START_LIMIT = 10.0
_CLOSE_LIMIT = 5.0
_FIRST_PAUSE, _LAST_PAUSE = timedelta(milliseconds=50), timedelta(seconds=2)
#: An acknowledgement this recent (seconds) says that Kafka is reachable.
_RECENT = 2.0


class _LifeEnded(Exception):
    """The producer that held this record is gone: hand it to the next."""


#: The record itself is refused: no other producer would do better.
_REFUSED = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
#: Raised before the record was in a batch: the producer is well.
_NOT_YET = (_LifeEnded, KafkaTimeoutError, UnknownTopicOrPartitionError)

_log = logger(__name__)


def _refusal(broken: Exception) -> UnavailableError:
    return UnavailableError(
        f"Kafka refuses the record ({type(broken).__name__}): check the topic's "
        "max.message.bytes and this client's permissions"
    )


class _Life:
    """One producer from its start to its first error."""

    def __init__(self, kafka: KafkaOptions) -> None:
        self.producer = AIOKafkaProducer(
            **kafka.client_kwargs(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH,
            max_request_size=MESSAGE_LIMIT,
        )
        self.over = asyncio.Event()
        self._unacknowledged: set[asyncio.Future[object]] = set()

    async def write(self, record: Outgoing) -> None:
        """Return when `record` is acknowledged; raise what the producer raised."""
        future = await self._hand_over(record)
        self._unacknowledged.add(future)
        future.add_done_callback(self._unacknowledged.discard)
        await future

    async def _hand_over(self, record: Outgoing) -> asyncio.Future[object]:
        try:
            future: asyncio.Future[object] = await self.producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
        except _REFUSED as refused:
            raise _refusal(refused) from refused  # not sent: the producer is well
        return future

    def end(self) -> None:
        """Wake everybody who waits for an acknowledgement that will not come."""
        self.over.set()
        for future in tuple(self._unacknowledged):
            if not future.done():
                future.set_exception(_LifeEnded())

    async def close(self) -> None:
        """Stop the producer; a dead or cut-off one is not waited for."""
        try:
            async with asyncio.timeout(_CLOSE_LIMIT):
                await self.producer.stop()
        except (KafkaError, AssertionError, TimeoutError, OSError):
            # stop() flushes first; without its connections nothing is left to do.
            await self.producer.client.close()
            sender = self.producer._sender.sender_task  # noqa: SLF001  no public way
            if sender is not None:
                sender.cancel()


class Publisher:
    """Writes records with acks=all; starts, waits and recovers without its caller."""

    def __init__(
        self,
        kafka: KafkaOptions,
        *,
        clock: Clock | None = None,
        memory_limit: int = MEMORY_LIMIT,
        silence: timedelta = timedelta(seconds=5),
    ) -> None:
        self._kafka = kafka
        self._clock = clock or SystemClock()
        self._memory_limit = memory_limit
        self._silence = silence.total_seconds()
        self._life: _Life | None = None
        self._alive = asyncio.Event()
        self._held = 0
        self._heard_at = float("-inf")
        self._silent_since: float | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to look for Kafka and return at once; ConfigError for unusable TLS."""
        self._kafka.client_kwargs()
        metrics.PUBLISHER_BYTES.set_function(lambda: self._held)
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Flush what is in hand, within a limit, and let go of Kafka."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        life, self._life = self._life, None
        self._alive.clear()
        if life is not None:
            await life.close()
            life.end()
        if self._closing:
            await asyncio.wait(self._closing)

    async def publish(self, record: Outgoing, timeout: timedelta) -> None:  # noqa: ASYNC109  the caller's own limit, and the answer to it
        """Return when all in-sync replicas have `record`.

        Raises UnavailableError when `timeout` has passed, at once when too much is
        waiting already, or when Kafka will never take the record. It may be written
        all the same, later or twice.
        """
        size = len(record.value or b"") + _OVERHEAD
        if self._held + size > self._memory_limit:
            raise UnavailableError("too much is waiting for Kafka already")
        self._held += size
        if self._silent_since is None:
            self._silent_since = self._clock.monotonic()
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                while not await self._attempt(record):
                    pass
        except TimeoutError:
            self._suspect()
            raise UnavailableError("Kafka did not acknowledge in time") from None
        finally:
            self._held -= size

    async def reachable(self, topic: str, within: timedelta) -> bool:
        """Tell whether `topic` can be written: a late acknowledgement, or its leaders.

        Answers `within` that time.
        """
        life = self._life
        if life is None:
            return False
        if self._clock.monotonic() - self._heard_at < _RECENT:
            return True
        try:
            async with asyncio.timeout(within.total_seconds()):
                cluster = await life.producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError):
            return False
        partitions = cluster.partitions_for_topic(topic)
        led = cluster.available_partitions_for_topic(topic)
        return bool(partitions) and partitions == led

    async def _attempt(self, record: Outgoing) -> bool:
        life = self._life
        if life is None:
            await self._alive.wait()
            return False
        try:
            await life.write(record)
        except _NOT_YET:
            return False
        except (KafkaError, AssertionError) as broken:
            self._end(life, type(broken).__name__)
            if isinstance(broken, _REFUSED):
                raise _refusal(broken) from broken
            return False
        self._heard_at = self._clock.monotonic()
        self._silent_since = None
        return True

    def _suspect(self) -> None:
        """A producer that is silent for long may be stuck: a new one looks afresh."""
        now, since = self._clock.monotonic(), self._silent_since
        if self._life is not None and since is not None and now - since > self._silence:
            self._end(self._life, "silent")

    def _end(self, life: _Life, reason: str) -> None:
        if life is not self._life:
            return  # somebody else saw it first
        self._life = None
        self._silent_since = None
        self._alive.clear()
        _log.warning(events.PUBLISHER_FAILED, reason=reason)
        life.end()

    async def _supervise(self) -> None:
        rebuilt = False
        while True:
            life = await self._begin()
            self._life = life
            self._silent_since = None
            self._alive.set()
            if rebuilt:
                metrics.PUBLISHER_REBUILT.inc()
            _log.info(events.PUBLISHER_REBUILT if rebuilt else events.PUBLISHER_STARTED)
            rebuilt = True
            await life.over.wait()
            closing = asyncio.create_task(life.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            await self._clock.sleep(_FIRST_PAUSE)

    async def _begin(self) -> _Life:
        """Start a producer, however long Kafka stays away."""
        pause = _FIRST_PAUSE
        while True:
            life = _Life(self._kafka)
            try:
                async with asyncio.timeout(_START_LIMIT):
                    await life.producer.start()
            except (KafkaError, TimeoutError, OSError) as broken:
                if pause == _FIRST_PAUSE:
                    _log.warning(events.PUBLISHER_FAILED, reason=type(broken).__name__)
                await life.close()
                await self._clock.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
            except BaseException:
                await life.close()
                raise
            else:
                return life
