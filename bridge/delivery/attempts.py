"""One attempt: a conversation about one event, from its turn to its outcome.

Before each request the conversation waits for its turn at the credential and for the
owner's permission. What goes wrong becomes an outcome; only the loss of the partition
is raised.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from bridge.deadletters.standing import WaitReason
from bridge.delivery.budget import LIVE, REPLAY, Call
from bridge.delivery.calls import Calls
from bridge.delivery.conversation import SAFE, converse
from bridge.delivery.desk import Desk
from bridge.delivery.lanes import Lane, Letter
from bridge.delivery.last_look import PermissionLapsedError
from bridge.delivery.ownership import Ownership
from bridge.delivery.report import Report, attempt_of, name_of
from bridge.errors import LostOwnership
from bridge.platforms.contract import Context, Failed, Outcome
from bridge.platforms.rate_facts import rate_facts
from bridge.telemetry import events, logger, metrics, tracing

log = logger(__name__)


@dataclass(slots=True)
class Attempts:
    """The conversations of one partition.

    `calls` are those under way, `queue` the ones that wait for their turn and have
    changed nothing yet. Events up to `doubted_until` (ms) may have been called about
    by an owner that was lost.
    """

    desk: Desk
    owner: Ownership
    report: Report
    calls: Calls = field(init=False)
    queue: Calls = field(default_factory=Calls)
    doubted_until: int = 0

    def __post_init__(self) -> None:
        self.calls = Calls(self.owner.may_call)

    async def attempt(self, lane: Lane, letter: Letter) -> Outcome:
        """Converse about `letter`; raise LostOwnership if it has to be left."""
        clock, trouble = self.desk.clock, letter.trouble
        started_at, began = clock.now(), clock.monotonic()
        doubted = trouble.answer_lost or letter.timestamp < self.doubted_until
        context = Context(
            trouble.tried + 1,
            started_at,
            answer_lost=doubted,
            seen_at=letter.seen_at,
        )
        with tracing.span("deliver", letter.event.traceparent) as span:
            line = Line(self, REPLAY if lane.replay else LIVE, span.traceparent)
            try:
                conversation = self.desk.target.deliver(letter.event, context)
                outcome = await converse(conversation, line.send)
                span.set("outcome", name_of(outcome))
            except LostOwnership:
                raise
            except Exception as mistake:  # noqa: BLE001 - one target's own mistake
                log.error(  # noqa: TRY400 - structured, without values
                    events.CONVERSATION_BROKE, event_id=letter.event.id, error=mistake
                )
                outcome = Failed("internal_error", answer_lost=True)
        # The clock on the wall may have been set meanwhile.
        took = timedelta(seconds=clock.monotonic() - began)
        attempt = attempt_of(outcome, started_at, started_at + took)
        self.report.attempted(letter, attempt, outcome)
        return outcome

    def end(self) -> None:
        """Cut everything short: it no longer concerns this process."""
        self.calls.end()
        self.queue.end()


@dataclass(slots=True)
class Line:
    """How one conversation reaches the target.

    `wrote` tells that a request with an effect may have gone out: from then on the
    conversation is not given up for the sake of a quick handover.
    """

    attempts: Attempts
    call: Call
    traceparent: str | None
    wrote: bool = False

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request when it is its turn; raise LostOwnership if that never is."""
        desk, owner = self.attempts.desk, self.attempts.owner
        turns = desk.turns
        if turns is not None:
            at = await self._stand_in_line(turns.take(self.call))
        tracing.inject(self.traceparent, request.headers)
        while True:
            while not owner.may_call():
                await owner.permit()
            if turns is not None:
                at = await self._stand_in_line(turns.late(self.call, at))
            self.wrote = self.wrote or request.method not in SAFE
            try:
                response = await desk.send(request, self.attempts.calls)
                break
            except PermissionLapsedError:
                continue  # it was held up on its way out, and has to ask again
        if turns is not None:
            facts = rate_facts(response, desk.clock.now())
            turns.budget.hear(facts, desk.clock.monotonic())
        return response

    async def _stand_in_line(self, turn: Awaitable[float]) -> float:
        """Wait for a turn at the credential: lanes that do so wait for its budget."""
        desk = self.attempts.desk
        began = desk.clock.monotonic()
        desk.in_line += 1
        try:
            return await self._wait(turn)
        finally:
            desk.in_line -= 1
            waited = metrics.of(
                metrics.WAITED_SECONDS, desk.target.name, WaitReason.BUDGET
            )
            waited.inc(desk.clock.monotonic() - began)

    async def _wait(self, turn: Awaitable[float]) -> float:
        line = self.attempts.calls if self.wrote else self.attempts.queue
        try:
            async with asyncio.timeout(None) as timer:
                with line.running(timer):
                    return await turn
        except TimeoutError as cut:
            raise LostOwnership("the partition is let go") from cut
