"""How far each group is behind on each partition, and how old its oldest work is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bridge.clock import Clock, SystemClock
from bridge.streams.connection import KafkaOptions
from bridge.streams.groups import deliver_group, normalize_group
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.options import WINDOW_LIMIT
from bridge.streams.progress import Progress
from bridge.streams.scan import Place, Scanner, open_scanner, time_of
from bridge.streams.topics import TopicNames

_CLOCK: Clock = SystemClock()


@dataclass(frozen=True, slots=True)
class Lag:
    """One group at one partition.

    `committed` is the lowest unfinished offset, None before the first commit;
    `lag` counts the offsets from there to `end` that are not finished, transaction
    markers among them; `oldest_seconds` is the age of the record at `committed`,
    None if there is none.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    oldest_seconds: float | None


async def lag(
    kafka: KafkaOptions,
    names: TopicNames,
    targets: Sequence[str],
    clock: Clock = _CLOCK,
) -> list[Lag]:
    """Return a row for every group and partition.

    Raises ConfigError for a missing topic, UnavailableError if Kafka is away.
    """
    rows = []
    async with open_scanner(kafka, clock) as scanner:
        for group, topic in _groups(names, targets):
            offsets = CommittedOffsets(kafka, group)
            try:
                for partition in range(await scanner.partitions(topic)):
                    place = Place(topic, partition)
                    rows.append(await _row(scanner, offsets, place, group, clock))
            finally:
                await offsets.stop()
    return rows


def _groups(names: TopicNames, targets: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield normalize_group(names.prefix), names.raw
    for target in targets:
        yield deliver_group(names.prefix, target), names.events


async def _row(
    scanner: Scanner, offsets: CommittedOffsets, place: Place, group: str, clock: Clock
) -> Lag:
    extent = await scanner.extent(place)
    commit = await offsets.read(place.topic, place.partition)
    position = extent.first if commit is None else max(commit.offset, extent.first)
    finished = 0 if commit is None else _finished(position, extent.end, commit.metadata)
    oldest = await scanner.first_from(place, position)
    waiting, age = 0, None
    if oldest is not None:  # else what is left are transaction markers
        waiting = extent.end - position - finished
        age = (clock.now() - time_of(oldest)).total_seconds()
    return Lag(
        group,
        place.topic,
        place.partition,
        None if commit is None else commit.offset,
        extent.end,
        waiting,
        age,
    )


def _finished(position: int, end: int, metadata: str) -> int:
    """Count the finished offsets above `position` that the metadata tells of."""
    progress, _ = Progress.decode(position, metadata)
    offsets = islice(range(position, end), WINDOW_LIMIT)
    return sum(not progress.deliver(offset) for offset in offsets)
