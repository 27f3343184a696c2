"""Which partitions a group member holds, told to those who share something by them.

A partition counts from the moment its owner has fenced whoever had it before until the
owner has let it go, calls in flight included. So it never counts twice at a time, as
long as a member that loses one unawares notices within the lease.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Holding:
    """How many of all partitions are a member's.

    `inherited` of them have just come from another member, whose calls may start for
    another `quiet`.
    """

    partitions: int
    of: int
    inherited: int = 0
    quiet: timedelta = timedelta()


#: Is told of every change.
Tell = Callable[[Holding], None]


class Holdings:
    """The partitions of one member."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._held: set[int] = set()
        self._of = 0

    def assigned(self, of: int) -> None:
        """The group has given this member its part; there are `of` partitions."""
        self._of = of
        self._tell(Holding(len(self._held), of))

    def took_over(self, partition: int, quiet: timedelta | None) -> None:
        """Count a partition; `quiet` is None if nobody else had it before."""
        self._held.add(partition)
        if quiet is None:
            self._tell(Holding(len(self._held), self._of))
        else:
            self._tell(Holding(len(self._held), self._of, inherited=1, quiet=quiet))

    def let_go(self, *partitions: int) -> None:
        """Count these no more."""
        self._held.difference_update(partitions)
        if self._of:  # else the group has given nothing yet
            self._tell(Holding(len(self._held), self._of))
