"""The modes in which a simulated Redo that runs alone can be switched.

Each is one thing that nobody has promised, or that goes wrong (redo.md, section 18).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bridge.sandbox.habits import Rates
from bridge.sandbox.redo_creation import Rma
from bridge.sandbox.redo_desk import Temper
from bridge.sandbox.redo_list import Traps
from bridge.sandbox.redo_odd import Oddity
from bridge.sandbox.redo_ways import RedoWays
from bridge.sandbox.redo_webhooks import USUAL, Posting


class Mode(StrEnum):
    """What can be switched on."""

    QUERY_PAGING = "query-paging"
    HIDDEN_DELETED = "hidden-deleted"
    STILL_SCANS = "still-scans"
    EMPTY_PAGES = "empty-pages"
    EXPIRED_PAGES = "expired-pages"
    PASSING = "passing"
    DOUBLED = "doubled"
    LATE_CREATED = "late-created"
    PLAIN_HTTP = "plain-http"
    SILENT = "silent-429"
    BARE_PROBLEMS = "bare-problems"
    JSON_PROBLEMS = "json-problems"
    RMA_MADE = "rma-made"
    RMA_FAILED = "rma-failed"
    EARLY_PAYMENT = "early-payment"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was switched on, and how many there are of what is counted."""

    modes: Collection[Mode] = ()
    odd: Sequence[Oddity] = ()
    retries: int = USUAL.retries
    burst: timedelta | None = None
    per_second: int | None = None
    broken_every: int = 0

    def traps(self) -> Traps:
        """Return what befalls those who walk through the list."""
        return Traps(
            hides_deleted=Mode.HIDDEN_DELETED in self.modes,
            by_query=Mode.QUERY_PAGING in self.modes,
            empty_every=3 if Mode.EMPTY_PAGES in self.modes else 0,
            expired_every=3 if Mode.EXPIRED_PAGES in self.modes else 0,
        )

    def ways(self) -> RedoWays:
        """Return everything else."""
        return RedoWays(
            temper=Temper(
                per_second=self.per_second,
                broken_every=self.broken_every,
                silent=Mode.SILENT in self.modes,
                bare=Mode.BARE_PROBLEMS in self.modes,
                as_json=Mode.JSON_PROBLEMS in self.modes,
            ),
            posting=Posting(self.retries, blocks=Mode.PASSING not in self.modes),
            rates=self._rates(),
            odd=self.odd,
            burst=self.burst,
            scans_stamp=Mode.STILL_SCANS not in self.modes,
            plain_http=Mode.PLAIN_HTTP in self.modes,
            rma=self._rma(),
        )

    def _rates(self) -> Rates | None:
        doubled, late = Mode.DOUBLED in self.modes, Mode.LATE_CREATED in self.modes
        if not doubled and not late:
            return None
        return Rates(created_late=float(late), twice=float(doubled))

    def _rma(self) -> Rma:
        if Mode.RMA_FAILED in self.modes:
            return "failed"
        return "made" if Mode.RMA_MADE in self.modes else "none"


NOTHING = Chosen()
