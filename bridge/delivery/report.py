"""What a partition's work at a target leaves behind: receipts, dead letters, log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.deadletters.letter import About, DeadLetter, Position, Tries
from bridge.delivery.lanes import Letter
from bridge.delivery.policy import Bury
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Failed,
    NotYet,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
    Unfinished,
)
from bridge.streams.raw import to_raw
from bridge.streams.receipts import (
    DEAD,
    Answer,
    Attempt,
    Pad,
    Receipt,
)
from bridge.streams.records import Outgoing, Record
from bridge.telemetry import events, logger, metrics

_NAMES: Mapping[type[Outcome], str] = {
    Delivered: "delivered",
    AlreadyApplied: "already_applied",
    Skipped: "skipped",
    Failed: "failed",
    Throttled: "throttled",
    NotYet: "not_yet",
    Refused: "refused",
    Unauthorized: "unauthorized",
}

#: Receipts whose last attempt is not in the letter's trouble: it ended well.
_BY_ATTEMPT = frozenset({"delivered", "already_applied", "skipped"})

log = logger("bridge.delivery")


@dataclass(frozen=True, slots=True)
class Topics:
    """Where one partition's events come from and where its traces go."""

    events: str
    dead: str
    receipts: str
    partition: int
    raw: str = "returns.raw"


def attempt_of(outcome: Outcome, started_at: datetime, ended_at: datetime) -> Attempt:
    """Return a conversation that came to `outcome` as its receipt will tell it."""
    return Attempt(started_at, ended_at, name_of(outcome), reason_of(outcome))


def name_of(outcome: Outcome) -> str:
    """Return the outcome's word, as receipts and metrics have it."""
    return _NAMES[type(outcome)]


def reason_of(outcome: Outcome) -> str:
    """Return the outcome's short stable reason; empty where there is none."""
    match outcome:
        case Delivered() | AlreadyApplied() | Throttled():
            return ""
        case _:
            return outcome.reason


class Report:
    """Collects what one partition's next commit has to write for one target."""

    def __init__(self, *, target: str, worker: str, topics: Topics) -> None:
        self._target = target
        self.worker = worker
        self._topics = topics
        self._pad = Pad(worker=worker, target=target, partition=topics.partition)
        self._letters: list[Outgoing] = []
        self._brought: list[Outgoing] = []
        self._seconds = metrics.ATTEMPT_SECONDS.labels(target)
        self._delivery_seconds = metrics.DELIVERY_SECONDS.labels(target)
        self._log = log.bind(target=target)  # bound once: it halves a line's price

    def attempted(self, letter: Letter, attempt: Attempt, outcome: Outcome) -> None:
        """Note one conversation: in the letter, the log and the metrics.

        What a target is configured not to act on is many lines and no news: `debug`.
        """
        letter.note(attempt)
        name, reason = attempt.outcome, attempt.reason
        metrics.of(metrics.ATTEMPTS, self._target, name, reason).inc()
        seconds = (attempt.ended_at - attempt.started_at).total_seconds()
        self._seconds.observe(seconds)
        say = self._log.debug if isinstance(outcome, Skipped) else self._log.info
        say(
            events.DELIVERY_ATTEMPTED,
            event_id=letter.event.id,
            type=letter.event.type,
            subject=letter.event.subject,
            attempt=letter.trouble.tried + 1,
            outcome=name,
            reason=reason,
            ms=round(seconds * 1000, 1),
        )

    def brought(self, outcome: Outcome) -> None:
        """Write what a conversation gave in return, with its receipt."""
        if isinstance(outcome, Delivered):
            raw = self._topics.raw
            self._brought += [to_raw(each, raw) for each in outcome.publish]

    def finished(self, letter: Letter, at: datetime, outcome: str) -> None:
        """Write the receipt of an event that came to `outcome`."""
        event = letter.event
        self._pad.receipt(
            Receipt(
                id=event.id,
                subject=event.subject,
                sequence=event.sequence,
                chain=event.chain,
                type=event.type,
                outcome=outcome,
                attempts=tuple(letter.attempts),
                finished_at=at,
                tried=letter.trouble.tried + (outcome in _BY_ATTEMPT),
                edited=letter.edited is not None,
            )
        )
        if outcome != DEAD:
            since = at.timestamp() - letter.timestamp / 1000
            self._delivery_seconds.observe(max(0.0, since))  # clocks may differ

    def answered(self, answer: Answer) -> None:
        """Write what became of an instruction."""
        self._pad.answer(answer)
        result = "applied" if answer.applied else "refused"
        metrics.INSTRUCTIONS.labels(self._target, answer.action, result).inc()
        self._log.info(
            events.INSTRUCTION_ANSWERED,
            instruction=answer.instruction,
            action=answer.action,
            subject=answer.subject,
            sequence=answer.sequence,
            applied=answer.applied,
            why=answer.why,
        )

    def buried(self, letter: Letter, why: Bury, outcome: Outcome) -> None:
        """Write the dead letter of an event given up on, and its receipt."""
        event, trouble = letter.event, letter.trouble
        at = letter.attempts[-1].ended_at
        self._bury(
            DeadLetter(
                stage="deliver",
                target=self._target,
                reason=why.reason,
                cause=why.cause,
                detail=why.detail,
                answer=outcome.answer if isinstance(outcome, Unfinished) else None,
                origin=self._origin(letter.offset, letter.timestamp),
                died_at=at,
                key=event.subject.encode(),
                value=event.body,
                headers=letter.headers,
                about=About(event.id, event.subject, event.sequence, event.type),
                tries=Tries(
                    trouble.tried, trouble.first_failed_at, trouble.last_tried_at
                ),
            )
        )
        self.finished(letter, at, DEAD)

    def unreadable(self, record: Record, broken: UnreadableError, at: datetime) -> None:
        """Write the dead letter of a record that is no canonical event."""
        self._bury(
            DeadLetter(
                stage="deliver",
                target=self._target,
                reason=broken.reason,
                detail=broken.detail,
                path=broken.path,
                origin=self._origin(record.offset, record.timestamp),
                died_at=at,
                key=record.key,
                value=record.value,
                headers=record.headers,
            )
        )

    def _origin(self, offset: int, timestamp: int) -> Position:
        topics = self._topics
        return Position(topics.events, topics.partition, offset, timestamp)

    def _bury(self, dead: DeadLetter) -> None:
        self._letters.append(
            Outgoing(
                topic=self._topics.dead,
                key=dead.key,
                value=dead.value,
                headers=dead.to_headers(),
                partition=self._topics.partition,
            )
        )
        metrics.DEAD_LETTERS.labels("deliver", self._target, dead.reason).inc()
        self._log.warning(
            events.DEAD_LETTER_WRITTEN,
            stage="deliver",
            subject=dead.about.subject if dead.about else None,
            reason=dead.reason,
        )

    def collect(self) -> list[Outgoing]:
        """Hand over what came together: one sheet of receipts, the dead letters."""
        letters, self._letters = self._letters, []
        brought, self._brought = self._brought, []
        partition = self._topics.partition
        return [*brought, *letters] + [
            Outgoing(self._topics.receipts, None, value, partition=partition)
            for value in self._pad.tear_off()
        ]
