"""Where a pass over ReturnGO stands between two pages, as text for the cursor."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

MOST_IDS = 2_000
_Ids = Annotated[tuple[str, ...], Field(max_length=MOST_IDS)]


class Token(BaseModel):
    """Where the list goes on (`cursor`), and what is to be looked at first (`queue`).

    `listed`: the list has ended. A sweep also carries the RMAs unseen for longest
    (`due`) and how many rows it has met (`rows`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cursor: str | None = None
    queue: _Ids = ()
    listed: bool = False
    due: _Ids = ()
    rows: NonNegativeInt = 0

    @classmethod
    def read(cls, text: str | None) -> "Token | None":
        """Read a token, the first where there is no text; None if it is not ours."""
        try:
            return cls() if text is None else cls.model_validate_json(text)
        except ValidationError:
            return None

    def after(
        self, rows: Sequence[object], cursor: str | None, queue: tuple[str, ...]
    ) -> "Token":
        """Return the token after a page of `rows`; no rows or no cursor end the list.

        An empty page ends it even with a cursor (returngo.md, section 3).
        """
        ended = not rows or not cursor
        changes = {"cursor": None if ended else cursor, "queue": queue, "listed": ended}
        return self.model_copy(update=changes)

    def text(self) -> str | None:
        """Return it as text; None if nothing is left."""
        if self.listed and not self.queue:
            return None
        return self.model_dump_json(exclude_defaults=True)
