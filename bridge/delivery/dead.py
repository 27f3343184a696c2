"""Which events of one partition are dead: told by the dead letters themselves."""

from collections.abc import Awaitable, Callable

from bridge.deadletters.letter import from_headers
from bridge.errors import UnreadableError
from bridge.streams.records import Record

#: Feeds every dead letter of the partition to the given function.
ReadDead = Callable[[Callable[[list[Record]], None]], Awaitable[int]]


class DeadEvents:
    """Ids of events given up on; so a restart does not try them once more."""

    def __init__(self, read: ReadDead) -> None:
        self._read = read
        self._ids: set[str] = set()

    async def restore(self) -> None:
        """Read the dead letters anew."""
        self._ids.clear()
        await self._read(self._note)

    def add(self, event_id: str) -> None:
        """An event has just been given up."""
        self._ids.add(event_id)

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def _note(self, records: list[Record]) -> None:
        for record in records:
            try:
                letter = from_headers(record.headers, record.key, record.value)
            except UnreadableError:
                continue  # somebody else's record in our topic says nothing
            if letter.about is not None:
                self._ids.add(letter.about.id)
