"""How far a group is in one partition: its commit, read as a question to offsets."""

from dataclasses import dataclass
from itertools import islice

from bridge.streams.offsets import Committed
from bridge.streams.options import WINDOW_LIMIT
from bridge.streams.progress import Progress


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything below `position` is finished, and the offsets `above` it."""

    position: int = 0
    above: frozenset[int] = frozenset()

    def finished(self, offset: int) -> bool:
        """Tell whether the record at `offset` is done with."""
        return offset < self.position or offset in self.above


def reached(commit: Committed | None, first: int, end: int) -> Reached:
    """Read a commit; `first` and `end` are what the partition holds."""
    if commit is None:
        return Reached(first)
    position = max(commit.offset, first)
    progress, _ = Progress.decode(position, commit.metadata)
    offsets = islice(range(position, end), WINDOW_LIMIT)
    return Reached(
        position, frozenset(each for each in offsets if not progress.deliver(each))
    )
