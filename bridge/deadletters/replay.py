"""Replay: which dead events are meant, what the engine will say, in which steps; pure.

The engine decides (`bridge/delivery`); this says beforehand what it will decide, by the
same rules, so that an operator is not surprised.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bridge.canonical.envelope import Event
from bridge.deadletters.instructions import Action
from bridge.deadletters.parked import Death, Edited, Trouble

#: Deaths of one cause after which a replay needs `--force`.
LOOP_LIMIT = 3
_ALL = "all"


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """One event that waits for an operator.

    `ahead` are earlier events of its lane that are not finished either, `behind` how
    many of its lane wait outside the log after it. `event` is None where its record
    cannot be read.
    """

    target: str
    partition: int
    subject: str
    sequence: int
    event_id: str
    type: str
    death: Death
    trouble: Trouble
    parked_at: datetime
    edited: Edited | None = None
    ahead: tuple[int, ...] = ()
    behind: int = 0
    event: Event | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """The account of the subject: its second part."""
        return (self.subject.split("/") + [""] * 2)[1]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead events are meant; what is not given does not matter.

    `since` and `before` bound the time of death.
    """

    target: str | None = None
    account: str | None = None
    subject: str | None = None
    sequence: int | None = None
    type: str | None = None
    reason: str | None = None
    cause: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def admit(self, dead: DeadEvent) -> bool:
        """Tell whether `dead` is meant."""
        asked = (
            (self.target, dead.target),
            (self.account, dead.account),
            (self.subject, dead.subject),
            (self.sequence, dead.sequence),
            (self.type, dead.type),
            (self.reason, dead.death.reason),
            (self.cause, dead.death.cause),
        )
        return (
            all(wanted in {None, found} for wanted, found in asked)
            and (self.since is None or dead.death.at >= self.since)
            and (self.before is None or dead.death.at < self.before)
        )


def choose(dead: Iterable[DeadEvent], filters: Filters) -> list[DeadEvent]:
    """Return the events that are meant: targets by name, the longest dead first.

    Within a subject the order is always that of the sequence.
    """
    meant = [each for each in dead if filters.admit(each)]
    first = _earliest(meant)
    return sorted(
        meant,
        key=lambda each: (
            each.target,
            first[each.target, each.subject],
            each.subject,
            each.sequence,
        ),
    )


def _earliest(dead: Sequence[DeadEvent]) -> dict[tuple[str, str], datetime]:
    first: dict[tuple[str, str], datetime] = {}
    for each in dead:
        key = (each.target, each.subject)
        first[key] = min(first.get(key, each.death.at), each.death.at)
    return first


def refusal(dead: DeadEvent, action: Action, *, force: bool = False) -> str | None:
    """Say why the engine will refuse `action` on `dead`; None if it will not.

    Rules: nothing passes an earlier event of the subject that is not finished; what
    died three times of the same reason is held; what cannot be read cannot be sent.
    """
    if dead.ahead:
        return (
            f"behind: event {dead.ahead[0]} of {dead.subject} is not finished; "
            "decide about that one first"
        )
    if action == "discard":
        return None
    return _unfit(dead, force=force)


def _unfit(dead: DeadEvent, *, force: bool) -> str | None:
    if dead.event is None:
        return "unreadable: its record cannot be read, it can only be discarded"
    if force or not is_looping(dead):
        return None
    return (
        f"held: it died of {dead.death.reason} after {dead.trouble.replays} replays; "
        "mend the cause, then use --force"
    )


def is_looping(dead: DeadEvent) -> bool:
    """Tell whether replays keep ending in the same death."""
    trouble = dead.trouble
    same = trouble.replay_cause == dead.death.reason
    return same and trouble.replays >= LOOP_LIMIT


def places(dead: Sequence[DeadEvent]) -> Iterator[tuple[int, int]]:
    """Yield for each event its place among the chosen of its lane, and their number."""
    counts: dict[tuple[str, str], int] = {}
    for each in dead:
        key = (each.target, each.subject)
        counts[key] = counts.get(key, 0) + 1
    seen: dict[tuple[str, str], int] = {}
    for each in dead:
        key = (each.target, each.subject)
        seen[key] = seen.get(key, 0) + 1
        yield seen[key], counts[key]


def steps_of(text: str) -> tuple[int | None, ...]:
    """Read `1,10,all`: how many at a time, None for all the rest.

    Raises ValueError for anything else. After the last number the rest follows only if
    it says so.
    """
    words = [word.strip() for word in text.split(",")]
    steps = tuple(None if word == _ALL else _positive(word) for word in words)
    if None in steps[:-1]:
        raise ValueError("all can only come last, as in 1,10,all")
    return steps


def _positive(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise ValueError("write numbers above 0, and all at the end, as in 1,10,all")
    return int(word)


def batches(
    chosen: Sequence[DeadEvent], steps: Sequence[int | None]
) -> Iterator[Sequence[DeadEvent]]:
    """Cut `chosen` into the steps' batches, in order; no empty ones."""
    at = 0
    for step in steps:
        end = len(chosen) if step is None else at + step
        if chosen[at:end]:
            yield chosen[at:end]
        at = end
