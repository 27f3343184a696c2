"""How dead events, plans and results read: rows for programs, lines for people."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydantic_core import from_json

from bridge.app.replaying import Forecast, Plan
from bridge.cli.output import Row, ago, span
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.rehearsal import Change
from bridge.deadletters.replay import DeadEvent
from bridge.inspection.following import Result
from bridge.inspection.inbound import InboundLetter
from bridge.inspection.trace import tries_said
from bridge.streams.receipts import DEAD

_SAID: Mapping[str, str] = {DEAD: "died again"}
#: Differences of a body that are shown; the rest is counted.
_SHOWN = 12


def dead_row(dead: DeadEvent) -> Row:
    """Return one dead event for programs, without its body."""
    return {
        "target": dead.target,
        "subject": dead.subject,
        "sequence": dead.sequence,
        "type": dead.type,
        "event_id": dead.event_id,
        "died_at": dead.death.at,
        "cause": dead.death.cause,
        "reason": dead.death.reason,
        "detail": dead.death.detail,
        "http_status": dead.trouble.http_status,
        "tried": dead.trouble.tried,
        "first_failed_at": dead.trouble.first_failed_at,
        "last_tried_at": dead.trouble.last_tried_at,
        "replays": dead.trouble.replays,
        "edited": dead.edited is not None,
        "ahead": list(dead.ahead),
        "behind": dead.behind,
    }


def short_row(dead: DeadEvent, now: datetime) -> Row:
    """Return one dead event for a table of 100 columns."""
    return {
        "subject": dead.subject,
        "event": f"{dead.sequence} {dead.type}",
        "died": ago(dead.death.at, now),
        "of": f"{dead.death.reason} ({dead.death.cause})",
        "tried": dead.trouble.tried,
        "behind": dead.behind,
    }


def inbound_row(found: InboundLetter) -> Row:
    """Return one unreadable observation for programs, without its body."""
    letter = found.letter
    return {
        "subject": found.subject,
        "account": found.account,
        "observation": found.observation,
        "died_at": letter.died_at,
        "reason": letter.reason,
        "path": letter.path,
        "detail": letter.detail,
        "bytes": len(letter.value or b""),
        "place": f"{found.partition}/{found.offset}",
    }


def inbound_short(found: InboundLetter, now: datetime) -> Row:
    """Return one unreadable observation for a table of 100 columns."""
    letter = found.letter
    return {
        "subject": found.subject,
        "came in": ago(letter.died_at, now),
        "unreadable": f"{letter.reason} at {letter.path}",
        "bytes": len(letter.value or b""),
        "place": f"{found.partition}/{found.offset}",
    }


def shown(dead: DeadEvent, letter: DeadLetter | None, now: datetime) -> Iterator[str]:
    """Tell everything about one dead event, without its body.

    `letter` is its last dead letter, if it is kept still: it has the target's answer.
    """
    death, trouble = dead.death, dead.trouble
    yield f"{dead.subject}, event {dead.sequence} {dead.type}, at {dead.target}"
    yield _line("event id", dead.event_id)
    yield _line("died", f"{_time(death.at)}, {ago(death.at, now)}")
    yield _line("cause", f"{death.cause}: {death.reason}")
    if death.detail:
        yield _line("detail", death.detail)
    yield from _answer(dead, letter)
    if trouble.tried:
        yield _line("attempts", tries_said(trouble))
    if trouble.first_failed_at is not None:
        yield _line("failing since", _time(trouble.first_failed_at))
    yield from _decided(dead)
    yield from _lane(dead)


def _answer(dead: DeadEvent, letter: DeadLetter | None) -> Iterator[str]:
    """Tell the answer that decided it, masked as the dead letter has it."""
    told = None if letter is None else letter.answer
    if told is not None:
        yield _line("answer", f"HTTP {told.status} {told.excerpt}".rstrip())
    elif dead.trouble.http_status is not None:
        yield _line("answer", f"HTTP {dead.trouble.http_status}")


def _decided(dead: DeadEvent) -> Iterator[str]:
    """Tell what operators have done about it so far."""
    trouble = dead.trouble
    if trouble.replays:
        again = f"{trouble.replays} times, and died of {trouble.replay_cause} again"
        yield _line("replayed", again)
    if dead.edited is not None:
        edited = dead.edited
        what = f"{_time(edited.at)} by {edited.author}: {edited.reason}"
        yield _line("edited", what)
        yield _line("", edited.patch)


def _lane(dead: DeadEvent) -> Iterator[str]:
    if dead.ahead:
        numbers = ", ".join(map(str, dead.ahead))
        yield _line("ahead of it", f"event {numbers}: decide about that first")
    waiting = f"{dead.behind} events wait parked; later ones may wait in the log"
    yield _line("behind it", waiting if dead.behind else "nothing is parked")


def plan_row(plan: Plan) -> Row:
    """Return one event's plan for programs."""
    return {
        **dead_row(plan.dead),
        "place": plan.place,
        "of": plan.of,
        "refused": plan.refused,
        "verdict": plan.verdict,
        "calls": [
            {
                "method": change.call.method,
                "path": change.call.path,
                "bytes": None if change.call.body is None else len(change.call.body),
                "difference": change.difference,
                "patch": list(change.patch),
            }
            for change in plan.changes
        ],
    }


def planned(forecast: Forecast, action: str, now: datetime) -> Iterator[str]:
    """Tell what would happen, event by event, and how long it takes."""
    for plan in forecast.plans:
        yield from _planned(plan, action, now)
    refused = sum(plan.refused is not None for plan in forecast.plans)
    count = len(forecast.plans) - refused
    yield f"{_events(count)} to {action}, {refused} would be refused."
    calls = sum(len(plan.changes) for plan in forecast.plans)
    for target, took in sorted(forecast.takes.items()):
        yield (
            f"At the budget of {target}'s account {calls} calls take "
            f"{span(took)}, up to four times as long beside live traffic."
        )
    if calls and not forecast.takes:
        yield "No budget is set for the account: only the target limits the speed."


def _planned(plan: Plan, action: str, now: datetime) -> Iterator[str]:
    dead = plan.dead
    place = f" ({plan.place} of {plan.of} of its lane)" if plan.of > 1 else ""
    yield f"{dead.subject}, event {dead.sequence} {dead.type}, at {dead.target}{place}"
    yield (
        f"  died {ago(dead.death.at, now)} of {dead.death.reason} "
        f"({dead.death.cause}); {tries_said(dead.trouble)}; "
        f"{dead.behind} parked behind it"
    )
    if plan.refused is not None:
        yield f"  REFUSED {plan.refused}"
        return
    for change in plan.changes:
        yield from _call(change)
    verdict = "given up for good; what waits behind it goes on"
    yield f"  -> {verdict if action == 'discard' else plan.verdict}"


def _call(change: Change) -> Iterator[str]:
    call = change.call
    size = "" if call.body is None else f"  {len(call.body):,} bytes"
    said = "" if call.body is None else f", {change.difference}"
    yield f"  {call.method} {call.path}{size}{said}"
    for operation in change.patch[:_SHOWN]:
        value = json.dumps(operation["value"]) if "value" in operation else ""
        yield f"      {operation['op']} {operation['path']} {value}".rstrip()
    if len(change.patch) > _SHOWN:
        yield f"      … and {len(change.patch) - _SHOWN} more"


def difference(before: bytes, after: bytes) -> Iterator[str]:
    """Yield the lines of a unified diff of two JSON documents."""
    old, new = (pretty(body).splitlines() for body in (before, after))
    yield from difflib.unified_diff(old, new, "as it was", "as it will be", lineterm="")


def pretty(body: bytes) -> str:
    """Return JSON indented, for people; raise ValueError if it is none."""
    return json.dumps(from_json(body), indent=2, ensure_ascii=False) + "\n"


def result_row(result: Result) -> Row:
    """Return what one instruction came to, for programs."""
    instruction = result.instruction
    return {
        "instruction": instruction.id,
        "action": instruction.action,
        "target": instruction.target,
        "subject": instruction.subject,
        "sequence": instruction.sequence,
        "result": result.result,
        "detail": result.detail,
    }


def result_line(result: Result) -> str:
    """Tell what one instruction came to."""
    instruction = result.instruction
    event = f" event {instruction.sequence}" if instruction.sequence else ""
    detail = f": {result.detail}" if result.detail else ""
    word = _SAID.get(result.result, result.result)
    return f"{instruction.subject}{event}: {word}{detail}"


def tally(results: Sequence[Result]) -> str:
    """Count results by their word: `12 delivered, 1 died again`."""
    counts: dict[str, int] = {}
    for each in results:
        word = _SAID.get(each.result, each.result)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


def by_target(dead: Sequence[DeadEvent]) -> Mapping[str, list[DeadEvent]]:
    """Group dead events by target, in their order."""
    groups: dict[str, list[DeadEvent]] = {}
    for each in dead:
        groups.setdefault(each.target, []).append(each)
    return groups


def _events(count: int) -> str:
    return f"{count} event{'' if count == 1 else 's'}"


def _line(name: str, text: str) -> str:
    return f"  {name:<14}{text}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %z}"
