"""How a target is served: concurrency, patience, deadlines."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt


class DeliveryOptions(BaseModel):
    """One target's numbers.

    `concurrency` conversations run at once per process. A failing event is given up
    after `max_attempts` or after `max_age` of failing, whichever comes first.
    A lane leaves the log once its head has been waiting for `park_after`, or failed
    again with more than `park_behind` events behind it. Intake pauses above
    `memory_limit` bytes of waiting events. `response_limit` bounds a response
    body in bytes. The target is stopped when more than `dead_limit` events are given up
    within five minutes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    concurrency: PositiveInt = 64
    max_attempts: PositiveInt = 200
    max_age: timedelta = timedelta(hours=10)
    park_after: timedelta = timedelta(seconds=10)
    park_behind: PositiveInt = 100
    connect_timeout: timedelta = timedelta(seconds=5)
    read_timeout: timedelta = timedelta(seconds=10)
    memory_limit: PositiveInt = 32 * 1024 * 1024
    response_limit: PositiveInt = 1024 * 1024
    dead_limit: PositiveInt = 50
    on_dead: Literal["hold", "skip"] = "hold"
    verify_tls: bool = True
