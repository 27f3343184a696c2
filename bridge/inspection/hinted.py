"""Judges one fetch target: whether each hint was finished once, and none was lost.

Hints have no number and no chain, and one call may answer several. What can be told is
that each is exactly one of: fetched, collapsed into a call since, skipped, discarded,
given up, held, waiting; and that two conversations about one return never overlap.
They are known by their ids; one that was written twice has two receipts. Pure; memory
grows with the receipts of one partition.

Fed as `verify.py` says. Dead letters are not needed: receipts are kept for longer than
hints.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge.canonical.envelope import Event
from bridge.deadletters.parked import ParkedEvent, State
from bridge.deadletters.standing import WaitReason
from bridge.inspection.conversing import Conversations
from bridge.inspection.decisions import Decisions
from bridge.inspection.findings import Findings, Kind, TargetReport
from bridge.inspection.kept import Log
from bridge.inspection.waiting import reason_of
from bridge.streams.receipts import DEAD, DISCARDED, Attempt, Receipt, Sheet

_NEVER = datetime.min.replace(tzinfo=UTC)
_BUCKETS = {
    "already_applied": "collapsed",
    "skipped": "skipped",
    DISCARDED: "discarded",
}


@dataclass(slots=True)
class KeptHints(Log):
    """What is kept of hints, by their ids."""

    hints: dict[str, State] = field(default_factory=dict)

    def take(self, parked: ParkedEvent) -> None:
        """Take one live record of the parked topic."""
        self.known = True
        self.hints[parked.event_id] = parked.state

    def is_parked(self, id_: str) -> bool:
        """Tell whether a hint stands outside the log."""
        state = self.hints.get(id_)
        return state is not None and state.kind == "parked"


@dataclass(slots=True)
class _Hint:
    """What is known of one id: how often it was seen, and what it came to.

    `told` is when the last attempt ended that a receipt of its death told.
    """

    seen: int = 0
    outcomes: list[str] = field(default_factory=list)
    finished_at: datetime = _NEVER
    died: bool = False
    told: datetime = _NEVER

    def untold(self, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        return tuple(each for each in attempts if each.ended_at > self.told)


class HintsChecker:
    """The parked hints, receipts and hints of one fetch target, fed in this order."""

    def __init__(self, name: str, skew: timedelta) -> None:
        self.horizon = _NEVER
        self.kept = KeptHints()
        self._name = name
        self._skew = skew
        self._hints: defaultdict[str, _Hint] = defaultdict(_Hint)
        self._conversations: defaultdict[str, Conversations] = defaultdict(
            Conversations
        )
        self._open: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._findings = Findings()
        self._decisions = Decisions(name)

    def sheet(self, sheet: Sheet) -> None:
        self._decisions.sheet(sheet)
        for receipt in sheet.receipts:
            self._receipt(receipt, sheet.worker)

    def _receipt(self, receipt: Receipt, worker: str) -> None:
        hint = self._hints[receipt.id]
        lane = self._conversations[receipt.subject]
        for what in lane.take(hint.untold(receipt.attempts), worker, self._skew):
            self._add(Kind.OVERLAP, f"hint {receipt.id} of {receipt.subject} {what}")
        if receipt.outcome == DEAD:
            hint.died, hint.told = True, lane.busy_until
            return
        self._decisions.receipt(receipt)
        hint.outcomes.append(receipt.outcome)
        hint.finished_at = receipt.finished_at

    def hint(self, event: Event, time: datetime, offset: int) -> None:
        """Take the next hint; `time` is when it was written to Kafka."""
        self._counts["events"] += 1
        self._conversations[event.subject]  # so its subject is counted
        hint = self._hints[event.id]
        hint.seen += 1
        if hint.seen <= len(hint.outcomes):
            outcome = hint.outcomes[hint.seen - 1]
            self._counts[_BUCKETS.get(outcome, "delivered")] += 1
        elif self.kept.is_parked(event.id):
            self._open[event.subject].append((offset, event.id))
        elif hint.died:
            self._counts["given_up"] += 1
        elif not self.kept.is_finished(offset):
            self._open[event.subject].append((offset, event.id))
        elif time < self.horizon:
            self._counts["unjudged"] += 1
        else:
            self._add(
                Kind.LOST,
                f"hint {event.id} of {event.subject}, offset {offset}, is finished in "
                "the progress, without a receipt, and not parked",
            )

    def report(self) -> TargetReport:
        """Return what was found."""
        self._take_older()
        waits: Counter[str] = Counter()
        held = 0
        for subject, lane in self._open.items():
            _, head = min(lane)
            paused = self.kept.is_paused(subject)
            reason = reason_of(self.kept.hints.get(head), paused=paused)
            held += len(lane) * (reason == WaitReason.DEAD)
            waits[reason] += 1
            waits[WaitReason.BEHIND] += len(lane) - 1
        return TargetReport(
            self._name,
            subjects=len(self._conversations.keys() | self._open.keys()),
            **self._counts,
            waiting=waits.total() - held,
            held=held,
            edited=self._decisions.edited,
            parked=sum(map(self.kept.is_parked, self.kept.hints)),
            waits=dict(+waits),
            findings=self._judged(),
        )

    def _take_older(self) -> None:
        """Take what is parked and no longer in the log, which keeps hints for days."""
        for id_, state in self.kept.hints.items():
            hint = self._hints[id_]
            if state.kind == "parked" and not (hint.seen or hint.outcomes):
                self._counts["events"] += 1
                self._open[state.subject].append((state.offset, id_))

    def _judged(self) -> Findings:
        for id_, hint in self._hints.items():
            if len(hint.outcomes) > max(hint.seen, 1):
                times = f"{len(hint.outcomes)} receipts, and came {hint.seen} times"
                self._add(Kind.REPEAT, f"hint {id_} has {times}")
            if self._is_stale(id_, hint):
                what = f"was {hint.outcomes[-1]} at {hint.finished_at}"
                self._add(Kind.STALE, f"hint {id_} is still parked, though it {what}")
        whole = self.horizon == _NEVER
        return self._findings.plus(self._decisions.judge(whole=whole))

    def _is_stale(self, id_: str, hint: _Hint) -> bool:
        """Tell whether a hint is parked that was finished before that was read."""
        done = len(hint.outcomes) >= max(hint.seen, 1)
        return (
            done and self.kept.is_parked(id_) and (hint.finished_at < self.kept.read_at)
        )

    def _add(self, kind: Kind, sentence: str) -> None:
        self._findings.add(kind, f"{self._name}: {sentence}")
