"""Driving a conversation: each request goes out, its answer comes back in.

The conversation knows the vendor, the `Call` knows the network. Neither raises into
the engine: what went wrong becomes an `Outcome`, with the answer that decided it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx

from bridge.deadletters.masking import excerpt
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Failed,
    HttpAnswer,
    Outcome,
    Skipped,
)

Call = Callable[[httpx.Request], Awaitable[httpx.Response]]

#: Methods without an effect: a lost answer of theirs loses nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class CallFailed(Exception):
    """A call came to nothing. `reason` is short and stable.

    `sent` tells that the request may have reached the target.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


async def converse(conversation: Conversation, call: Call) -> Outcome:
    """Run `conversation` to its end and return its outcome.

    A call that fails ends it with `Failed`; `answer_lost` is set where the request
    may have had an effect, or where an earlier write of this conversation had one.
    """
    lost = False
    response: httpx.Response | None = None
    try:
        request = next(conversation)
        while True:
            effect = request.method not in SAFE
            try:
                response = await call(request)
            except CallFailed as broken:
                lost = lost or (effect and broken.sent)
                return Failed(broken.reason, answer_lost=lost)
            lost = lost or (effect and 200 <= response.status_code < 300)  # noqa: PLR2004 - as `is_success`, for less
            request = conversation.send(response)
    except StopIteration as end:
        outcome: Outcome = end.value
        if lost and isinstance(outcome, Failed):
            outcome = replace(outcome, answer_lost=True)
        return _with_answer(outcome, response)
    finally:
        conversation.close()


def _with_answer(outcome: Outcome, response: httpx.Response | None) -> Outcome:
    """Keep the last answer for people where the event is not done with."""
    if response is None or isinstance(outcome, (Delivered, AlreadyApplied, Skipped)):
        return outcome
    answer = HttpAnswer(response.status_code, excerpt(response.content))
    return replace(outcome, answer=answer)
