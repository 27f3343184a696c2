"""How webhooks are received: address, limits, and each account's own ways."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Deadline = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=2))]
#: What Kafka's topics take (`bridge/streams/topics.py`) leaves this much for a body.
BODY_LIMIT = 4 * 1024 * 1024
#: Ingest answers a dead Kafka within 5 s; some senders wait only 3 s for any answer.
LONGEST_WAIT = timedelta(seconds=4, milliseconds=500)
Wait = Annotated[timedelta, Field(gt=timedelta(0), le=LONGEST_WAIT)]


class AnswerOptions(BaseModel):
    """One account's own ways, where its sender insists on them.

    `status` and `body` are the answer to an accepted webhook; `allow_head` answers
    HEAD with 200, for senders that try the address first; `kafka_wait` replaces the
    common one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Annotated[int, Field(ge=200, le=299)] = 202
    body: str = ""
    content_type: str = "application/json"
    allow_head: bool = False
    kafka_wait: Wait | None = None


class InboundOptions(BaseModel):
    """The HTTP side of a process.

    `body_limit` bounds one body, `memory_limit` all bodies that are being read, and
    `head_limit` a request's head, in bytes. `head_timeout` and `body_timeout` are for
    the whole head and the whole body. Port 0 takes any free one. With `reuse_port`
    several processes may share one port.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    reuse_port: bool = False
    body_limit: Annotated[int, Field(gt=0, le=BODY_LIMIT)] = 2 * 1024 * 1024
    head_limit: Annotated[int, Field(ge=1_024)] = 64 * 1024
    memory_limit: PositiveInt = 64 * 1024 * 1024
    head_timeout: Deadline = timedelta(seconds=10)
    body_timeout: Deadline = timedelta(seconds=10)
    idle_timeout: Deadline = timedelta(seconds=30)
    shutdown_timeout: Deadline = timedelta(seconds=10)
    kafka_wait: Wait = timedelta(seconds=4)
    connection_limit: PositiveInt = 1_000
    answers: dict[str, AnswerOptions] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.body_limit > self.memory_limit:
            raise ValueError("body_limit must not be above memory_limit")
        return self

    def answer(self, account: str) -> AnswerOptions:
        """Return the account's own ways, or the common ones."""
        return self.answers.get(account, AnswerOptions())
