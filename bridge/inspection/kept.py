"""Judges one target's parked events against its receipts and its progress; pure.

Beside the order of receipts (`order.py`) stands a second account: what left the log
without a receipt must be parked, what is parked must not be finished, and nothing
overtakes it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.canonical.envelope import Event
from bridge.deadletters.parked import WHOLE_TARGET, ParkedEvent, State
from bridge.deadletters.parked import Kind as RecordKind
from bridge.deadletters.standing import WaitReason
from bridge.inspection.findings import Findings, Kind
from bridge.inspection.waiting import reason_of
from bridge.streams.receipts import DEAD, Receipt

Finished = Callable[[int], bool]

_EVER = datetime.max.replace(tzinfo=UTC)
_NOTHING: dict[int, State] = {}


def _unknown(_offset: int) -> bool:
    return False


@dataclass(slots=True, kw_only=True)
class Log:
    """How far one target is in its log, and which subjects are paused there.

    `known` tells whether that was fed at all. `read_at` is when: whatever is finished
    since may still be parked here.
    """

    known: bool = False
    finished: Finished = _unknown
    read_at: datetime = _EVER
    pauses: set[str] = field(default_factory=set)

    def is_finished(self, offset: int | None) -> bool:
        """Tell whether the progress calls the record at `offset` finished."""
        return offset is not None and self.finished(offset)

    def is_paused(self, subject: str) -> bool:
        """Tell whether a subject is paused, by itself or with the whole target."""
        return bool(self.pauses & {subject, WHOLE_TARGET})


@dataclass(slots=True)
class Kept(Log):
    """What one target keeps of its events outside the log."""

    target: str
    lanes: dict[str, dict[int, State]] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def take(self, parked: ParkedEvent) -> None:
        """Take one live record of the parked topic."""
        self.known = True
        lane = self.lanes.setdefault(parked.state.subject, {})
        lane[parked.state.sequence] = parked.state

    def of(self, subject: str) -> dict[int, State]:
        """Return the unfinished events of a subject that something is kept of."""
        return self.lanes.get(subject, _NOTHING)

    def kind(self, event: Event, offset: int | None) -> RecordKind | None:
        """Return what is kept of an unfinished event; None if nothing is, rightly.

        A note keeps nothing: its event must be in the log still.
        """
        state = self.of(event.subject).get(event.sequence)
        if state is None or (state.kind == "note" and self.is_finished(offset)):
            return None
        return state.kind

    def settle(self, receipt: Receipt) -> None:
        """A receipt finishes its event, so it must not be parked any more."""
        lane = self.of(receipt.subject)
        if receipt.outcome == DEAD or receipt.sequence not in lane:
            return
        del lane[receipt.sequence]
        if receipt.finished_at < self.read_at:
            self.findings.add(
                Kind.STALE,
                f"{self.target}: event {receipt.sequence} of {receipt.subject} is "
                f"still parked, though it was {receipt.outcome} at "
                f"{receipt.finished_at}",
            )

    def reason(self, subject: str, head: int) -> str:
        """Return what a lane waits for."""
        paused = self.is_paused(subject)
        return reason_of(self.of(subject).get(head), paused=paused)

    def waits(self, subject: str, head: int, count: int) -> Counter[str]:
        """Return how many of a lane's `count` events wait for what."""
        waits = Counter({self.reason(subject, head): 1})
        if count > 1:
            waits[WaitReason.BEHIND] += count - 1
        return waits

    def judge(self, last_of: Callable[[str], int]) -> Findings:
        """Return what is wrong; `last_of` is the last number with a receipt."""
        found = self.findings.plus(Findings())
        for subject, lane in self.lanes.items():
            for sequence in _overtaken(lane, last_of(subject)):
                found.add(
                    Kind.PASSED,
                    f"{self.target}: event {sequence} of {subject} is parked, and "
                    f"event {last_of(subject)} has a receipt already",
                )
        return found


def _overtaken(lane: dict[int, State], last: int) -> Iterator[int]:
    return (sequence for sequence in sorted(lane) if sequence < last)
