"""How far each group is behind on each partition, and how old its oldest work is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.clock import Clock, SystemClock
from bridge.deadletters.parked import ParkedEvent
from bridge.inspection.board import Board, read_board
from bridge.inspection.reached import Reached, reached
from bridge.inspection.waiting import DUE, reason_of
from bridge.streams.connection import KafkaOptions
from bridge.streams.groups import deliver_group, normalize_group
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.scan import Place, Scanner, open_scanner, time_of
from bridge.streams.topics import TopicNames

_CLOCK: Clock = SystemClock()


@dataclass(frozen=True, slots=True)
class Lag:
    """One group at one partition.

    `committed` is the lowest unfinished offset, None before the first commit;
    `lag` counts the offsets from there to `end` that are not finished, transaction
    markers among them. `parked` events wait outside the log, `dead` ones of them for
    an operator. `waits` counts the lanes with something kept by what they wait for;
    lanes whose head was not tried in vain yet are not among them. `oldest_seconds` is
    the age of the oldest unfinished event or hint, in the log or parked; None if there
    is none.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    parked: int
    dead: int
    waits: Mapping[str, int]
    oldest_seconds: float | None


async def lag(
    kafka: KafkaOptions,
    names: TopicNames,
    targets: Sequence[str],
    clock: Clock = _CLOCK,
    *,
    fetching: Sequence[str] = (),
) -> list[Lag]:
    """Return a row for every group and partition.

    `targets` are served with events, those that are `fetching` with hints. Raises
    ConfigError for a missing topic, UnavailableError if Kafka is away.
    """
    rows = []
    async with open_scanner(kafka, clock) as scanner:
        for group, topic, parked in _groups(names, targets, fetching):
            offsets = CommittedOffsets(kafka, group)
            reading = _Reading(scanner, offsets, group, clock)
            try:
                for partition in range(await scanner.partitions(topic)):
                    board = Board()
                    if parked is not None:
                        board = await read_board(scanner, Place(parked, partition))
                    rows.append(await reading.row(Place(topic, partition), board))
            finally:
                await offsets.stop()
    return rows


def _groups(
    names: TopicNames, targets: Sequence[str], fetching: Sequence[str]
) -> Iterator[tuple[str, str, str | None]]:
    yield normalize_group(names.prefix), names.raw, None
    served = dict.fromkeys(targets, names.events)
    served |= dict.fromkeys(fetching, names.hints)
    for target, topic in served.items():
        yield deliver_group(names.prefix, target), topic, names.parked(target)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One group's rows."""

    scanner: Scanner
    offsets: CommittedOffsets
    group: str
    clock: Clock

    async def row(self, place: Place, board: Board) -> Lag:
        extent = await self.scanner.extent(place)
        commit = await self.offsets.read(place.topic, place.partition)
        far = reached(commit, extent.first, extent.end)
        oldest = await self._oldest(place, far)
        parked = [each for each in board.events.values() if each.state.kind == "parked"]
        # Without a record there, what is left are transaction markers.
        waiting = 0 if oldest is None else extent.end - far.position - len(far.above)
        return Lag(
            self.group,
            place.topic,
            place.partition,
            None if commit is None else commit.offset,
            extent.end,
            waiting,
            len(parked),
            sum(each.state.death is not None for each in parked),
            waits_of(board),
            self._age(oldest, parked),
        )

    async def _oldest(self, place: Place, far: Reached) -> datetime | None:
        oldest = await self.scanner.first_from(place, far.position)
        return None if oldest is None else time_of(oldest)

    def _age(
        self, oldest: datetime | None, parked: Sequence[ParkedEvent]
    ) -> float | None:
        times = [
            datetime.fromtimestamp(each.state.timestamp / 1000, UTC) for each in parked
        ]
        if oldest is not None:
            times.append(oldest)
        return (self.clock.now() - min(times)).total_seconds() if times else None


def waits_of(board: Board) -> dict[str, int]:
    """Count a board's lanes by what they wait for; `due` ones wait for nothing."""
    reasons = Counter(
        reason_of(lane[0].state, paused=board.pause_of(subject) is not None)
        for subject, lane in board.lanes().items()
    )
    del reasons[DUE]
    return dict(sorted(reasons.items()))
