"""Returns that a simulated shop has had for long, by the ten thousand.

Each is invented when a list comes to it and forgotten again, so a stock takes no
memory. It is only listed: what shall change, or be read by itself, is taken out first.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

_LAST = datetime.max.replace(tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)


class Stock(Generic[T]):
    """`count` returns, numbered from 0, made and last changed `every` so often.

    `invent` makes the return of a number and a time, the same each time.
    """

    def __init__(
        self,
        count: int,
        invent: Callable[[int, datetime], T],
        *,
        first_at: datetime,
        every: timedelta,
    ) -> None:
        self.count = count
        self._invent = invent
        self._first_at = first_at
        self._every = every
        self._taken: set[int] = set()

    def take(self, number: int) -> T:
        """Take a return out: it is listed here no more."""
        self._taken.add(number)
        return self._return(number)

    def newest_first(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[T]:
        """Yield what there is from `since` to `until`, both inclusive, back in time."""
        numbers = reversed(self._numbers(since or _FIRST, until or _LAST))
        return (self._return(each) for each in numbers if each not in self._taken)

    def oldest_first(self, since: datetime, until: datetime) -> Iterator[T]:
        """Yield what there is from `since` to `until`, both inclusive."""
        numbers = self._numbers(since, until)
        return (self._return(each) for each in numbers if each not in self._taken)

    def _return(self, number: int) -> T:
        return self._invent(number, self._first_at + number * self._every)

    def _numbers(self, since: datetime, until: datetime) -> range:
        begin = -((self._first_at - since) // self._every)
        end = (until - self._first_at) // self._every + 1
        return range(max(begin, 0), max(0, min(end, self.count)))


def no_stock() -> Stock[T]:
    """Return a stock of nothing."""

    def invent(number: int, at: datetime) -> T:
        raise LookupError(f"there is no return {number} of {at}")

    return Stock(0, invent, first_at=_FIRST, every=timedelta(days=1))
