"""Which events of each subject were handled: enough to see duplicates and gaps.

Within a subject the sequence and the event id say the same (the id is made from the
sequence), so the highest sequence handled is all that has to be kept. The memory is
bounded: subjects least recently seen are forgotten first, and a forgotten subject has
neither duplicates nor gaps.
"""

from enum import StrEnum

from cachetools import LRUCache

from bridge.client.received import Gap


class Seen(StrEnum):
    """What an event is to us, where it leaves no gap."""

    NEW = "new"
    DUPLICATE = "duplicate"


class History:
    """The highest sequence handled of each subject, bounded to `limit` subjects.

    After a rebalance another member may have handled the events between: what was
    remembered before it still proves a duplicate, but no longer a gap.
    """

    def __init__(self, limit: int) -> None:
        self._highest: LRUCache[str, tuple[int, int]] = LRUCache(limit)
        self._generation = 0

    def judge(self, subject: str, sequence: int) -> Seen | Gap:
        """Tell a new event from a repeated one and from one that leaves a gap."""
        known = self._highest.get(subject)
        if known is None:
            return Seen.NEW
        highest, generation = known
        if sequence <= highest:
            return Seen.DUPLICATE
        if sequence == highest + 1 or generation != self._generation:
            return Seen.NEW
        return Gap(subject, highest + 1, sequence - 1)

    def note(self, subject: str, sequence: int) -> None:
        """Remember that the event is dealt with."""
        self._highest[subject] = (sequence, self._generation)

    def rebalanced(self) -> None:
        """Partitions were assigned anew."""
        self._generation += 1
