"""Judges what operators changed: each change has its instruction, applied once.

An event may be discarded or sent with another body only because an instruction said
so; the answer to it stands on the sheets beside the receipts. Pure.
"""

from dataclasses import dataclass, field

from bridge.inspection.findings import Findings, Kind
from bridge.streams.receipts import DISCARDED, Receipt, Sheet

Event = tuple[str, int]


@dataclass(slots=True)
class Decisions:
    """The answers of one target, and the receipts that need one.

    `whole` says that the sheets are read from the first one: only then can a missing
    answer be told from one that is not kept any more.
    """

    target: str
    applied: set[tuple[str, int, str]] = field(default_factory=set)
    allowed: dict[str, set[Event]] = field(default_factory=dict)
    changed: dict[str, list[Event]] = field(default_factory=dict)
    edited: int = 0
    findings: Findings = field(default_factory=Findings)

    def sheet(self, sheet: Sheet) -> None:
        """Take the answers of the next sheet."""
        for answer in sheet.answers:
            if not answer.applied:
                continue
            key = (answer.instruction, sheet.partition, answer.subject)
            if key in self.applied:
                what = f"{self.target}: instruction {answer.instruction} to"
                what = f"{what} {answer.action} {answer.subject} at {answer.at}"
                self.findings.add(Kind.TWICE, f"{what} was applied before")
            self.applied.add(key)
            if answer.sequence is not None:
                events = self.allowed.setdefault(answer.action, set())
                events.add((answer.subject, answer.sequence))

    def receipt(self, receipt: Receipt) -> None:
        """Take a receipt that finishes its event."""
        event = (receipt.subject, receipt.sequence)
        if receipt.outcome == DISCARDED:
            self.changed.setdefault("discard", []).append(event)
        if receipt.edited:
            self.edited += 1
            self.changed.setdefault("edit", []).append(event)

    def judge(self, *, whole: bool) -> Findings:
        """Return what is wrong with them."""
        found = self.findings.plus(Findings())
        for action, events in self.changed.items() if whole else ():
            known = self.allowed.get(action, set())
            for subject, sequence in events:
                if (subject, sequence) not in known:
                    found.add(
                        Kind.UNEXPLAINED,
                        f"{self.target}: event {sequence} of {subject} has a receipt "
                        f"of {action}, and no instruction to {action} it was applied",
                    )
        return found
