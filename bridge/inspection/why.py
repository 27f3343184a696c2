"""What a return is waiting for at one target; pure: facts in, one answer out.

All of it comes from topics, so that it can be asked anywhere. What only the owner's
process knows, breaker and budget, comes from the standing it wrote; where there is none
it is unknown, and said to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.deadletters.parked import ParkedEvent, State
from bridge.deadletters.standing import Standing, WaitReason
from bridge.inspection.board import Board
from bridge.inspection.reached import Reached
from bridge.inspection.waiting import DUE, reason_of
from bridge.streams.receipts import DEAD, Receipt

#: Nothing is waiting.
NOTHING = "nothing"
#: How long an owner's standing is believed; while lanes wait it is renewed often.
_LATELY = timedelta(minutes=15)

_STOPPED: Mapping[str, WaitReason] = {
    "unauthorized": WaitReason.UNAUTHORIZED,
    "open": WaitReason.BREAKER,
    "half_open": WaitReason.BREAKER,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of the subject in the log; `written_at` is when it got there.

    A hint, of a fetch target, has the number 0.
    """

    sequence: int
    id: str
    type: str
    offset: int
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the topics hold about one subject at one target."""

    subject: str
    target: str
    partition: int
    events: Sequence[Seen]
    receipts: Sequence[Receipt]
    board: Board
    reached: Reached
    now: datetime

    @property
    def standing(self) -> Standing | None:
        """What the owner told lately; an old word says nothing about now."""
        told = self.board.standing
        return told if told and self.now - told.at <= _LATELY else None


@dataclass(frozen=True, slots=True)
class Last:
    """The last event that came to something at the target."""

    sequence: int | None
    type: str
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. `waiting_for` is a WaitReason, `due` or `nothing`.

    `sequence` (None for a hint), `event_id` and `type` name what is next; `kept` is
    what is known of it beyond the log. `since` is when the wait began. `behind` events
    follow it, `parked` counts those of the lane outside the log; `given_up` events
    later ones have passed. `detail` is one sentence.
    """

    subject: str
    target: str
    partition: int
    waiting_for: str
    detail: str
    sequence: int | None = None
    event_id: str | None = None
    type: str | None = None
    since: datetime | None = None
    kept: State | None = None
    behind: int = 0
    parked: int = 0
    given_up: int = 0
    last: Last | None = None
    standing: Standing | None = None


def judge(facts: Facts) -> Why:
    """Return what the subject waits for at the target."""
    lane = _Lane(facts)
    if not lane.open:
        return Why(
            facts.subject,
            facts.target,
            facts.partition,
            NOTHING,
            lane.nothing(),
            given_up=lane.given_up,
            last=lane.last,
            standing=facts.board.standing,
        )
    reason = lane.reason()
    return Why(
        facts.subject,
        facts.target,
        facts.partition,
        reason,
        lane.detail(reason),
        sequence=lane.sequence,
        event_id=lane.head,
        type=lane.type,
        since=lane.since(reason),
        kept=None if lane.kept is None else lane.kept.state,
        behind=len(lane.open) - 1,
        parked=lane.parked,
        given_up=lane.given_up,
        last=lane.last,
        standing=facts.board.standing,
    )


@dataclass(slots=True)
class _Lane:
    """The subject's unfinished events, found out of the facts; `open` are their ids."""

    facts: Facts
    records: dict[str, ParkedEvent] = field(init=False)
    seen: dict[str, Seen] = field(init=False)
    open: list[str] = field(init=False)
    done: dict[str, Receipt] = field(init=False)

    def __post_init__(self) -> None:
        facts = self.facts
        lane = facts.board.lanes().get(facts.subject, [])
        self.records = {each.event_id: each for each in lane}
        self.seen = {each.id: each for each in facts.events}
        self.done = {each.id: each for each in facts.receipts}
        in_log = {
            each.id
            for each in facts.events
            if each.id not in self.done and not facts.reached.finished(each.offset)
        }
        self.open = sorted(in_log | self.records.keys(), key=self._order)

    def _order(self, id_: str) -> tuple[int, int]:
        """Return what orders a subject's events: their numbers; hints have none."""
        known = self.seen.get(id_) or self.records[id_].state
        return known.sequence, known.offset

    @property
    def head(self) -> str:
        return self.open[0]

    @property
    def sequence(self) -> int | None:
        return self._order(self.head)[0] or None

    @property
    def kept(self) -> ParkedEvent | None:
        return self.records.get(self.head)

    @property
    def parked(self) -> int:
        return sum(each.state.kind == "parked" for each in self.records.values())

    @property
    def type(self) -> str | None:
        known = self.seen.get(self.head)
        return known.type if known else None

    @property
    def given_up(self) -> int:
        return sum(
            receipt.outcome == DEAD and id_ not in self.records
            for id_, receipt in self.done.items()
        )

    @property
    def last(self) -> Last | None:
        told = [each for each in self.done.values() if each.outcome != DEAD]
        if not told:
            return None
        last = max(told, key=lambda receipt: (receipt.sequence, receipt.finished_at))
        return Last(last.sequence or None, last.type, last.outcome, last.finished_at)

    def reason(self) -> str:
        """Return the strongest of what holds the lane up."""
        board = self.facts.board
        kept = None if self.kept is None else self.kept.state
        paused = board.pause_of(self.facts.subject) is not None
        reason = reason_of(kept, paused=paused)
        standing = self.facts.standing
        if reason in {WaitReason.DEAD, WaitReason.PAUSED} or standing is None:
            return reason
        stopped = _STOPPED.get(standing.breaker.state)
        if stopped is not None:
            return stopped
        short = standing.budget is not None and standing.budget.waiting > 0
        return WaitReason.BUDGET if reason == DUE and short else reason

    def since(self, reason: str) -> datetime | None:
        """Return when this wait began, as well as the topics tell."""
        state = None if self.kept is None else self.kept.state
        pause = self.facts.board.pause_of(self.facts.subject)
        if reason == WaitReason.DEAD and state is not None and state.death is not None:
            return state.death.at
        if reason == WaitReason.PAUSED and pause is not None:
            return pause.at
        if state is not None and state.trouble.first_failed_at is not None:
            return state.trouble.first_failed_at
        known = self.seen.get(self.head)
        return known.written_at if known else None

    def detail(self, reason: str) -> str:
        """Say in one sentence why nothing happens, and what will end it."""
        standing = self.facts.standing
        if reason in _STOPPED.values() and standing is not None:
            return f"{_ENDS[reason]} ({standing.breaker.reason or 'no reason told'})"
        if reason == WaitReason.PAUSED:
            pause = self.facts.board.pause_of(self.facts.subject)
            by = "an operator" if pause is None else pause.author
            return f"paused by {by}; goes on with `returns-bridge resume`"
        if reason == DUE and self.kept is None:
            return (
                "in the log, not tried in vain yet: its turn comes when a worker owns "
                f"partition {self.facts.partition} and has read so far (see "
                "`returns-bridge lag`)"
            )
        return _ENDS[reason]

    def nothing(self) -> str:
        if not self.facts.events and self.last is None:
            return "no event of it is known"
        pause = self.facts.board.pause_of(self.facts.subject)
        paused = "" if pause is None else f", though it is paused by {pause.author}"
        return f"nothing is waiting{paused}"


_ENDS: Mapping[str, str] = {
    WaitReason.RETRY: "the last attempt failed; it is tried again by itself",
    WaitReason.THROTTLED: "the target asked for time; no attempt is used up",
    WaitReason.BUDGET: "the rate limit of the credential is used up for now",
    WaitReason.BREAKER: "the target fails for many returns; probes will find out",
    WaitReason.UNAUTHORIZED: (
        "the target refuses our credential: correct it, then all goes on by itself"
    ),
    WaitReason.NOT_YET: "it waits for something else to happen first",
    WaitReason.DEAD: "given up on; an operator has to decide (`returns-bridge dead`)",
    DUE: "it is its turn; nothing is known to hold it up",
}
