"""What the deliver stage needs of its partition's owner (`bridge/streams/owner.py`)."""

from collections.abc import Coroutine
from typing import Protocol


class Ownership(Protocol):
    """The owner of one partition, as the stage sees it."""

    def finish(self, offset: int) -> None:
        """The record at `offset` is done with."""

    def instructed(self, offset: int) -> None:
        """The instruction at `offset`, and all before it, are done with."""

    def note(self) -> None:
        """Something was learned that the next commit has to write."""

    @property
    def crowded(self) -> bool:
        """Whether the window of offsets is nearly full."""

    def alongside(self, work: Coroutine[None, None, None]) -> None:
        """Run a piece of work beside the rest; a mistake in it ends the ownership."""

    async def permit(self) -> None:
        """Return when a call may start; raise LostOwnership if none ever may."""

    def may_call(self) -> bool:
        """Whether a call may start this very moment."""
