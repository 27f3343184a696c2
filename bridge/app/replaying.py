"""Dead events for operators: which there are, and what a replay would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx

from bridge.app.stages import make_target
from bridge.canonical.envelope import Event
from bridge.clock import Clock, SystemClock
from bridge.deadletters.instructions import Action, Instruction, Operation, new_id
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.patching import apply_patch
from bridge.deadletters.rehearsal import (
    Change,
    Rehearsal,
    compare,
    recall,
    rehearse,
)
from bridge.deadletters.replay import DeadEvent, Filters, choose, places, refusal
from bridge.delivery.budget import REPLAY, Budget, duration
from bridge.delivery.calls import Caller, Calls
from bridge.delivery.conversation import CallFailed
from bridge.delivery.turns import Turns
from bridge.errors import ConfigError
from bridge.inspection.dead import dead_events, last_letters
from bridge.platforms.contract import Context, Conversation, Failed, Target
from bridge.settings import Settings

_CLOCK: Clock = SystemClock()


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator wants done with dead events, who, and why."""

    action: Action
    author: str
    reason: str = ""
    patch: Sequence[Operation] = ()
    force: bool = False

    def about(self, dead: DeadEvent) -> Instruction:
        """Return the instruction about one event."""
        return Instruction(
            id=new_id(),
            action=self.action,
            target=dead.target,
            subject=dead.subject,
            event_id=dead.event_id,
            sequence=dead.sequence,
            died_at=dead.death.at,
            patch=list(self.patch) or None,
            author=self.author,
            reason=self.reason,
            force=self.force,
            issued_at=_CLOCK.now(),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What one event would come to.

    It is number `place` of `of` chosen ones of its lane. `refused` says why the engine
    would refuse; else `changes` are the calls, and `verdict` what they come to.
    """

    dead: DeadEvent
    place: int
    of: int
    refused: str | None
    changes: Sequence[Change] = ()
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The plan of all, and how long its calls take by the accounts' budgets.

    A target is missing in `takes` where its account has no budget.
    """

    plans: Sequence[Plan]
    takes: Mapping[str, timedelta]


async def find(settings: Settings, filters: Filters) -> list[DeadEvent]:
    """Return the dead events that are meant, in the order they would be let go.

    Raises ConfigError for an unknown target.
    """
    targets = tuple(settings.targets)
    if filters.target is not None:
        known_target(settings, filters.target)
        targets = (filters.target,)
    found = await dead_events(settings.kafka, settings.topic_names, targets)
    return choose(found, filters)


async def letters_of(
    settings: Settings, dead: Sequence[DeadEvent]
) -> Mapping[tuple[str, str], DeadLetter]:
    """Return the last dead letter of each event, by target and event id."""
    return await last_letters(settings.kafka, settings.topic_names, dead)


def known_target(settings: Settings, name: str) -> str:
    """Return `name` if it is a configured target; raise ConfigError otherwise."""
    if name not in settings.targets:
        names = ", ".join(settings.targets) or "none is configured"
        raise ConfigError(f"there is no target {name}; targets: {names}")
    return name


async def forecast(
    settings: Settings,
    chosen: Sequence[DeadEvent],
    decision: Decision,
    *,
    ask: bool = True,
) -> Forecast:
    """Say what `decision` would do, changing nothing.

    With `ask` the targets are really asked, by GET alone and within the budget of one
    partition, what they have already. Raises PatchError for a patch that does not fit.
    """
    asking = {
        name: _Asking(settings, name, ask=ask)
        for name in {each.target for each in chosen}
    }
    plans = []
    try:
        for dead, (place, of) in zip(chosen, places(chosen), strict=True):
            refused = refusal(dead, decision.action, force=decision.force)
            plan = Plan(dead, place, of, refused)
            if refused is None and decision.action != "discard":
                plan = await asking[dead.target].plan(plan, decision)
            plans.append(plan)
    finally:
        for each in asking.values():
            await each.close()
    return Forecast(plans, _takes(settings, plans))


def _takes(settings: Settings, plans: Sequence[Plan]) -> Mapping[str, timedelta]:
    calls: dict[str, int] = {}
    for plan in plans:
        target = plan.dead.target
        calls[target] = calls.get(target, 0) + len(plan.changes)
    found = {}
    for target, count in calls.items():
        limits = settings.accounts[settings.targets[target].options.account].budget
        if limits:
            found[target] = duration(Budget(limits), count, 0.0, REPLAY)
    return found


class _Asking:
    """Rehearses deliveries to one target."""

    def __init__(self, settings: Settings, name: str, *, ask: bool) -> None:
        served = settings.targets[name]
        account = settings.accounts[served.options.account]
        self._target: Target = make_target(settings, name)
        self._ask = ask
        budget = Budget(account.budget)
        budget.own(name, 1, settings.topics.partitions)
        self._turns = Turns(budget, _CLOCK)
        self._caller = Caller(served.delivery, served.ownership.call_deadline)

    async def close(self) -> None:
        await self._caller.close()

    async def plan(self, plan: Plan, decision: Decision) -> Plan:
        event = plan.dead.event
        assert event is not None  # noqa: S101 - else it would be refused
        body = apply_patch(event, decision.patch) if decision.patch else event.body
        answers: dict[tuple[str, str], httpx.Response] = {}
        conversation = self._conversation(replace(event, body=body), plan.dead)
        now = await self._rehearse(conversation, answers)
        before = recall(self._conversation(event, plan.dead), answers)
        return replace(plan, changes=compare(before, now), verdict=now.verdict)

    def _conversation(self, event: Event, dead: DeadEvent) -> Conversation:
        context = Context(
            attempt=dead.trouble.tried + 1, now=_CLOCK.now(), answer_lost=True
        )
        return self._target.deliver(event, context)

    async def _rehearse(
        self,
        conversation: Conversation,
        answers: dict[tuple[str, str], httpx.Response],
    ) -> Rehearsal:
        """Ask what only reads, and keep the answers."""
        if not self._ask:
            return recall(conversation, {})
        rehearsal = rehearse(conversation)
        try:
            request = next(rehearsal)
            while True:
                answer = await self._send(request)
                answers[request.method, request.url.raw_path.decode()] = answer
                request = rehearsal.send(answer)
        except StopIteration as end:
            done: Rehearsal = end.value
            return done
        except CallFailed as failed:
            return Rehearsal((), Failed(failed.reason))
        finally:
            rehearsal.close()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        await self._turns.take(REPLAY)
        return await self._caller.send(request, Calls())
