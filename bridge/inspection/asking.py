"""Gathers what the topics hold about one subject, for `why.py` to judge."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.canonical import envelope
from bridge.clock import Clock, SystemClock
from bridge.errors import UnreadableError
from bridge.inspection.board import Board, read_board
from bridge.inspection.reached import Reached, reached
from bridge.inspection.why import Facts, Seen, Why, judge
from bridge.streams.connection import KafkaOptions
from bridge.streams.groups import deliver_group
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.receipts import Receipt, decode_sheet
from bridge.streams.scan import Place, Scanner, open_scanner, partition_for, time_of
from bridge.streams.topics import TopicNames

_CLOCK: Clock = SystemClock()


async def why(
    kafka: KafkaOptions,
    names: TopicNames,
    targets: Sequence[str],
    subject: str,
    *,
    fetching: Sequence[str] = (),
) -> list[Why]:
    """Return for every target what `subject` waits for; empty if it is unknown.

    `targets` are served with events, those that are `fetching` with hints. Reads the
    subject's partition of each topic from its beginning. Raises ConfigError for a
    missing topic, UnavailableError if Kafka is away.
    """
    async with open_scanner(kafka) as scanner:
        count = await scanner.partitions(names.events)
        partition = partition_for(subject.encode(), count)
        reading = _Reading(kafka, names, scanner, subject, partition)
        facts = [
            fact
            for topic, served in ((names.events, targets), (names.hints, fetching))
            for fact in await reading.facts(topic, served)
        ]
    known = any(each.events or each.receipts for each in facts) or any(
        subject in each.board.lanes() for each in facts
    )
    return [judge(each) for each in facts] if known else []


@dataclass(frozen=True, slots=True)
class _Reading:
    """One subject's partition."""

    kafka: KafkaOptions
    names: TopicNames
    scanner: Scanner
    subject: str
    partition: int

    async def facts(self, topic: str, targets: Sequence[str]) -> list[Facts]:
        """Return what is held about the subject at the targets served from `topic`."""
        place = Place(topic, self.partition)
        # The events last, so that there is one for every receipt and parked record.
        held = [await self._target(target, place) for target in targets]
        events = await self._events(place) if targets else []
        now = _CLOCK.now()
        return [
            Facts(
                self.subject, target, self.partition, events, receipts, board, far, now
            )
            for target, (far, board, receipts) in zip(targets, held, strict=True)
        ]

    async def _target(
        self, target: str, place: Place
    ) -> tuple[Reached, Board, list[Receipt]]:
        far = await self._reached(target, place)
        parked = Place(self.names.parked(target), self.partition)
        board = await read_board(self.scanner, parked)
        return far, board, await self._receipts(target)

    async def _events(self, place: Place) -> list[Seen]:
        key = self.subject.encode()
        found = []
        async for record in self.scanner.records(place):
            if record.key != key:
                continue
            try:
                event = envelope.from_headers(record.headers, b"")
            except UnreadableError:
                continue  # `verify` tells of it
            written_at = time_of(record)
            found.append(
                Seen(event.sequence, event.id, event.type, record.offset, written_at)
            )
        return found

    async def _reached(self, target: str, place: Place) -> Reached:
        extent = await self.scanner.extent(place)
        offsets = CommittedOffsets(self.kafka, deliver_group(self.names.prefix, target))
        try:
            commit = await offsets.read(place.topic, place.partition)
        finally:
            await offsets.stop()
        return reached(commit, extent.first, extent.end)

    async def _receipts(self, target: str) -> list[Receipt]:
        # Sheets hold many subjects: those that cannot name ours are not decoded.
        needle = json.dumps(self.subject, ensure_ascii=False).encode()
        found: list[Receipt] = []
        place = Place(self.names.receipts(target), self.partition)
        async for record in self.scanner.records(place):
            if needle not in (record.value or b""):
                continue
            try:
                sheet = decode_sheet(record.value or b"")
            except UnreadableError:
                continue
            found += [each for each in sheet.receipts if each.subject == self.subject]
        return found
