"""Orders: what an operator's instruction does to a lane, or why it is refused.

Instructions of a partition are carried out one after another, each once, and their
place in the topic is committed together with what they did. What would break the order
of a subject is refused; refusals begin with a word that stays (`behind: …`).

    retry, edit, discard   the dead head of a lane, and nothing else
    pause, resume          a subject, or the whole target (`*`)
"""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

import orjson

from bridge.canonical.envelope import from_headers
from bridge.deadletters.instructions import (
    ABOUT_EVENTS,
    EVERYTHING,
    Instruction,
    decode,
    is_older,
)
from bridge.deadletters.parked import Death, Edited, Pause
from bridge.deadletters.patching import PatchError, apply_patch
from bridge.deadletters.standing import WaitReason
from bridge.delivery.desk import Desk
from bridge.delivery.lanes import Absent, Lane, Lanes, Letter, size_of
from bridge.delivery.ownership import Ownership
from bridge.delivery.report import Report
from bridge.delivery.shelf import Shelf
from bridge.errors import UnreadableError
from bridge.streams.receipts import DISCARDED, Answer
from bridge.streams.records import Record
from bridge.telemetry import events, logger

#: Replays that ended in the same death, until only `force` gives another.
REPLAYS = 3
#: Instructions remembered, so that one that was written twice is carried out once.
REMEMBERED = 10_000

log = logger(__name__)


class Refusal(Exception):
    """An instruction is not carried out; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Part:
    """What orders work on: one partition's lanes, and where changes are written."""

    desk: Desk
    owner: Ownership
    lanes: Lanes
    shelf: Shelf
    report: Report
    pauses: dict[str, Pause]


class Release(Protocol):
    """Lets a lane go on once what was decided is committed."""

    def __call__(self, lane: Lane, *, passed: bool) -> None:
        """Go on with the head, or behind it, for that is done with."""


class Orders:
    """Carries out the instructions of one partition."""

    def __init__(self, part: Part, release: Release) -> None:
        self._part = part
        self._release = release
        self._known: dict[str, None] = {}
        self._waiting: deque[Record] = deque()
        self._stopped = False

    def take(self, record: Record) -> None:
        """Take an instruction on; it is carried out after those before it."""
        self._waiting.append(record)
        if len(self._waiting) == 1:
            self._part.owner.alongside(self._work_off())

    def stop(self) -> None:
        """Carry nothing more out."""
        self._stopped = True

    async def _work_off(self) -> None:
        while self._waiting and not self._stopped:
            record = self._waiting[0]
            instruction = self._read(record)
            if instruction is not None:
                await self._fetch_head(instruction)
                self._obey(instruction, self._part.desk.clock.now())
            self._waiting.popleft()
            self._part.owner.instructed(record.offset)

    def _read(self, record: Record) -> Instruction | None:
        """Return the instruction if it is one, for this target, and not known yet."""
        try:
            instruction = decode(record.key, record.value)
        except UnreadableError as broken:
            log.warning(
                events.INSTRUCTION_IGNORED,
                target=self._part.desk.target.name,
                offset=record.offset,
                reason=broken.reason,
            )
            return None
        here = instruction.target == self._part.desk.target.name
        if not here or instruction.id in self._known:
            return None
        self._known[instruction.id] = None
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return instruction

    async def _fetch_head(self, instruction: Instruction) -> None:
        """Read the body back that an instruction about an event needs."""
        lane = self._part.lanes.get(instruction.subject)
        if lane is None or lane.why is not WaitReason.DEAD:
            return
        if isinstance(lane.head, Absent) and instruction.action in ABOUT_EVENTS:
            await self._part.shelf.fetch(lane, self._part.lanes)

    def _obey(self, instruction: Instruction, now: datetime) -> None:
        """Carry the instruction out or refuse it, and write the answer."""
        sequence, why = instruction.sequence, ""
        try:
            match instruction.action:
                case "retry":
                    sequence = self._retry(instruction)
                case "edit":
                    sequence = self._edit(instruction, now)
                case "discard":
                    sequence = self._discard(instruction, now)
                case "pause":
                    self._pause(instruction, now)
                case "resume":
                    self._resume(instruction)
        except Refusal as refusal:
            why = str(refusal)
        self._part.report.answered(
            Answer(
                instruction=instruction.id,
                action=instruction.action,
                subject=instruction.subject,
                sequence=sequence,
                applied=not why,
                why=why,
                at=now,
                author=instruction.author,
            )
        )

    # ------------------------------------------------------------ about an event

    def _retry(self, instruction: Instruction) -> int:
        lane, letter, death = self._dead_head(instruction)
        _guard(instruction, letter, death)
        self._let_go(lane, letter, death, instruction)
        return letter.sequence

    def _edit(self, instruction: Instruction, now: datetime) -> int:
        lane, letter, death = self._dead_head(instruction)
        _guard(instruction, letter, death)
        patch, before = instruction.patch or [], letter.event.body
        try:
            body = apply_patch(letter.event, patch)
        except PatchError as broken:
            raise Refusal(f"patch: {broken}") from broken
        letter.event = from_headers(letter.headers, body)
        letter.edited = Edited(
            instruction=instruction.id,
            author=instruction.author,
            reason=instruction.reason,
            at=now,
            original_digest=(
                letter.edited.original_digest
                if letter.edited
                else sha256(before).hexdigest()
            ),
            patch=orjson.dumps(patch).decode(),
        )
        self._part.lanes.resize(letter, size_of(body))
        self._let_go(lane, letter, death, instruction)
        return letter.sequence

    def _discard(self, instruction: Instruction, now: datetime) -> int:
        lane, letter, _ = self._dead_head(instruction)
        self._part.report.finished(letter, now, DISCARDED)
        self._part.shelf.forget(letter)
        self._go_on(lane, passed=True)
        return letter.sequence

    def _let_go(
        self, lane: Lane, letter: Letter, death: Death, instruction: Instruction
    ) -> None:
        """Give the head its attempts anew."""
        trouble = letter.trouble
        again = trouble.replay_cause == death.reason
        letter.trouble = replace(
            trouble,
            failures=0,
            failing=timedelta(),
            next_try_at=None,
            replays=trouble.replays if again else 0,
            replay_cause=death.reason,
            replayed_by=instruction.id,
        )
        letter.death = None
        self._part.shelf.keep(letter)
        self._go_on(lane, passed=False)

    def _go_on(self, lane: Lane, *, passed: bool) -> None:
        lane.replay = True
        self._part.lanes.ready(lane)
        self._release(lane, passed=passed)

    def _dead_head(self, instruction: Instruction) -> tuple[Lane, Letter, Death]:
        lane = self._part.lanes.get(instruction.subject)
        if lane is None or not _holds(lane, instruction.event_id):
            raise Refusal(self._nowhere(instruction))
        head, death = lane.head, lane.head.death
        name = f"event {head.sequence} of {lane.subject}"
        decided = lane.why is not WaitReason.DEAD
        if death is None or decided or isinstance(head, Absent):
            raise Refusal(f"not_dead: {name} is due, and goes on by itself")
        if instruction.event_id not in (None, head.event_id):
            raise Refusal(f"behind: {name} is unresolved and comes first")
        if is_older(instruction, death.at):
            raise Refusal(f"died_anew: {name} died anew at {death.at}: decide again")
        return lane, head, death

    def _nowhere(self, instruction: Instruction) -> str:
        number = instruction.sequence or "1 or later"
        name = f"event {number} of {instruction.subject}"
        if self._part.desk.options.on_dead == "skip":
            return f"passed: {name} does not wait; later events may have passed it"
        return f"no_such_event: {name} waits for nothing here"

    # ------------------------------------------------------------ pauses

    def _pause(self, instruction: Instruction, now: datetime) -> None:
        subject = instruction.subject
        pause = Pause(
            subject=subject,
            instruction=instruction.id,
            author=instruction.author,
            reason=instruction.reason,
            at=now,
        )
        self._part.pauses[subject] = pause
        self._part.shelf.pause(pause)

    def _resume(self, instruction: Instruction) -> None:
        subject, lanes = instruction.subject, self._part.lanes
        if self._part.pauses.pop(subject, None) is None:
            raise Refusal(f"not_paused: {subject} is not paused")
        self._part.shelf.resume(subject)
        for lane in lanes.waiting_for(WaitReason.PAUSED):
            if subject in (EVERYTHING, lane.subject):
                lanes.ready(lane)
                self._release(lane, passed=False)


def _holds(lane: Lane, event_id: str | None) -> bool:
    return event_id is None or any(
        letter.event_id == event_id for letter in lane.letters
    )


def _guard(instruction: Instruction, letter: Letter, death: Death) -> None:
    """Refuse what has come to nothing again and again, until it is forced."""
    trouble = letter.trouble
    again = trouble.replay_cause == death.reason and trouble.replays >= REPLAYS
    if again and not instruction.force:
        raise Refusal(
            f"held: {trouble.replays} replays ended in {death.reason}; "
            "use --force to try once more"
        )
