"""What a stage does with a partition that it owns; the owner asks for it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from bridge.streams.records import Outgoing, Record


class Work(Protocol):
    """What a stage does with the records of one partition it owns."""

    async def restore(self, *, clean: bool) -> None:
        """Rebuild the state; `clean` tells that a predecessor let go in order."""
        ...

    def accept(self, record: Record) -> None:
        """Take one record on; sooner or later `owner.finish(offset)` follows."""
        ...

    def room(self) -> bool:
        """Tell whether another record may be accepted now."""
        ...

    def collect(self) -> list[Outgoing]:
        """Hand over what was learned since the last call, to be written."""
        ...

    def committed(self, ends: Mapping[str, int]) -> None:
        """What was collected is written; `ends` maps topic to its next offset.

        A topic that is missing in `ends` was written at an unknown place.
        """
        ...

    async def drain(self, limit: timedelta) -> bool:
        """Start nothing more, wait for calls in flight; True if all ended."""
        ...

    def drop(self) -> None:
        """Give everything up at once: calls, timers, state."""
        ...
