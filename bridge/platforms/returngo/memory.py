"""What the poll of ReturnGO remembers from walk to walk; pure.

Two things are told nowhere: which RMA a transaction belongs to (its row names returned
units at best, returngo.md section 3), and whether an RMA has changed while its update
time stood still. So for every RMA looked at lately the poll keeps what its row said,
when it was looked at, and the ids of its units and transactions. The oldest looks are
forgotten first.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from bridge.platforms.returngo.payloads import Rma, Summary

#: RMAs remembered: what fits into a cursor of 256 KiB with a dozen units each.
MOST = 4_000
_MOST_IDS = 50
LARGEST = 240 * 1024
"""Characters of the memory as text."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the last look at one RMA showed; `ids` are its units and transactions."""

    row: str
    at: datetime
    ids: tuple[str, ...] = ()


class Memory:
    """The looks by RMA id; made from its text, changed, and written as text again."""

    def __init__(self, looks: dict[str, Look]) -> None:
        self.looks = looks

    @classmethod
    def read(cls, text: str) -> "Memory":
        """Read what `text` wrote; anything else reads as nothing remembered."""
        try:
            packed = zlib.decompress(base64.b85decode(text))
            return cls(
                {
                    id_: Look(row, datetime.fromtimestamp(at, UTC), tuple(ids))
                    for id_, (row, at, *ids) in orjson.loads(packed).items()
                }
            )
        except (ValueError, TypeError, AttributeError, zlib.error):
            return cls({})

    def text(self) -> str:
        """Return the memory as ASCII text.

        What does not fit is forgotten, oldest first and a quarter at a time: RMAs of
        many units are rare.
        """
        kept = sorted(self.looks.items(), key=lambda each: each[1].at)[-MOST:]
        while len(text := _packed(kept)) > LARGEST:
            kept = kept[-(len(kept) * 3 // 4) :]
        return text

    def note(self, rma: Rma, now: datetime) -> None:
        """Remember a look at a whole RMA."""
        ids = (
            *(item.returned_item_id for item in rma.items),
            *(transaction.id for transaction in rma.transactions),
        )
        known = tuple(id_ for id_ in ids if id_)[:_MOST_IDS]
        summary = rma.rma_summary
        self.looks[summary.rma_id] = Look(digest(summary), now, known)

    def looked_at(self, rma_id: str) -> datetime | None:
        """Return when the RMA was looked at; None if that is not remembered."""
        look = self.looks.get(rma_id)
        return look.at if look else None

    def differs(self, row: Summary) -> bool:
        """Tell whether a row says something new about its RMA, or is new itself."""
        look = self.looks.get(row.rma_id)
        return look is None or look.row != digest(row)

    def oldest(self, rma_ids: Iterable[str]) -> tuple[str, ...]:
        """Return the RMAs in the order of their last looks, unknown ones first."""
        never = datetime.min.replace(tzinfo=UTC)
        return tuple(
            sorted(rma_ids, key=lambda id_: (self.looked_at(id_) or never, id_))
        )

    def owners(self) -> dict[str, str]:
        """Return the RMA's id by that of its units and transactions."""
        return {id_: rma for rma, look in self.looks.items() for id_ in look.ids}


def digest(row: Summary) -> str:
    """Return what a row says, short: status and events."""
    text = row.model_dump_json(include={"status", "events"})
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _packed(looks: list[tuple[str, Look]]) -> str:
    plain = {
        id_: (look.row, int(look.at.timestamp()), *look.ids) for id_, look in looks
    }
    return base64.b85encode(zlib.compress(json.dumps(plain).encode())).decode()
