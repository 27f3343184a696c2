"""How a return stands at Loop before we act on it: read from details.

`process`, `cancel` and `close` are final, `process` is queued and not idempotent
(loop.md, section 6): so each action is preceded by a look.
"""

import decimal
from dataclasses import dataclass

from bridge.platforms.contract import AlreadyApplied, Outcome, Refused
from bridge.platforms.loop.rules import Action

OPEN, REVIEW, CLOSED, CANCELLED, EXPIRED = (
    *("open", "review", "closed"),
    *("cancelled", "expired"),
)

#: By action: the states in which Loop takes it.
TAKES: dict[Action, frozenset[str]] = {
    "process": frozenset({OPEN}),
    "flag": frozenset({OPEN}),
    "cancel": frozenset({OPEN}),
    "close": frozenset({OPEN, REVIEW}),
}

#: By action: the state in which it has been done.
DONE: dict[Action, str] = {
    "process": CLOSED,
    "flag": REVIEW,
    "cancel": CANCELLED,
    "close": CLOSED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """State, and whether anything was paid or ordered."""

    state: str
    fulfilled: bool

    def before(self, action: Action) -> Outcome | None:
        """Return why `action` is not to be called; None if it is.

        `closed` follows from process and from close: which one it was shows in what
        was paid. Closing what was paid is not what was asked for.
        """
        if self.state == DONE[action]:
            if action == "close" and self.fulfilled:
                return Refused("already_fulfilled", "the return is closed and paid")
            return AlreadyApplied(f"state is {self.state}")
        if self.state in TAKES[action]:
            return None
        known = self.state if self.state in _KNOWN else "unknown"
        return Refused("unexpected_state", f"state is {known}")


_KNOWN = frozenset({OPEN, REVIEW, CLOSED, CANCELLED, EXPIRED})


def standing_in(content: object) -> Standing | None:
    """Read the answer of details; None if it has no state."""
    if not isinstance(content, dict):
        return None
    state = content.get("state")
    if not isinstance(state, str):
        return None
    word = REVIEW if state.lower() in {"needs review", "flagged"} else state.lower()
    return Standing(word, _is_fulfilled(content))


def _is_fulfilled(content: dict[str, object]) -> bool:
    if content.get("exchange_order_id") or content.get("gift_card_order_id"):
        return True
    refunds = content.get("refunds")
    return isinstance(refunds, list) and any(map(_is_paid, refunds))


def _is_paid(refund: object) -> bool:
    amount = refund.get("amount") if isinstance(refund, dict) else None
    try:
        return decimal.Decimal(str(amount)) > 0
    except decimal.InvalidOperation:
        return False
