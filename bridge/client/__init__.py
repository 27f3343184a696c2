"""For other teams: typed handlers of canonical events, and observations of their own.

`router` reads `returns.events` (with `dispatch` and `history` behind it),
`observations` writes to `returns.raw`, `export` writes `schemas/`.
"""

from bridge.client.received import Counts, Gap, Received
from bridge.client.router import ReadingOptions, ReturnsRouter

__all__ = ["Counts", "Gap", "ReadingOptions", "Received", "ReturnsRouter"]
