"""A warehouse document opened for counting: lines found by key or SKU, then closed.

The only mutable thing in the fold; it lives inside one call of `fold_facts`, so that
5,000 facts on 5,000 lines stay 5,000 steps.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bridge.canonical.goods import (
    Discrepancy,
    DiscrepancyCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
    Outcome,
)
from bridge.normalize.goods_totals import fill, identity

UNIDENTIFIED = "unidentified"
"""The line of units of which neither a line nor a SKU is told."""

#: How far along a status is: a fact moves a document forward on it.
_RANK = {
    GoodsStatus.UNKNOWN: 0,
    GoodsStatus.NOT_ARRIVED: 0,
    GoodsStatus.AWAITING: 1,
    GoodsStatus.IN_TRANSIT: 2,
    GoodsStatus.ARRIVED: 3,
    GoodsStatus.PROCESSING: 4,
    GoodsStatus.COMPLETED: 5,
    GoodsStatus.CANCELLED: 5,
}


@dataclass(slots=True)
class Tally:
    """One document being counted."""

    document: GoodsDocument
    status: GoodsStatus
    occurred_at: datetime
    rejected_reason: str | None
    lines: dict[str, GoodsLine]
    keys_of_sku: dict[str, list[str]] = field(default_factory=dict)
    discrepancies: dict[tuple[DiscrepancyCode, str | None], Discrepancy] = field(
        default_factory=dict
    )

    @classmethod
    def of(cls, document: GoodsDocument) -> "Tally":
        tally = cls(
            document,
            document.status,
            document.occurred_at,
            document.rejected_reason,
            lines={line.line_key: line for line in document.lines},
        )
        for line in document.lines:
            tally.keys_of_sku.setdefault(line.sku or "", []).append(line.line_key)
        for entry in document.discrepancies:
            tally.discrepancies[entry.code, entry.line_key] = entry
        return tally

    def close(self) -> GoodsDocument:
        """Return the counted document; a status of our making has no raw word."""
        same = self.status is self.document.status
        return self.document.model_copy(
            update={
                "status": self.status,
                "status_raw": self.document.status_raw if same else None,
                "occurred_at": self.occurred_at,
                "rejected_reason": self.rejected_reason,
                "lines": tuple(self.lines.values()),
                "discrepancies": tuple(self.discrepancies.values()),
            }
        )

    def reach(self, status: GoodsStatus) -> None:
        """Move the status forward, never back."""
        if _RANK[status] > _RANK[self.status]:
            self.status = status

    def receive(self, lines: list[GoodsLine], units: int) -> None:
        """Count units in, or out again if negative."""
        shares = _shares(units, lines, [line.received for line in lines])
        for line, share in zip(lines, shares, strict=True):
            received = max(0, line.received + share)
            self._put(line, {"received": received}, among=len(lines))

    def treat(self, lines: list[GoodsLine], seed: Outcome, units: int) -> None:
        """Add units to the counter that `seed` names."""
        used = [sum(outcome.quantity for outcome in line.outcomes) for line in lines]
        shares = _shares(units, lines, used)
        for line, share in zip(lines, shares, strict=True):
            outcomes = {identity(outcome): outcome for outcome in line.outcomes}
            known = outcomes.get(identity(seed), seed)
            total = max(0, known.quantity + share)
            outcomes[identity(seed)] = known.model_copy(update={"quantity": total})
            kept = tuple(outcomes.values()) if share else line.outcomes
            self._put(line, {"outcomes": kept}, among=len(lines))

    def lines_of(self, line_key: str | None, sku: str | None) -> list[GoodsLine]:
        """Return the lines meant: by key, else by SKU, else a new one.

        Under a key of the warehouse's own only announced lines are taken by SKU.
        """
        if line_key in self.lines:
            return [self.lines[line_key]]
        alike = [self.lines[key] for key in self.keys_of_sku.get(sku or "", ())]
        if line_key is not None:
            alike = [line for line in alike if line.expected]
        if sku is not None and alike:
            return alike
        key = line_key or sku or UNIDENTIFIED
        return [self.lines.get(key) or GoodsLine(line_key=key, sku=sku)]

    def _put(self, line: GoodsLine, change: dict[str, object], *, among: int) -> None:
        if line.line_key not in self.lines:
            self.keys_of_sku.setdefault(line.sku or "", []).append(line.line_key)
        allocated = {"allocated": line.allocated or among > 1}
        self.lines[line.line_key] = line.model_copy(update=change | allocated)


def _shares(units: int, lines: list[GoodsLine], used: list[int]) -> list[int]:
    """Split `units`: they fill what is expected in line order, and leave it last."""
    if units < 0:
        return [-share for share in fill(-units, used[::-1])][::-1]
    free = [line.expected - have for line, have in zip(lines, used, strict=True)]
    return fill(units, [max(0, space) for space in free])
