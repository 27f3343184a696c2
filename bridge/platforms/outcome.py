"""What an attempt came to: a closed choice of values, one word for each.

`answer` is the answer that decided it, for people: the engine adds it, conversations
leave it alone, and it does not make two outcomes different.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from bridge.platforms.readings import Observation
from bridge.values import value


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it may be kept: `excerpt` is short and masked."""

    status: int
    excerpt: str = ""


@value
class Delivered:
    """The target took it, just now.

    `publish` is what it gave in return: written to `returns.raw` with the receipt.
    """

    evidence: str = ""
    publish: tuple[Observation, ...] = ()


@value
class AlreadyApplied:
    """The target had it already: nothing was sent twice."""

    evidence: str


@value
class Skipped:
    """Configured, or by nature, not to act on this event."""

    reason: str


@value
class Failed:
    """It may work later. `retry_after` is the least wait the target asked for.

    `answer_lost` says that the request may have had its effect.
    """

    reason: str
    retry_after: timedelta | None = None
    answer_lost: bool = False
    answer: HttpAnswer | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Throttled:
    """The target asked for time: waiting is not failing, no attempt is used up."""

    retry_after: timedelta | None = None
    answer: HttpAnswer | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NotYet:
    """It waits for something else, for instance a create of ours."""

    reason: str
    answer: HttpAnswer | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """This event's data will never be taken; `detail` holds no personal field."""

    reason: str
    detail: str = ""
    answer: HttpAnswer | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The credential does not work: stops the target, not the subject."""

    reason: str
    answer: HttpAnswer | None = field(default=None, compare=False)


Unfinished = Failed | Throttled | NotYet | Refused | Unauthorized
"""What leaves the event where it is; these carry the `answer`."""

Outcome = Delivered | AlreadyApplied | Skipped | Unfinished
