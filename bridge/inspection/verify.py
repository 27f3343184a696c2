"""Checks promises P2 to P4 from events and receipts; pure, memory grows with subjects.

The rule of feeding: of one partition, of every target first its progress, then what is
parked, then its receipts, then its dead letters; then the events, each in partition
order. Of a fetch target the hints take the place of the events. Whoever reads in this
order finds, however busy the system is, an event for every receipt, and for everything
that the progress calls finished either a receipt or a parked record; what was published
meanwhile merely waits.

A history may begin in the middle, where older records were deleted or not asked for:
then it is judged from there. What targets owe is judged in `order.py`, what fetch
targets owe in `hinted.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.canonical.envelope import Event, chain_next, chain_start, event_id
from bridge.deadletters.parked import ParkedEvent
from bridge.inspection.findings import Findings, HistoryReport, Kind, Report
from bridge.inspection.hinted import HintsChecker
from bridge.inspection.kept import Finished
from bridge.inspection.order import TargetChecker
from bridge.streams.receipts import Sheet


class Checker:
    """Judges one partition, or several one after the other.

    `targets` are served with events, those that are `fetching` with hints.

    `skew` is how far the clocks of two workers may be apart: an overlap of their
    calls counts from there on. `whole` says that the events are read from the very
    first one; if not, a history may begin with any number.
    """

    def __init__(
        self,
        targets: Iterable[str],
        *,
        fetching: Iterable[str] = (),
        skew: timedelta = timedelta(0),
        whole: bool = True,
    ) -> None:
        self._history = _History(whole)
        self._events = {name: TargetChecker(name, skew) for name in targets}
        self._hints = {name: HintsChecker(name, skew) for name in fetching}
        self._targets: Mapping[str, TargetChecker | HintsChecker] = {
            **self._events,
            **self._hints,
        }

    def receipts_since(self, target: str, time: datetime) -> None:
        """Say that receipts of `target` from before `time` are not fed."""
        self._targets[target].horizon = time

    def progress(
        self, target: str, finished: Finished, read_at: datetime | None = None
    ) -> None:
        """Say which offsets of the events a target's commit calls finished.

        `read_at` is when that and the parked events are read, less what clocks may be
        apart; without it nothing is finished while they are.
        """
        kept = self._targets[target].kept
        kept.finished, kept.known = finished, True
        kept.read_at = read_at or kept.read_at

    def parked(self, target: str, parked: ParkedEvent) -> None:
        """Take a live record of a target's parked events, note or event."""
        self._targets[target].kept.take(parked)

    def paused(self, target: str, subject: str) -> None:
        """Say that a subject, or the whole target (`*`), is paused."""
        self._targets[target].kept.pauses.add(subject)

    def sheet(self, target: str, sheet: Sheet) -> None:
        """Take the next sheet of a target: receipts and answers to instructions."""
        self._targets[target].sheet(sheet)

    def dead(self, target: str, subject: str, sequence: int) -> None:
        """Take the next dead letter of a target that is served with events."""
        self._events[target].dead(subject, sequence)

    def event(self, event: Event, time: datetime, offset: int | None = None) -> None:
        """Take the next event; `time` is when it was written to Kafka.

        Without its `offset` it is not compared with the progress.
        """
        if self._history.event(event):
            for target in self._events.values():
                target.event(event, time, offset)

    def hint(self, target: str, event: Event, time: datetime, offset: int) -> None:
        """Take the next hint for a fetch target; `time` is when it was written."""
        self._hints[target].hint(event, time, offset)

    def foreign(self, record: str) -> None:
        """Take note of a record that is not what its topic holds."""
        self._history.findings.add(Kind.FOREIGN, record)

    def report(self) -> Report:
        """Return what was found so far."""
        last = self._history.last_of
        return Report(
            self._history.report(),
            (
                *(target.report(last) for target in self._events.values()),
                *(target.report() for target in self._hints.values()),
            ),
        )


@dataclass(slots=True)
class _History:
    """Numbers, ids and chains of the events themselves, by subject."""

    whole: bool
    events: int = 0
    findings: Findings = field(default_factory=Findings)
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)

    def event(self, event: Event) -> bool:
        """Judge the next event; tell whether it is a new one."""
        self.events += 1
        if event.id != event_id(event.subject, event.sequence):
            self.findings.add(Kind.ID, f"{_name(event)} has the id {event.id}")
        known = self.ends.get(event.subject)
        last, chain = known or (0, chain_start(event.subject))
        if event.sequence <= last:
            self._add(Kind.DUPLICATE, event, f"comes after number {last}")
            return False
        if event.sequence == last + 1:
            self._judge_chain(event, chain)
        elif known or self.whole:
            self._add(Kind.SEQUENCE_GAP, event, f"comes right after number {last}")
        self.ends[event.subject] = (event.sequence, event.chain)
        return True

    def last_of(self, subject: str) -> int | None:
        """Return the last number of a subject, None if it may lie further back."""
        last, _ = self.ends.get(subject, (0, ""))
        return last if last or self.whole else None

    def report(self) -> HistoryReport:
        return HistoryReport(len(self.ends), self.events, self.findings)

    def _judge_chain(self, event: Event, before: str) -> None:
        if event.chain != chain_next(before, event.id, event.type, event.body):
            self._add(Kind.CHAIN, event, "does not continue the chain before it")

    def _add(self, kind: Kind, event: Event, what: str) -> None:
        self.findings.add(kind, f"{_name(event)} {what}")


def _name(event: Event) -> str:
    return f"event {event.sequence} of {event.subject}"
