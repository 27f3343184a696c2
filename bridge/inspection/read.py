"""Feeds the checker from the topics of a running system, partition by partition.

Memory grows with the subjects of one partition, not with the topics.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bridge.canonical import envelope
from bridge.canonical.envelope import Event
from bridge.clock import Clock, SystemClock
from bridge.deadletters import letter
from bridge.errors import ConfigError, UnreadableError
from bridge.inspection.board import read_board
from bridge.inspection.findings import Report, total
from bridge.inspection.reached import Reached, reached
from bridge.inspection.verify import Checker
from bridge.streams.connection import KafkaOptions
from bridge.streams.groups import deliver_group
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.receipts import decode_sheet
from bridge.streams.records import Record
from bridge.streams.scan import (
    Place,
    Progress,
    Scanner,
    open_scanner,
    silent,
    time_of,
)
from bridge.streams.topics import TopicNames

#: How far the clocks of two workers may be apart before an overlap is told.
SKEW = timedelta(milliseconds=500)
#: What was finished so shortly before may have been committed just after.
_UNSURE = timedelta(minutes=1)
#: Kafka shows a commit before the markers of its transaction stand everywhere; what
#: the commit calls finished can be read a moment later.
_SETTLING = timedelta(seconds=1)
_CLOCK: Clock = SystemClock()

Take = Callable[[Event, datetime, int], None]


async def verify(  # noqa: PLR0913 - what to read, and how
    kafka: KafkaOptions,
    names: TopicNames,
    targets: Sequence[str],
    since: datetime | None = None,
    *,
    fetching: Sequence[str] = (),
    progress: Progress = silent,
) -> Report:
    """Check every partition and add the reports up.

    `targets` are served with events, those that are `fetching` with hints. `since`
    leaves out what was written before; histories are then judged from there. Raises
    ConfigError for a missing topic, UnavailableError if Kafka is away.
    """
    async with open_scanner(kafka) as scanner:
        served = dict.fromkeys(targets, names.events)
        served |= dict.fromkeys(fetching, names.hints)
        reading = _Reading(scanner, names, served, since, progress)
        partitions = await reading.partitions()
        far = {
            target: await _reached(
                kafka,
                deliver_group(names.prefix, target),
                [Place(topic, number) for number in range(partitions)],
                scanner,
            )
            for target, topic in served.items()
        }
        await _CLOCK.sleep(_SETTLING)
        reports = [await reading.partition(number, far) for number in range(partitions)]
    return total(reports, served)


async def _reached(
    kafka: KafkaOptions, group: str, places: Sequence[Place], scanner: Scanner
) -> list[Reached]:
    """Return how far a target is in each partition of what it is served from."""
    offsets = CommittedOffsets(kafka, group)
    found = []
    try:
        for place in places:
            extent = await scanner.extent(place)
            commit = await offsets.read(place.topic, place.partition)
            found.append(reached(commit, extent.first, extent.end))
    finally:
        await offsets.stop()
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    """One run over the topics; `served` has the topic that each target reads."""

    scanner: Scanner
    names: TopicNames
    served: Mapping[str, str]
    since: datetime | None
    progress: Progress

    def _those(self, topic: str) -> list[str]:
        return [target for target, served in self.served.items() if served == topic]

    async def partitions(self) -> int:
        """Return the number of partitions; all topics must have the same."""
        count = await self.scanner.partitions(self.names.events)
        for target, served in self.served.items():
            topics = (self.names.receipts, self.names.dead, self.names.parked)
            for topic in (served, *(name(target) for name in topics)):
                if await self.scanner.partitions(topic) != count:
                    raise ConfigError(
                        f"{topic} has not the {count} partitions of "
                        f"{self.names.events}: compare with `topics check`"
                    )
        return count

    async def partition(
        self, number: int, far: Mapping[str, Sequence[Reached]]
    ) -> Report:
        """Check one partition, in the order that the checker asks for."""
        events = Place(self.names.events, number)
        extent = await self.scanner.extent(events)
        whole = self.since is None and extent.first == 0
        targets, fetching = self._those(events.topic), self._those(self.names.hints)
        checker = Checker(targets, fetching=fetching, skew=SKEW, whole=whole)
        for target in self.served:
            read_at = _CLOCK.now() - _UNSURE
            checker.progress(target, far[target][number].finished, read_at)
            await self._parked(checker, target, number)
            await self._receipts(checker, target, number)
        for target in targets:
            await self._letters(checker, target, number)
        await self._log(checker, events, checker.event)
        for target in fetching:
            hints = Place(self.names.hints, number)
            await self._log(checker, hints, partial(checker.hint, target))
        return checker.report()

    async def _log(self, checker: Checker, place: Place, take: Take) -> None:
        """Feed what a target is served from; it is read last."""
        records = self.scanner.records(place, since=self.since, progress=self.progress)
        async for record in records:
            try:
                event = envelope.from_headers(record.headers, record.value or b"")
            except UnreadableError as broken:
                checker.foreign(_where(record, broken))
            else:
                take(event, time_of(record), record.offset)

    async def _parked(self, checker: Checker, target: str, number: int) -> None:
        place = Place(self.names.parked(target), number)
        board = await read_board(self.scanner, place)
        for event in board.events.values():
            checker.parked(target, event)
        for subject in board.pauses:
            checker.paused(target, subject)
        for record in board.unreadable.values():
            checker.foreign(record)

    async def _receipts(self, checker: Checker, target: str, number: int) -> None:
        place = Place(self.names.receipts(target), number)
        extent = await self.scanner.extent(place)
        if self.since is not None:
            checker.receipts_since(target, self.since)
        elif extent.first > 0:
            oldest = await self.scanner.first_from(place, extent.first)
            known = (
                datetime.max.replace(tzinfo=UTC) if oldest is None else time_of(oldest)
            )
            checker.receipts_since(target, known)
        records = self.scanner.records(place, since=self.since, progress=self.progress)
        async for record in records:
            try:
                checker.sheet(target, decode_sheet(record.value or b""))
            except UnreadableError as broken:
                checker.foreign(_where(record, broken))

    async def _letters(self, checker: Checker, target: str, number: int) -> None:
        place = Place(self.names.dead(target), number)
        async for record in self.scanner.records(place, progress=self.progress):
            try:
                dead = letter.from_headers(record.headers, record.key, record.value)
            except UnreadableError as broken:
                checker.foreign(_where(record, broken))
                continue
            if dead.about is not None:
                checker.dead(target, dead.about.subject, dead.about.sequence)


def _where(record: Record, broken: UnreadableError) -> str:
    place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
    return f"{place}: {broken}"
