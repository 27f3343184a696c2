"""Judges one target: whether its receipts came in order, each once, none left out.

Receipts of a subject must carry 1, 2, 3 … A number left out is a gap, unless a dead
letter explains it; one that comes after a greater one is an inversion; one that comes
twice is a repeated effect, unless it had been given up on the first time. A
conversation that began before the subject's last one ended is an overlap. The chain
of the receipts is compared with that of the events by a running hash, so that neither
is kept.

Every event of a subject is exactly one of: delivered, skipped, discarded, given up,
held, waiting. What waits outside the log is judged in `kept.py`, what operators
changed in `decisions.py`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge.canonical.envelope import Event, event_id
from bridge.deadletters.standing import WaitReason
from bridge.inspection.conversing import Conversations
from bridge.inspection.decisions import Decisions
from bridge.inspection.findings import Findings, Kind, TargetReport
from bridge.inspection.kept import Kept
from bridge.streams.receipts import DEAD, DISCARDED, Attempt, Receipt, Sheet

_NEVER = datetime.min.replace(tzinfo=UTC)
#: Outcomes that change nothing at the target, so that they cannot come too late.
_WITHOUT_EFFECT = frozenset({DEAD, "skipped", DISCARDED})
#: Numbers remembered of one gap; a larger one is a mutilated topic.
_GAP_LIMIT = 10_000

_BUCKETS = {"skipped": "skipped", DISCARDED: "discarded"}
_COUNTED = ("events", "delivered", "skipped", "discarded", "unjudged")

LastOf = Callable[[str], int | None]


@dataclass(slots=True)
class _Lane:
    """One subject at this target.

    `first` and `last` bound the numbers with a receipt; `run` begins the unbroken
    rise that ends at `last` with `chain`, `digest` is its hash; `seen` and `expected`
    are the hash over the events of the run and the number that continues it. `head`
    is the first unfinished event, `waiting` counts from there, `parked` those outside
    the log.
    """

    first: int = 0
    last: int = 0
    run: int = 0
    digest: int = 0
    chain: str = ""
    seen: int = 0
    expected: int = 0
    head: int = 0
    waiting: int = 0
    parked: int = 0
    conversations: Conversations = field(default_factory=Conversations)
    missing: set[int] = field(default_factory=set)
    given_up: dict[int, datetime] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)


class TargetChecker:
    """The parked events, receipts, dead letters and events of one target, fed so."""

    def __init__(self, name: str, skew: timedelta) -> None:
        self.horizon = _NEVER
        self._name = name
        self._skew = skew
        self._lanes: dict[str, _Lane] = {}
        self._findings = Findings()
        self._counts = dict.fromkeys(_COUNTED, 0)
        self.kept = Kept(name)
        self._decisions = Decisions(name)

    def sheet(self, sheet: Sheet) -> None:
        self._decisions.sheet(sheet)
        for receipt in sheet.receipts:
            self._receipt(receipt, sheet.worker)

    def _receipt(self, receipt: Receipt, worker: str) -> None:
        lane = self._lanes.setdefault(receipt.subject, _Lane())
        if receipt.id != event_id(receipt.subject, receipt.sequence):
            self._add(Kind.ID, receipt, f"has the id {receipt.id}")
        attempts = _untold(lane, receipt)
        for what in lane.conversations.take(attempts, worker, self._skew):
            self._add(Kind.OVERLAP, receipt, what)
        self.kept.settle(receipt)
        if self._is_news(lane, receipt):
            if receipt.outcome == DEAD:
                lane.given_up[receipt.sequence] = lane.conversations.busy_until
            else:
                self._decisions.receipt(receipt)
                self._counts[_BUCKETS.get(receipt.outcome, "delivered")] += 1

    def dead(self, subject: str, sequence: int) -> None:
        lane = self._lanes.setdefault(subject, _Lane())
        if sequence in lane.missing:
            lane.missing.discard(sequence)
            lane.given_up[sequence] = _NEVER
        elif not lane.first <= sequence <= lane.last:
            lane.dead.add(sequence)

    def event(self, event: Event, time: datetime, offset: int | None) -> None:
        self._counts["events"] += 1
        lane = self._lanes.setdefault(event.subject, _Lane())
        if lane.first <= event.sequence <= lane.last:
            self._judge_chain(lane, event)
        kind = self.kept.kind(event, offset)
        if kind is not None:
            _queue(lane, event.sequence)
            lane.parked += kind == "parked"
        elif not lane.first <= event.sequence <= lane.last:
            self._place(lane, event, time, offset)

    def _place(
        self, lane: _Lane, event: Event, time: datetime, offset: int | None
    ) -> None:
        """Place an event without a receipt that nothing is kept of."""
        if event.sequence > lane.last and (lane.last or time >= self.horizon):
            if event.sequence not in lane.dead and self.kept.is_finished(offset):
                self._add_lost(event, offset)
            else:
                _queue(lane, event.sequence)
        elif event.sequence in lane.dead:
            lane.given_up[event.sequence] = _NEVER
        elif time >= self.horizon:
            lane.missing.add(event.sequence)
        else:
            self._counts["unjudged"] += 1

    def report(self, last_of: LastOf) -> TargetReport:
        """Return what was found; `last_of` tells how far the events reach."""
        waits: Counter[str] = Counter()
        held = given_up = 0
        for subject, lane in self._lanes.items():
            kept = self.kept.of(subject)
            given_up += len(lane.given_up.keys() - kept.keys())
            lane.missing -= kept.keys()
            if lane.waiting:
                waits += self.kept.waits(subject, lane.head, lane.waiting)
                held += lane.waiting * self._is_held(subject, lane)
        return TargetReport(
            self._name,
            subjects=len(self._lanes),
            **self._counts,
            given_up=given_up,
            waiting=waits.total() - held,
            held=held,
            edited=self._decisions.edited,
            parked=sum(lane.parked for lane in self._lanes.values()),
            waits=dict(waits),
            findings=self._judged(last_of),
        )

    def _judged(self, last_of: LastOf) -> Findings:
        return (
            self._findings.plus(self._absences(last_of))
            .plus(self.kept.judge(self._last_receipt))
            .plus(self._decisions.judge(whole=self.horizon == _NEVER))
        )

    def _last_receipt(self, subject: str) -> int:
        lane = self._lanes.get(subject)
        return 0 if lane is None else lane.last

    def _is_held(self, subject: str, lane: _Lane) -> bool:
        """Tell whether an operator has to decide about the lane."""
        if self.kept.known:
            return self.kept.reason(subject, lane.head) == WaitReason.DEAD
        return lane.head in lane.dead or lane.last in lane.given_up

    def _is_news(self, lane: _Lane, receipt: Receipt) -> bool:
        """Place the receipt among its subject's; tell whether its event is news."""
        number = receipt.sequence
        if number > lane.last:
            _advance(lane, number, receipt.chain)
            return True
        too_late = f"comes after {lane.last}"
        if number in lane.given_up:
            del lane.given_up[number]
            if number < lane.last and receipt.outcome not in _WITHOUT_EFFECT:
                self._add(Kind.INVERSION, receipt, too_late)
            return True
        if number in lane.missing or number < lane.first:
            self._add(Kind.INVERSION, receipt, too_late)
            lane.missing.update(_between(number, lane.first))
            lane.missing.discard(number)
            lane.first = min(number, lane.first)
            return True
        self._add(Kind.REPEAT, receipt, f"comes again, at {receipt.finished_at}")
        return False

    def _judge_chain(self, lane: _Lane, event: Event) -> None:
        if event.sequence in {lane.run, lane.expected}:
            lane.seen = hash((lane.seen, event.sequence, event.chain))
            lane.expected = event.sequence + 1
        if event.sequence == lane.last:
            whole = lane.expected > lane.last
            same = lane.seen == lane.digest if whole else event.chain == lane.chain
            if not same:
                self._findings.add(
                    Kind.CHAIN,
                    f"{self._name}: receipts {lane.run} to {lane.last} of "
                    f"{event.subject} do not carry the chain of its events",
                )

    def _absences(self, last_of: LastOf) -> Findings:
        """Return the receipts without an event, and the events without a receipt."""
        found = Findings()
        for subject, lane in self._lanes.items():
            for number in sorted(lane.missing):
                sentence = f"{self._name}: no receipt of event {number} of {subject}"
                found.add(Kind.GAP, sentence)
            last = last_of(subject)
            if last is not None and lane.last > last:
                sentence = (
                    f"{self._name}: a receipt of event {lane.last} of {subject}, "
                    f"whose events end at {last}"
                )
                found.add(Kind.PHANTOM, sentence)
        return found

    def _add_lost(self, event: Event, offset: int | None) -> None:
        self._findings.add(
            Kind.LOST,
            f"{self._name}: event {event.sequence} of {event.subject}, offset "
            f"{offset}, is finished in the progress, without a receipt, and not parked",
        )

    def _add(self, kind: Kind, receipt: Receipt, what: str) -> None:
        name = f"{self._name}: the receipt of event {receipt.sequence}"
        self._findings.add(kind, f"{name} of {receipt.subject} {what}")


def _untold(lane: _Lane, receipt: Receipt) -> tuple[Attempt, ...]:
    """Return the attempts that the receipt of the event's death did not tell."""
    told = lane.given_up.get(receipt.sequence, _NEVER)
    return tuple(each for each in receipt.attempts if each.ended_at > told)


def _queue(lane: _Lane, number: int) -> None:
    lane.head = lane.head or number
    lane.waiting += 1


def _advance(lane: _Lane, number: int, chain: str) -> None:
    """Move the lane's end to `number`; what is passed over is missing for now."""
    if not lane.last:
        lane.first = lane.run = number
    elif number > lane.last + 1:
        lane.missing.update(_between(lane.last, number))
        lane.run, lane.digest = number, 0
    lane.digest = hash((lane.digest, number, chain))
    lane.last, lane.chain = number, chain


def _between(before: int, after: int) -> range:
    return range(before + 1, min(after, before + 1 + _GAP_LIMIT))
