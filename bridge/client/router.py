"""Canonical events for another team's FastStream application.

    returns = ReturnsRouter(group="finance")

    @returns.on(ReturnApproved, ReturnClosed)
    async def settle(event: Received[ReturnApproved | ReturnClosed]) -> None: ...

    broker.include_router(returns.router)

One subscriber for `returns.events` reads the events of the group in batches, calls
the handlers one by one, and acknowledges a batch when all of it was handled: at least
once, in order of each subject. It sees committed transactions only and creates no
topic.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, TypeVar, cast, overload

from faststream import AckPolicy
from faststream.kafka import KafkaMessage, KafkaRouter, Topic

from bridge.canonical.event_data import EventData
from bridge.client.dispatch import Dispatcher, OnGap
from bridge.client.history import History
from bridge.client.received import Counts, Handler, Received
from bridge.clock import Clock, SystemClock
from bridge.streams.rebalance import Rebalances
from bridge.streams.records import Record
from bridge.streams.topics import TopicNames

A = TypeVar("A", bound=EventData)
B = TypeVar("B", bound=EventData)
C = TypeVar("C", bound=EventData)
Function = Callable[[Received[A]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How the topic is read.

    `start` is where a group begins that has read nothing yet. `remember` bounds the
    subjects whose duplicates and gaps are recognised. At most `batch` events are
    acknowledged together, and may so be repeated after a crash. `poll` is the longest
    time that an event waits for an idle consumer to look. `checksums` are off for the
    embedded broker of `returns-bridge dev` only: it writes wrong ones.
    """

    start: Literal["earliest", "latest"] = "earliest"
    remember: int = 100_000
    batch: int = 500
    poll: timedelta = timedelta(milliseconds=50)
    checksums: bool = True


class ReturnsRouter:
    """Typed subscribers for canonical events; include its `router` in a KafkaBroker.

    `on_gap` is called, and a line logged, when events of a subject were missed; it
    must return at once, and what it raises is logged only.
    """

    def __init__(
        self,
        group: str,
        *,
        prefix: str = "returns",
        options: ReadingOptions | None = None,
        on_gap: OnGap | None = None,
        clock: Clock | None = None,
    ) -> None:
        options = options or ReadingOptions()
        history = History(options.remember)
        self._dispatcher = Dispatcher(history, clock or SystemClock(), on_gap)
        self.router = KafkaRouter()
        subscriber = self.router.subscriber(
            Topic(TopicNames(prefix).events, declare=False),
            batch=True,
            group_id=group,
            auto_offset_reset=options.start,
            check_crcs=options.checksums,
            isolation_level="read_committed",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_records=options.batch,
            batch_timeout_ms=int(options.poll / timedelta(milliseconds=1)),
            listener=Rebalances(history.rebalanced),
            parser=_lenient,
            decoder=_undecoded,
            description="Canonical events of returns, CloudEvents in binary mode.",
        )
        subscriber(self._consume)

    @property
    def counts(self) -> Counts:
        """What came of the records so far."""
        return self._dispatcher.counts

    @overload
    def on(self, first: type[A], /) -> Callable[[Function[A]], Function[A]]: ...
    @overload
    def on(
        self, first: type[A], second: type[B], /
    ) -> Callable[[Function[A | B]], Function[A | B]]: ...
    @overload
    def on(
        self, first: type[A], second: type[B], third: type[C], /
    ) -> Callable[[Function[A | B | C]], Function[A | B | C]]: ...
    @overload
    def on(self, *types: type[A]) -> Callable[[Function[A]], Function[A]]: ...
    def on(self, *types: type[EventData]) -> object:
        """Register a handler for one or more event types; `EventData` stands for all.

        Several handlers of one type are called in the order they were registered.
        Raises ConfigError for a class that stands for no event type.
        """

        def register(handler: Handler[EventData]) -> Handler[EventData]:
            self._dispatcher.add(types, handler)
            return handler

        return register

    async def _consume(self, message: KafkaMessage) -> None:
        for raw in cast("Sequence[_RawRecord]", message.raw_message):
            await self._dispatcher.dispatch(_record(raw))


@dataclass
class _RawRecord:
    """What is used of aiokafka's record, which is a dataclass as well."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


_Parse = Callable[[tuple[_RawRecord, ...]], Awaitable[KafkaMessage]]


def _record(raw: _RawRecord) -> Record:
    headers = {name: value for name, value in raw.headers if value is not None}
    return Record(
        raw.topic,
        raw.partition,
        raw.offset,
        raw.timestamp,
        raw.key,
        raw.value,
        headers,
    )


async def _lenient(message: tuple[_RawRecord, ...], original: _Parse) -> KafkaMessage:
    """Parse a batch without trusting its headers; FastStream expects UTF-8 text."""
    parsed = await original(
        tuple(replace(raw, headers=_as_text(raw.headers)) for raw in message)
    )
    parsed.raw_message = message
    return parsed


def _as_text(
    headers: Sequence[tuple[str, bytes | None]],
) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name, (value or b"").decode(errors="replace").encode())
        for name, value in headers
    )


async def _undecoded(message: KafkaMessage) -> object:
    """Leave the bodies to the dispatcher: a broken one must not fail the batch."""
    return message.body
