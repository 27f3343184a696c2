"""What checking came to: counts, violations with examples, one report per target."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Self

#: Examples kept of each kind of violation.
EXAMPLES = 10


class Kind(StrEnum):
    """The violations; each names a promise that did not hold."""

    SEQUENCE_GAP = "sequence gaps"
    DUPLICATE = "duplicate events"
    CHAIN = "broken chains"
    ID = "id mismatches"
    FOREIGN = "unreadable records"
    GAP = "gaps"
    INVERSION = "inversions"
    OVERLAP = "overlaps"
    REPEAT = "repeated effects"
    PHANTOM = "receipts without an event"
    LOST = "lost events"
    PASSED = "passed while parked"
    STALE = "parked though finished"
    UNEXPLAINED = "changes without an instruction"
    TWICE = "instructions applied twice"


@dataclass(slots=True)
class Findings:
    """Violations by kind: all counted, the first few with a sentence each."""

    counts: dict[Kind, int] = field(default_factory=dict)
    examples: dict[Kind, list[str]] = field(default_factory=dict)

    def add(self, kind: Kind, sentence: str, count: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + count
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(sentence)

    def plus(self, other: Self) -> Self:
        """Return the findings of both."""
        total = type(self)(
            dict(self.counts), {k: [*v] for k, v in self.examples.items()}
        )
        for kind, sentences in other.examples.items():
            total.counts[kind] = total.counts.get(kind, 0) + other.counts[kind]
            kept = total.examples.setdefault(kind, [])
            kept.extend(sentences[: EXAMPLES - len(kept)])
        return total

    def __bool__(self) -> bool:
        return bool(self.counts)


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """The events topic: how much there is, and whether each history is sound."""

    subjects: int = 0
    events: int = 0
    findings: Findings = field(default_factory=Findings)

    def plus(self, other: Self) -> Self:
        return type(self)(
            self.subjects + other.subjects,
            self.events + other.events,
            self.findings.plus(other.findings),
        )


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target. Every event is exactly one of these, or there is a finding.

    `delivered` and `skipped` events have a receipt that says so, `discarded` ones an
    operator's instruction too; `given_up` ones are dead and later events may pass
    them; `held` ones are dead or behind a dead one and wait for an operator; `waiting`
    ones go on by themselves; `unjudged` ones are older than the receipts that were
    read.

    Of a fetch target these are hints, `delivered` ones were fetched, and `collapsed`
    ones answered by a call that had begun after they were seen.

    Beside that: `edited` events among the finished ones, `parked` ones among those
    that are held or waiting, and `waits`, how many of these wait for which reason.
    """

    target: str
    subjects: int = 0
    events: int = 0
    delivered: int = 0
    collapsed: int = 0
    skipped: int = 0
    discarded: int = 0
    given_up: int = 0
    waiting: int = 0
    held: int = 0
    unjudged: int = 0
    edited: int = 0
    parked: int = 0
    waits: Mapping[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def plus(self, other: Self) -> Self:
        sums = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.type is int
        }
        waits = Counter(self.waits) + Counter(other.waits)
        findings = self.findings.plus(other.findings)
        return replace(self, **sums, waits=dict(waits), findings=findings)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole result; `ok` when nothing was violated."""

    history: HistoryReport
    targets: tuple[TargetReport, ...]

    @property
    def ok(self) -> bool:
        return not self.history.findings and not any(
            target.findings for target in self.targets
        )

    @property
    def settled(self) -> bool:
        """Tell whether nothing waits at any target (what is held is not waiting)."""
        return not any(target.waiting for target in self.targets)

    def plus(self, other: Self) -> Self:
        """Return the result of both; they are of the same targets."""
        pairs = zip(self.targets, other.targets, strict=True)
        return type(self)(
            self.history.plus(other.history),
            tuple(ours.plus(theirs) for ours, theirs in pairs),
        )


def total(reports: Iterable[Report], targets: Iterable[str]) -> Report:
    """Return the sum of the reports of all partitions."""
    sum_ = Report(HistoryReport(), tuple(TargetReport(name) for name in targets))
    for report in reports:
        sum_ = sum_.plus(report)
    return sum_
