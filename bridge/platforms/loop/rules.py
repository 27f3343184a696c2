"""Which event makes the bridge write what to Loop: configuration.

Loop has no call for received or inspected goods (loop.md, section 6): a note tells
what the warehouse found, then the return is processed, which pays, or flagged, which
stops all automation until a person has looked. Where Loop itself processes at the
first scan there is nothing left to process: write rules without it.
"""

from typing import Literal

from pydantic import model_validator

from bridge.platforms.findings import Wording
from bridge.platforms.ruled import Ruling

Action = Literal["process", "flag", "cancel", "close"]
"""What may be done to a return; all but `flag` are final."""

LabelError = Literal["INSUFFICIENT_FUNDS", "INVALID_ADDRESS", "Other"]
"""Why no label can be made for a label request."""


class Rule(Ruling):
    """On this event, if the condition holds: note first, then act.

    `label_error` answers a label request with "no label possible".
    """

    note: Wording | None = None
    action: Action | None = None
    label_error: LabelError | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "Rule":
        if self.note is None and self.action is None and self.label_error is None:
            raise ValueError("a rule needs a note, an action or a label_error")
        if self.label_error is not None and self.on != "label.requested":
            raise ValueError("label_error answers label.requested and nothing else")
        return self


DEFAULT_RULES = (
    Rule(on="goods.received", note="Warehouse $warehouse received: $lines"),
    Rule(on="goods.inspected", when="all_good", action="process"),
    Rule(on="goods.completed", when="all_good", action="process"),
    Rule(
        on="goods.discrepancy",
        note="Warehouse $warehouse reports a discrepancy: $lines",
        action="flag",
    ),
)
