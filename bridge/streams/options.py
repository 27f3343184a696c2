"""How partitions are owned: ticks, lease, drain and window, with their limits."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

#: Open transactions of one member: with more, each takes longer and holds less. At 200
#: webhooks a second on two cores a call comes a fifth sooner with two than with four.
_TRANSACTIONS, _PARTITIONS_PER_TRANSACTION = 2, 6

#: The broker keeps 4,096 bytes of commit metadata; 22,000 bits always fit.
WINDOW_LIMIT = 22_000


class OwnershipOptions(BaseModel):
    """The ownership runtime's numbers (design: lease and handover).

    `tick` is the least time between two commits of one partition, `lease` how long
    after an acknowledged transaction's start calls may still start, `call_deadline`
    the longest a call may last, `drain` what calls in flight get when a partition is
    revoked, `window` how many offsets above the lowest unfinished one may be known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tick: timedelta = timedelta(milliseconds=200)
    lease: timedelta = timedelta(seconds=5)
    call_deadline: timedelta = timedelta(seconds=15)
    drain: timedelta | None = None
    window: PositiveInt = Field(default=WINDOW_LIMIT, le=WINDOW_LIMIT)
    handover: Literal["safe", "fast"] = "safe"
    session_timeout: timedelta = timedelta(seconds=10)
    rebalance_timeout: timedelta = timedelta(seconds=60)
    group_instance_id: str | None = None
    poll_records: PositiveInt = 2_000

    @property
    def drain_time(self) -> timedelta:
        """The drain time; the call deadline unless set."""
        return self.call_deadline if self.drain is None else self.drain

    @staticmethod
    def transactions(partitions: int) -> int:
        """Return how many transactions may be open where so many partitions are owned.

        However many there are, each has its turn after nine transactions' time at most.
        """
        return max(_TRANSACTIONS, partitions // _PARTITIONS_PER_TRANSACTION)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.lease < 3 * self.tick:
            raise ValueError("lease must be at least three ticks, or calls starve")
        if self.drain_time >= self.rebalance_timeout:
            raise ValueError("drain must be shorter than rebalance_timeout")
        return self
