"""The rate limits of a credential, as the settings and a vendor's page write them.

`{requests: 150, per: 1min}` is at most 150 requests in any minute: whether the platform
slides its minute or starts it anew on the clock, this keeps within both. With `burst`
it is a bucket: `{points: 60, per: 1s, burst: 4004}` holds 4004 points and gains 60 a
second. `points` are a platform's own price of a call, for those that have one.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

_LONGEST = timedelta(days=31)


class Limit(BaseModel):
    """One limit: so many requests, or points, in so much time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[int, Field(gt=0)] | None = None
    points: Annotated[int, Field(gt=0)] | None = None
    per: Annotated[timedelta, Field(gt=timedelta(0), le=_LONGEST)]
    burst: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _counts_one_thing(self) -> "Limit":
        if (self.requests is None) == (self.points is None):
            raise ValueError(
                "write either requests or points, as in {requests: 2, per: 1s}"
            )
        if self.burst is not None and self.burst < self.amount:
            raise ValueError(
                f"burst is what the bucket holds: at least the {self.amount} "
                "that it gains"
            )
        return self

    @property
    def amount(self) -> int:
        """How many requests or points in `per`."""
        return self.requests or self.points or 0

    @property
    def counts_points(self) -> bool:
        return self.points is not None

    @property
    def unit(self) -> str:
        """What is counted."""
        return "points" if self.counts_points else "requests"


def _each_once(limits: Sequence[Limit]) -> Sequence[Limit]:
    spans = [(limit.counts_points, limit.per) for limit in limits]
    if len(set(spans)) < len(spans):
        raise ValueError(
            "two limits count the same in the same time: keep the lower one"
        )
    return limits


def _a_list(value: object) -> object:
    if isinstance(value, Mapping):
        raise ValueError("should be a list: write [{requests: 2, per: 1s}]")  # noqa: TRY004 - the settings collect this one
    return value


Limits = Annotated[
    tuple[Limit, ...],
    Field(max_length=8),
    BeforeValidator(_a_list),
    AfterValidator(_each_once),
]
"""What a credential may use; all of them hold at once, and none is no limit."""
