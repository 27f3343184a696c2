"""From a record to the handlers of its type: decode, compare, warn, call.

Knows nothing of FastStream. A record that cannot be decoded is logged and counted
and never stops the consumer; a handler that raises stops it on purpose: the record is
asked for again after a pause, since to go on would break the order of its subject.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from bridge.canonical.envelope import Event, from_headers
from bridge.canonical.event_data import EventData
from bridge.canonical.events import TYPES
from bridge.client.history import History, Seen
from bridge.client.received import Counts, Gap, Handler, Received
from bridge.clock import Clock
from bridge.errors import ConfigError, UnreadableError
from bridge.streams.records import Record

#: The waits after the first, second … failure of one event; the last one repeats.
#: Far below Kafka's `max.poll.interval` of 5 minutes.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 5, 10, 30))

OnGap = Callable[[Gap], None]

_WIRE_TYPES = frozenset(f"returns.{name}.v1".encode() for name in TYPES)
_logger = logging.getLogger("bridge.client")


class Dispatcher:
    """Calls the handlers of each event's type, one event at a time, in order."""

    def __init__(self, history: History, clock: Clock, on_gap: OnGap | None) -> None:
        self.counts = Counts()
        self._history = history
        self._clock = clock
        self._on_gap = on_gap
        self._handlers: dict[str, list[Handler[EventData]]] = {}
        self._failing = ("", 0)

    def add(
        self, types: tuple[type[EventData], ...], handler: Handler[EventData]
    ) -> None:
        """Let `handler` have every event type that is one of `types` or below it.

        Raises ConfigError if one of them stands for no event type.
        """
        for wanted in types:
            names = [name for name, model in TYPES.items() if issubclass(model, wanted)]
            if not names:
                raise ConfigError(f"{wanted.__name__} is no canonical event type")
            for name in names:
                handlers = self._handlers.setdefault(name, [])
                if handler not in handlers:
                    handlers.append(handler)

    async def dispatch(self, record: Record) -> None:
        """Deal with one record; raises what a handler raised, after the pause."""
        event = self._open(record)
        if event is None:
            return
        seen = self._history.judge(event.subject, event.sequence)
        if seen is Seen.DUPLICATE:
            self.counts.duplicates += 1
            return
        if isinstance(seen, Gap) and event.id != self._failing[0]:
            self._warn(seen)
        await self._hand_over(event, record)
        self._history.note(event.subject, event.sequence)

    def _open(self, record: Record) -> Event | None:
        headers = record.headers
        if headers.get("ce_type") not in _WIRE_TYPES:
            headers = _of_a_later_version(headers)
        try:
            return from_headers(headers, record.value or b"")
        except UnreadableError as broken:
            self._give_up(record, broken)
            return None

    async def _hand_over(self, event: Event, record: Record) -> None:
        handlers = self._handlers.get(event.type, [])
        if not handlers:
            self.counts.ignored += 1
            return
        try:
            received = Received(event, event.read())
        except UnreadableError as broken:
            self._give_up(record, broken)
            return
        for handler in handlers:
            await self._call(handler, received)
        self.counts.handled += 1
        self._failing = ("", 0)

    async def _call(
        self, handler: Handler[EventData], received: Received[EventData]
    ) -> None:
        try:
            await handler(received)
        except Exception:
            id_, failures = self._failing
            failures = failures + 1 if id_ == received.id else 1
            self._failing = (received.id, failures)
            self.counts.failures += 1
            pause = PAUSES[min(failures, len(PAUSES)) - 1]
            _logger.warning(
                "client.handler_failed event=%s type=%s subject=%s failures=%d "
                "again_after=%s",
                received.id,
                received.envelope.type,
                received.subject,
                failures,
                pause,
            )
            await self._clock.sleep(pause)
            raise

    def _warn(self, gap: Gap) -> None:
        self.counts.gaps += 1
        _logger.warning(
            "client.gap subject=%s first=%d last=%d: these events were not seen here",
            gap.subject,
            gap.first,
            gap.last,
        )
        if self._on_gap is None:
            return
        try:
            self._on_gap(gap)
        except Exception:
            # A warning never holds up the events.
            _logger.exception("client.on_gap_failed subject=%s", gap.subject)

    def _give_up(self, record: Record, broken: UnreadableError) -> None:
        self.counts.unreadable += 1
        _logger.error(
            "client.unreadable topic=%s partition=%d offset=%d reason=%s path=%s",
            record.topic,
            record.partition,
            record.offset,
            broken.reason,
            broken.path,
        )


def _of_a_later_version(headers: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Give an event type that we do not know a name that has no handler.

    Its subject and sequence are still read, or the next event would seem to leave a
    gap. A record without any type is left alone: it is no event.
    """
    if "ce_type" not in headers:
        return headers
    return {**headers, "ce_type": b"returns.unknown.v1"}
