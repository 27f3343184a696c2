"""The normalise stage on one partition: each observation is folded into its subject.

Events and the subject's new snapshot are written in one transaction with the
progress. The local store follows after the commit; a crash between the two is healed
from the snapshots topic, which is the state.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from bridge.canonical.envelope import to_headers
from bridge.clock import Clock
from bridge.deadletters.letter import DeadLetter, Position
from bridge.errors import UnreadableError
from bridge.normalize.fold import Folded
from bridge.normalize.state import CorruptStateError, SubjectState, decode, start
from bridge.normalize.steps import fold, must_fit, read
from bridge.platforms.contract import (
    Observation,
    PlatformView,
    Reading,
    Requests,
    Source,
)
from bridge.streams.raw import from_raw, to_raw
from bridge.streams.records import Outgoing, Record
from bridge.streams.store import StateStore
from bridge.streams.topics import TopicNames
from bridge.telemetry import events, logger, metrics, tracing

#: Bytes of events and snapshots that may wait for a commit, per partition.
UNCOMMITTED_LIMIT = 2 * 1024 * 1024
#: From this size on (bytes) a body is read in a thread: 5,000 lines take a second.
LARGE_BODY = 256 * 1024

#: Feeds the snapshots of one partition from an offset on; returns the end.
ReadSnapshots = Callable[[int, Callable[[list[Record]], None]], Awaitable[int]]

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all partitions of the stage share: topics, accounts, where state lies."""

    topics: TopicNames
    sources: Mapping[str, Source]
    state_dir: Path
    cluster: str
    clock: Clock


class Ownership(Protocol):
    """What this stage needs of the partition's owner (`bridge/streams/owner.py`)."""

    partition: int

    def finish(self, offset: int) -> None:
        """The record at `offset` is done with."""
        ...

    def alongside(self, work: Coroutine[None, None, None]) -> None:
        """Run a piece of work beside the reading; a mistake in it is the owner's."""
        ...


class NormalizeWork:
    """One partition of `returns.raw`."""

    def __init__(self, owner: Ownership, setting: Setting, read: ReadSnapshots) -> None:
        self._owner = owner
        self._setting = setting
        self._read = read
        self._store: StateStore | None = None
        self._outgoing: list[Outgoing] = []
        self._uncommitted = 0
        self._learned: dict[str, bytes] = {}
        self._writing: dict[str, bytes] = {}
        self._aside = False

    # ------------------------------------------------------------ the owner's calls

    async def restore(self, *, clean: bool) -> None:  # noqa: ARG002 - makes no calls
        """Open the local store and bring it to the end of the snapshots topic."""
        partition = self._owner.partition
        topic = self._setting.topics.snapshots
        path = self._setting.state_dir / topic / str(partition)
        identity = f"{self._setting.cluster}/{topic}/{partition}"
        store = await asyncio.to_thread(StateStore.open, path, identity)
        self._store = store
        behind = store.position
        end = await self._read(behind, self._restore_batch)
        if end < behind:
            store.clear()
            end = await self._read(0, self._restore_batch)
        store.apply((), end)
        log.info(events.STATE_RESTORED, partition=partition, since=behind, end=end)

    def _restore_batch(self, records: list[Record]) -> None:
        if records:
            items = [(record.key or b"", record.value) for record in records]
            self._opened.apply(items, records[-1].offset + 1)

    @property
    def _opened(self) -> StateStore:
        if self._store is None:
            raise RuntimeError("the partition is not restored yet")
        return self._store

    def accept(self, record: Record) -> None:
        """Fold one observation; what cannot be read becomes a dead letter."""
        if len(record.value or b"") > LARGE_BODY:
            self._aside = True
            self._owner.alongside(self._accept_aside(record))
            return
        with self._span(record) as span:
            try:
                observation, source = self._observation(record, span)
                reading = read(source, observation)
                state = self._state_for(observation, reading)
                if state is not None:
                    self._keep(observation, fold(state, observation, reading))
            except UnreadableError as broken:
                self._bury(record, broken)
        self._owner.finish(record.offset)

    async def _accept_aside(self, record: Record) -> None:
        """Do the same with the heavy steps in a thread; nothing else is taken on."""
        with self._span(record) as span:
            try:
                observation, source = self._observation(record, span)
                reading = await asyncio.to_thread(read, source, observation)
                state = self._state_for(observation, reading)
                if state is not None:
                    folded = await asyncio.to_thread(fold, state, observation, reading)
                    self._keep(observation, folded)
            except UnreadableError as broken:
                self._bury(record, broken)
        self._aside = False
        self._owner.finish(record.offset)

    @staticmethod
    def _span(record: Record) -> tracing.Span:
        parent = record.headers.get(tracing.HEADER, b"").decode("utf-8", "replace")
        return tracing.span("normalize", parent or None)

    def room(self) -> bool:
        """Tell whether another observation may be taken on now."""
        return not self._aside and self._uncommitted < UNCOMMITTED_LIMIT

    def collect(self) -> list[Outgoing]:
        """Hand over events, snapshots and dead letters of this tick."""
        outgoing, self._outgoing = self._outgoing, []
        self._writing, self._learned = self._learned, {}
        self._uncommitted = 0
        return outgoing

    def committed(self, ends: Mapping[str, int]) -> None:
        """Write to the local store what is on Kafka now."""
        if self._writing:
            topic = self._setting.topics.snapshots
            items = [(key.encode(), value) for key, value in self._writing.items()]
            self._opened.apply(items, ends.get(topic, self._opened.position))
            self._writing = {}

    async def drain(self, limit: timedelta) -> bool:  # noqa: ARG002 - makes no calls
        """Nothing is in flight outside Kafka."""
        return True

    def drop(self) -> None:
        """Let go of the local store; the next owner rebuilds what it needs."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    # ------------------------------------------------------------ one observation

    def _observation(
        self, record: Record, span: tracing.Span
    ) -> tuple[Observation, Source]:
        observation = replace(from_raw(record), traceparent=span.traceparent)
        source = self._setting.sources.get(observation.account)
        if source is None:
            raise UnreadableError(
                "unknown_account", "$", "no such account is configured"
            )
        return observation, source

    def _state_for(
        self, observation: Observation, reading: Reading
    ) -> SubjectState | None:
        """Return the subject's state; None if the body was sent on to its own key."""
        by_account = observation.subject == observation.account
        if isinstance(reading, PlatformView | Requests) and by_account:
            self._send_on(observation, reading.subject)
            return None
        try:
            return self._state(observation.subject)
        except CorruptStateError as broken:
            raise UnreadableError(broken.reason, "$", str(broken)) from broken

    def _state(self, subject: str) -> SubjectState:
        record = self._learned.get(subject) or self._writing.get(subject)
        record = record or self._opened.get(subject.encode())
        return start(subject) if record is None else decode(record)

    def _keep(self, observation: Observation, folded: Folded) -> None:
        result = "folded" if folded.events else "nothing_new"
        metrics.of(metrics.OBSERVATIONS, observation.account, result).inc()
        if observation.channel == "poll" and folded.events:
            metrics.SEEN_ONLY_BY_POLLING.labels(observation.account).inc()
        if folded.snapshot is None:
            return
        must_fit(folded)
        subject = observation.subject
        self._learned[subject] = folded.snapshot
        for event in folded.events:
            metrics.of(metrics.EVENTS, event.type).inc()
            self._write(
                self._setting.topics.events, subject, event.body, to_headers(event)
            )
        self._write(self._setting.topics.snapshots, subject, folded.snapshot)
        if folded.unexpected is not None:
            metrics.UNEXPECTED_MOVES.labels(observation.platform).inc()
        log.debug(events.OBSERVATION_FOLDED, subject=subject, events=len(folded.events))

    def _write(
        self,
        topic: str,
        subject: str,
        value: bytes,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> None:
        partition = self._owner.partition
        self._add(Outgoing(topic, subject.encode(), value, headers, partition))

    def _add(self, outgoing: Outgoing) -> None:
        self._uncommitted += len(outgoing.value or b"")
        self._outgoing.append(outgoing)

    def _send_on(self, observation: Observation, subject: str) -> None:
        """The door could not tell the subject: put the body under its own key."""
        proper = replace(observation, subject=subject)
        self._add(to_raw(proper, self._setting.topics.raw))

    def _bury(self, record: Record, broken: UnreadableError) -> None:
        letter = DeadLetter(
            stage="normalize",
            reason=broken.reason,
            detail=broken.detail,
            path=broken.path,
            origin=Position(
                record.topic, record.partition, record.offset, record.timestamp
            ),
            died_at=self._setting.clock.now(),
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        topic = self._setting.topics.dead_inbound
        headers = letter.to_headers()
        self._add(Outgoing(topic, record.key, record.value, headers, record.partition))
        account = metrics.known(_account(record), self._setting.sources)
        metrics.OBSERVATIONS.labels(account, "unreadable").inc()
        metrics.DEAD_LETTERS.labels("normalize", "inbound", broken.reason).inc()
        log.warning(
            events.OBSERVATION_UNREADABLE,
            account=account,
            reason=broken.reason,
            path=broken.path,
        )


def _account(record: Record) -> str:
    return record.headers.get("account", b"").decode("utf-8", "replace")
