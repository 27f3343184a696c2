"""Standing: what only the process that owns a partition knows, written down for others.

One record per partition in `returns.parked.<target>`, key `target:<partition>`, beside
the parked events: breaker, budget, and how many lanes wait for what. It is a report,
not state: nothing is restored from it, and whoever reads it says how old it is.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bridge.errors import UnreadableError

_KEY = "target:"


class WaitReason(StrEnum):
    """Everything a lane can wait for; a label of metrics and a word of `why`."""

    RETRY = "retry"
    THROTTLED = "throttled"
    BUDGET = "budget"
    BREAKER = "breaker"
    UNAUTHORIZED = "unauthorized"
    NOT_YET = "not_yet"
    DEAD = "dead"
    PAUSED = "paused"
    BEHIND = "behind"
    HANDOVER = "handover"


class _Part(BaseModel):
    # Open: a newer worker may tell more.
    model_config = ConfigDict(frozen=True, extra="ignore")


class BreakerStanding(_Part):
    """The breaker; `since` and `next_probe_at` only while it is not closed."""

    state: Literal["closed", "open", "half_open", "unauthorized"] = "closed"
    reason: str = ""
    since: AwareDatetime | None = None
    next_probe_at: AwareDatetime | None = None


class BudgetStanding(_Part):
    """The process's share of the credential's rate, in requests (or cost points).

    `available` may be spent now; `waiting` conversations stand in line;
    `blocked_until` is what the target itself asked for.
    """

    available: float
    per_second: float
    waiting: int = 0
    blocked_until: AwareDatetime | None = None


class Standing(_Part):
    """What one worker says about one partition at one moment.

    `budget` is None while no call waits for it; `waiting` counts lanes by reason, of
    which `oldest` has the time of the oldest event.
    """

    version: Literal[1] = 1
    worker: str
    at: AwareDatetime
    breaker: BreakerStanding = BreakerStanding()
    budget: BudgetStanding | None = None
    waiting: Mapping[str, Annotated[int, Field(ge=0)]] = {}
    oldest: Mapping[str, AwareDatetime] = {}


def key_of(partition: int) -> bytes:
    """Return the key of a partition's standing."""
    return f"{_KEY}{partition}".encode()


def is_standing(key: bytes | None) -> bool:
    """Tell whether a record of the parked topic is a standing, not an event."""
    return (key or b"").startswith(_KEY.encode())


def encode(standing: Standing, partition: int) -> tuple[bytes, bytes]:
    """Return key and value of the record."""
    return key_of(partition), standing.model_dump_json(exclude_none=True).encode()


def decode(value: bytes | None) -> Standing:
    """Read a record's value; raise UnreadableError if it is no standing."""
    try:
        return Standing.model_validate_json(value or b"")
    except ValidationError:
        raise UnreadableError("not_a_standing") from None
