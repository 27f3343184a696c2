"""Which event makes the bridge write what to Redo: configuration.

Redo has no status for received, inspected or restocked (redo.md, section 9.1): a
comment tells what the warehouse found, and only three statuses make sense to set.
"""

from typing import Literal

from pydantic import model_validator

from bridge.platforms.findings import Wording
from bridge.platforms.ruled import Ruling

Settable = Literal["complete", "open", "flagged", "rejected", "deleted"]
"""The statuses that Redo lets an API client set (redo.md, section 9)."""


class Rule(Ruling):
    """On this event, if the condition holds: comment first, then set the status."""

    comment: Wording | None = None
    status: Settable | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "Rule":
        if self.comment is None and self.status is None:
            raise ValueError("a rule needs a comment, a status or both")
        return self


DEFAULT_RULES = (
    Rule(on="goods.received", comment="Warehouse $warehouse received: $lines"),
    Rule(on="goods.inspected", when="all_good", status="complete"),
    Rule(on="goods.completed", when="all_good", status="complete"),
    Rule(
        on="goods.discrepancy",
        comment="Warehouse $warehouse reports a discrepancy: $lines",
        status="flagged",
    ),
)
