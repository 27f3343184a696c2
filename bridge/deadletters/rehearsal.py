"""Rehearsing a delivery: what a target would be sent, without changing anything there.

The target's own conversation is driven. What only reads is really asked, if that is
wanted; what writes is noted and taken as accepted. Pure: whoever asks is elsewhere.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from bridge.deadletters.patching import Patch, PatchError, make_patch
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Outcome,
    Refused,
    Skipped,
    Unauthorized,
)

#: Methods without an effect, so that they may be asked in a rehearsal.
_SAFE = frozenset({"GET", "HEAD"})

#: Yields requests that only read, is sent their answers.
Asking = Generator[httpx.Request, httpx.Response, "Rehearsal"]
Answers = Mapping[tuple[str, str], httpx.Response]


@dataclass(frozen=True, slots=True)
class Planned:
    """One call that a delivery would make; `body` is None for calls that only read."""

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The calls in their order, and what they would come to.

    After the first call that writes, everything rests on the target taking it.
    """

    calls: tuple[Planned, ...]
    outcome: Outcome | None

    @property
    def writes(self) -> tuple[Planned, ...]:
        """The calls that would change something at the target."""
        return tuple(call for call in self.calls if call.method not in _SAFE)

    @property
    def verdict(self) -> str:  # noqa: PLR0911 - one line for each outcome
        """Say in a few words what would happen."""
        match self.outcome:
            case None:
                return "would be sent, as far as can be told without asking the target"
            case _ if self.writes:
                return "would be sent"
            case AlreadyApplied(evidence):
                return f"already applied: {evidence}"
            case Delivered():
                return "already there: no call would change anything"
            case Skipped(reason):
                return f"would be skipped: {reason}"
            case Refused(reason, detail):
                return f"would be refused: {': '.join(filter(None, (reason, detail)))}"
            case Unauthorized(reason):
                return f"the target refuses our credential: {reason}"
            case _:
                return f"cannot be told: {_reason(self.outcome)}"


def _reason(outcome: Outcome) -> str:
    return str(getattr(outcome, "reason", "") or "the target asked for time")


def rehearse(conversation: Conversation) -> Asking:
    """Drive `conversation`; yield what only reads, note the rest as taken."""
    calls: list[Planned] = []
    try:
        request = next(conversation)
        while True:
            calls.append(_planned(request))
            if request.method in _SAFE:
                answer = yield request
            else:
                answer = httpx.Response(200, json={}, request=request)
            request = conversation.send(answer)
    except StopIteration as end:
        outcome: Outcome = end.value
        return Rehearsal(tuple(calls), outcome)
    finally:
        conversation.close()


def recall(conversation: Conversation, answers: Answers) -> Rehearsal:
    """Rehearse with `answers` that were had before, by method and path.

    It ends at the first question without one; its outcome is then unknown.
    """
    rehearsal = rehearse(conversation)
    asked: list[Planned] = []
    try:
        request = next(rehearsal)
        while (answer := answers.get((request.method, _path(request)))) is not None:
            asked.append(_planned(request))
            request = rehearsal.send(answer)
    except StopIteration as end:
        known: Rehearsal = end.value
        return known
    rehearsal.close()
    return Rehearsal((*asked, _planned(request)), None)


def _planned(request: httpx.Request) -> Planned:
    body = None if request.method in _SAFE else request.content
    return Planned(request.method, _path(request), body)


def _path(request: httpx.Request) -> str:
    return request.url.raw_path.decode("ascii")


@dataclass(frozen=True, slots=True)
class Change:
    """One call beside the one that was sent before in its place."""

    call: Planned
    difference: str
    patch: Patch = ()


def compare(before: Rehearsal, now: Rehearsal) -> list[Change]:
    """Set the calls of an edited event beside those of the original.

    `patch` turns the old body into the new one, where both are JSON.
    """
    old = {(call.method, call.path): call for call in before.calls}
    return [_compare(call, old.get((call.method, call.path))) for call in now.calls]


def _compare(call: Planned, old: Planned | None) -> Change:
    if old is None:
        return Change(call, "was not sent before")
    if call.body is None or old.body is None or call.body == old.body:
        return Change(call, "as before")
    try:
        patch = make_patch(old.body, call.body)
    except PatchError:
        return Change(call, f"another body of {len(call.body):,} bytes")
    return Change(call, _counted(patch), patch)


def _counted(patch: list[dict[str, JsonValue]]) -> str:
    count = len(patch)
    return f"{count} difference{'' if count == 1 else 's'} in the body"
