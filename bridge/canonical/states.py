"""The states of a return, which of them end it, and which moves are expected.

The platform is the authority: a move outside `EXPECTED` is published all the same,
and counted. A move out of a terminal state into a living one is a *reopening*.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a return stands; the words all platforms are translated into."""

    REQUESTED = "requested"
    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RECEIVED = "received"
    INSPECTED = "inspected"
    CLOSED = "closed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNKNOWN = "unknown"


TERMINAL = frozenset(
    {State.CLOSED, State.REJECTED, State.CANCELLED, State.EXPIRED, State.DELETED}
)

#: The way of a parcel, in order: warehouse news may move a return forward on it.
PROGRESS = (
    State.REQUESTED,
    State.UNDER_REVIEW,
    State.APPROVED,
    State.IN_TRANSIT,
    State.DELIVERED,
    State.RECEIVED,
    State.INSPECTED,
)

_ENDS = TERMINAL | {State.UNKNOWN}
_DECIDED = frozenset(PROGRESS[1:])

#: From each state the moves a platform is expected to make (beside staying).
#: Platforms pay at any time and review at any time, so most moves on the way are open.
EXPECTED: dict[State, frozenset[State]] = {
    State.REQUESTED: _DECIDED | _ENDS,
    State.UNDER_REVIEW: _DECIDED | _ENDS,
    State.APPROVED: _DECIDED | _ENDS,
    State.IN_TRANSIT: frozenset(PROGRESS[4:]) | {State.UNDER_REVIEW} | _ENDS,
    State.DELIVERED: frozenset(PROGRESS[5:]) | {State.UNDER_REVIEW} | _ENDS,
    State.RECEIVED: frozenset({State.INSPECTED, State.UNDER_REVIEW}) | _ENDS,
    State.INSPECTED: frozenset({State.UNDER_REVIEW}) | _ENDS,
    State.CLOSED: frozenset(),
    State.REJECTED: frozenset({State.CLOSED}),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
    State.DELETED: frozenset(),
    State.UNKNOWN: frozenset(State),
}


def is_reopening(before: State, after: State) -> bool:
    """Tell whether a finished return is alive again."""
    return before in TERMINAL and after in PROGRESS


def is_expected(before: State, after: State) -> bool:
    """Tell whether the move is in the table, or a reopening, or none at all."""
    return before == after or after in EXPECTED[before] or is_reopening(before, after)
