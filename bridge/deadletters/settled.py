"""Settled: the mark that an unreadable observation was dealt with by an operator.

A record of `returns.dead.inbound` beside the letters: the key of its letter, no value,
and in headers which letter, how, by whom and when. A letter with a mark is not listed
any more. Dealing with a letter twice does no harm: the normaliser drops old news.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.canonical.envelope import Headers
from bridge.errors import UnreadableError

_PREFIX = "settled-"

How = Literal["replayed", "discarded"]
_HOW: Mapping[str, How] = {"replayed": "replayed", "discarded": "discarded"}


@dataclass(frozen=True, slots=True)
class Settled:
    """One mark: the letter stands at `offset` of the partition the mark stands in."""

    offset: int
    how: How
    author: str
    reason: str
    at: datetime

    def to_headers(self) -> Headers:
        """Return the headers of the record."""
        facts = {
            "offset": str(self.offset),
            "how": self.how,
            "author": self.author,
            "reason": self.reason,
            "at": self.at.isoformat(),
        }
        return tuple((_PREFIX + name, text.encode()) for name, text in facts.items())


def is_mark(headers: Mapping[str, bytes]) -> bool:
    """Tell whether a record is a mark and not a letter."""
    return _PREFIX + "offset" in headers


def from_headers(headers: Mapping[str, bytes]) -> Settled:
    """Read a mark; raise UnreadableError if it is none."""
    try:
        text = {name: value.decode() for name, value in headers.items()}
        return Settled(
            offset=int(text[_PREFIX + "offset"]),
            how=_HOW[text[_PREFIX + "how"]],
            author=text[_PREFIX + "author"],
            reason=text[_PREFIX + "reason"],
            at=datetime.fromisoformat(text[_PREFIX + "at"]),
        )
    except (KeyError, ValueError) as broken:
        reason = f"not a mark: {type(broken).__name__}"
        raise UnreadableError("not_a_mark", "$", reason) from broken
