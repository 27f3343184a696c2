"""The dead events of the targets, as their parked topics hold them now."""

from collections.abc import Iterator, Sequence

from bridge.canonical import envelope
from bridge.deadletters import letter
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.parked import ParkedEvent
from bridge.deadletters.replay import DeadEvent
from bridge.errors import UnreadableError
from bridge.inspection.board import Board, read_board
from bridge.streams.connection import KafkaOptions
from bridge.streams.records import Record
from bridge.streams.scan import Place, open_scanner
from bridge.streams.topics import TopicNames


async def dead_events(
    kafka: KafkaOptions, names: TopicNames, targets: Sequence[str]
) -> list[DeadEvent]:
    """Return every dead event that waits for an operator, with its body.

    Raises ConfigError for a missing topic, UnavailableError if Kafka is away.
    """
    found: list[DeadEvent] = []
    async with open_scanner(kafka) as scanner:
        for target in targets:
            topic = names.parked(target)
            for number in range(await scanner.partitions(topic)):
                place = Place(topic, number)
                board = await read_board(scanner, place, bodies=True)
                found += dead_on(board, target, number)
    return found


async def last_letters(
    kafka: KafkaOptions, names: TopicNames, dead: Sequence[DeadEvent]
) -> dict[tuple[str, str], DeadLetter]:
    """Return the last dead letter of each event, by target and event id.

    Letters are kept for a while only: an event that has been dead for longer has none.
    """
    found: dict[tuple[str, str], DeadLetter] = {}
    wanted = {(each.target, each.event_id) for each in dead}
    async with open_scanner(kafka) as scanner:
        for target, partition in {(each.target, each.partition) for each in dead}:
            async for record in scanner.records(Place(names.dead(target), partition)):
                told = _letter(record)
                key = (target, "" if told is None or not told.about else told.about.id)
                if told is not None and key in wanted:
                    found[key] = told
    return found


def _letter(record: Record) -> DeadLetter | None:
    try:
        return letter.from_headers(record.headers, record.key, None)
    except UnreadableError:
        return None


def dead_on(board: Board, target: str, partition: int) -> Iterator[DeadEvent]:
    """Yield the dead events of one board, lane by lane in their order."""
    for lane in board.lanes().values():
        for place, kept in enumerate(lane):
            if kept.state.death is not None:
                yield _dead(lane, place, target, partition)


def _dead(
    lane: Sequence[ParkedEvent], place: int, target: str, partition: int
) -> DeadEvent:
    kept = lane[place]
    state = kept.state
    assert state.death is not None  # noqa: S101 - the caller has looked
    event = _event(kept)
    return DeadEvent(
        target=target,
        partition=partition,
        subject=state.subject,
        sequence=state.sequence,
        event_id=kept.event_id,
        type="unknown" if event is None else event.type,
        death=state.death,
        trouble=state.trouble,
        parked_at=state.parked_at,
        edited=state.edited,
        ahead=tuple(each.state.sequence for each in lane[:place]),
        behind=len(lane) - place - 1,
        event=event,
    )


def _event(kept: ParkedEvent) -> envelope.Event | None:
    try:
        return envelope.from_headers(kept.headers, kept.body)
    except UnreadableError:
        return None
