"""The ways of the simulated Redo: what nobody has promised, and what may go wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.sandbox.habits import Rates
from bridge.sandbox.redo_creation import Rma
from bridge.sandbox.redo_desk import NO_TEMPER, Temper
from bridge.sandbox.redo_odd import Oddity
from bridge.sandbox.redo_webhooks import USUAL, Posting


@dataclass(frozen=True, slots=True)
class RedoWays:
    """How a Redo shop behaves; by default nothing is odd.

    `temper` is how it refuses, `posting` how hard it tries to deliver webhooks, `rates`
    how oddly they travel, if the manners do not say it. `odd` bodies take turns. A new
    subscriber is sent what was updated within the last `burst`. Without `scans_stamp`
    scans move no update time, with `plain_http` webhooks need no TLS. `rma` is what
    connected 3PLs say to a return that was created.
    """

    temper: Temper = NO_TEMPER
    posting: Posting = USUAL
    rates: Rates | None = None
    odd: Sequence[Oddity] = ()
    burst: timedelta | None = None
    scans_stamp: bool = True
    plain_http: bool = False
    rma: Rma = "none"


AS_REDO = RedoWays()
