"""The history of one return as the topics tell it; no bodies, no personal field."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bridge.canonical import envelope
from bridge.deadletters import instructions, letter
from bridge.deadletters.instructions import EVERYTHING
from bridge.deadletters.parked import Trouble
from bridge.errors import UnreadableError
from bridge.inspection.board import Board, read_board
from bridge.streams import hints
from bridge.streams.connection import KafkaOptions
from bridge.streams.raw import from_raw
from bridge.streams.receipts import Sheet, decode_sheet
from bridge.streams.records import Record
from bridge.streams.scan import Place, Scanner, open_scanner, partition_for
from bridge.streams.topics import TopicNames


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One thing that happened to the subject.

    `what` is `observation`, `hint`, `event`, `attempt`, `receipt`, `dead letter`,
    `instruction` (given), `answer` (to it), `pause`, `parked` (what is kept of an
    event now) or `tried` (its last attempt, while it has no receipt); `target` and
    `sequence` are None where there is none; `detail` is one short line.
    """

    at: datetime
    what: str
    target: str | None
    sequence: int | None
    detail: str


Reader = Callable[[Record], Iterator[TraceStep]]


async def trace(
    kafka: KafkaOptions,
    names: TopicNames,
    targets: Sequence[str],
    subject: str,
    *,
    fetching: Sequence[str] = (),
) -> list[TraceStep]:
    """Return what the topics know of `subject`, oldest first; empty if nothing.

    `targets` are served with events, those that are `fetching` with hints. Reads
    the subject's partition of each topic from its beginning. Raises ConfigError for a
    missing topic, UnavailableError if Kafka is away.
    """
    async with open_scanner(kafka) as scanner:
        partition = partition_for(
            subject.encode(), await scanner.partitions(names.events)
        )
        steps = [
            step
            for topic, read in _readers(names, (*targets, *fetching), subject)
            async for step in _steps(scanner, Place(topic, partition), read)
        ]
        for target in (*targets, *fetching):
            board = await read_board(scanner, Place(names.parked(target), partition))
            steps += _kept(board, subject, target)
    # A retried event's receipt may tell its earlier attempts once more.
    return sorted(dict.fromkeys(steps), key=lambda step: step.at)


def _readers(
    names: TopicNames, targets: Sequence[str], subject: str
) -> Iterator[tuple[str, Reader]]:
    key = subject.encode()
    yield names.hints, partial(_hints, key)
    yield names.raw, partial(_observations, key)
    yield names.dead_inbound, partial(_letters, key)
    yield names.events, partial(_events, key)
    yield names.instructions, partial(_instructions, key)
    for target in targets:
        yield names.receipts(target), partial(_receipts, subject, target)
        yield names.dead(target), partial(_letters, key)


async def _steps(
    scanner: Scanner, place: Place, read: Reader
) -> AsyncIterator[TraceStep]:
    async for record in scanner.records(place):
        try:
            steps = list(read(record))
        except UnreadableError:
            continue  # `verify` tells of records that are not what their topic holds
        for step in steps:
            yield step


def _observations(key: bytes, record: Record) -> Iterator[TraceStep]:
    if record.key == key:
        seen = from_raw(record)
        detail = f"{seen.channel} {seen.id}, {len(seen.body):,} bytes"
        yield TraceStep(seen.received_at, "observation", None, None, detail)


def _events(key: bytes, record: Record) -> Iterator[TraceStep]:
    if record.key == key:
        event = envelope.from_headers(record.headers, record.value or b"")
        detail = f"{event.type} {event.id}, because of {event.causation_id}"
        time = event.time
        yield TraceStep(time, "event", None, event.sequence, detail)


def _hints(key: bytes, record: Record) -> Iterator[TraceStep]:
    if record.key == key:
        hint = envelope.from_headers(record.headers, record.value or b"")
        detail = f"{hints.reason_of(hint) or 'no reason told'}, {hint.id}"
        yield TraceStep(hint.time, "hint", None, None, detail)


def _letters(key: bytes, record: Record) -> Iterator[TraceStep]:
    if record.key == key:
        dead = letter.from_headers(record.headers, record.key, record.value)
        detail = f"{dead.reason} at {dead.path}: {dead.detail or 'no detail'}"
        number = None if dead.about is None else dead.about.sequence or None
        yield TraceStep(dead.died_at, "dead letter", dead.target, number, detail)


def _instructions(key: bytes, record: Record) -> Iterator[TraceStep]:
    if record.key in {key, EVERYTHING.encode()}:
        given = instructions.decode(record.key, record.value)
        what = f"{given.action} by {given.author}"
        detail = f"{what}: {given.reason}" if given.reason else what
        yield TraceStep(
            given.issued_at, "instruction", given.target, given.sequence, detail
        )


def _kept(board: Board, subject: str, target: str) -> Iterator[TraceStep]:
    """Tell what is kept of the subject's unfinished events."""
    pause = board.pause_of(subject)
    if pause is not None:
        detail = f"since then, by {pause.author}: {pause.reason or 'no reason given'}"
        yield TraceStep(pause.at, "pause", target, None, detail)
    for event in board.lanes().get(subject, ()):
        state, number = event.state, event.state.sequence or None
        if state.trouble.last_tried_at is not None:
            yield TraceStep(
                state.trouble.last_tried_at,
                "tried",
                target,
                number,
                tries_said(state.trouble),
            )
        if state.kind == "parked":
            waits = "waits for an operator" if state.death else "waits outside the log"
            yield TraceStep(state.parked_at, "parked", target, number, waits)


def tries_said(trouble: Trouble) -> str:
    """Say how an event has fared so far."""
    last = " ".join(filter(None, (trouble.last_outcome, trouble.last_reason)))
    times = "once" if trouble.tried == 1 else f"{trouble.tried} times"
    return f"tried {times}, last: {last or 'not told'}"


def _receipts(subject: str, target: str, record: Record) -> Iterator[TraceStep]:
    # Sheets hold many subjects: those that cannot name ours are not decoded.
    value = record.value or b""
    if not any(_quoted(name) in value for name in (subject, EVERYTHING)):
        return
    sheet = decode_sheet(value)
    yield from _answers(subject, target, sheet)
    for receipt in sheet.receipts:
        if receipt.subject != subject:
            continue
        number = receipt.sequence or None  # hints have none
        of = "" if number else f", hint {receipt.id}"
        for attempt in receipt.attempts:
            took = (attempt.ended_at - attempt.started_at).total_seconds()
            detail = f"{attempt.outcome} {attempt.reason}".strip()
            detail = f"{detail}, {took * 1000:.0f} ms"
            yield TraceStep(attempt.started_at, "attempt", target, number, detail)
        edited = ", edited by an operator" if receipt.edited else ""
        detail = f"{receipt.outcome}{edited}, by {sheet.worker}{of}"
        yield TraceStep(receipt.finished_at, "receipt", target, number, detail)


def _quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def _answers(subject: str, target: str, sheet: Sheet) -> Iterator[TraceStep]:
    for answer in sheet.answers:
        if answer.subject in {subject, EVERYTHING}:
            word = "applied" if answer.applied else f"refused, {answer.why}"
            detail = f"{answer.action} by {answer.author}: {word}"
            yield TraceStep(
                answer.at, "answer", target, answer.sequence or None, detail
            )
