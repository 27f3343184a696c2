"""Why a lane waits, read from what is kept of its events; pure.

Most reasons stand in the parked records. What only the owner's process knows (breaker,
budget, handover) is told by its standing, where one was written.
"""

from collections.abc import Mapping

from bridge.deadletters.parked import State
from bridge.deadletters.standing import WaitReason

#: A head that nothing is known to hold up: it is its turn now.
DUE = "due"

_BY_OUTCOME: Mapping[str, WaitReason] = {
    "failed": WaitReason.RETRY,
    "throttled": WaitReason.THROTTLED,
    "not_yet": WaitReason.NOT_YET,
    "unauthorized": WaitReason.UNAUTHORIZED,
}


def reason_of(head: State | None, *, paused: bool = False) -> str:
    """Return what the lane behind `head` waits for: a WaitReason, or `due`.

    `head` is what is kept of its first unfinished event; None if it is in the log and
    was never tried in vain.
    """
    if head is not None and head.death is not None:
        return WaitReason.DEAD
    if paused:
        return WaitReason.PAUSED
    if head is None:
        return DUE
    return _BY_OUTCOME.get(head.trouble.last_outcome, DUE)
