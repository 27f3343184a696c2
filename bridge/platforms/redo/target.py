"""Redo's outbound side: what the warehouse found, as comments and statuses.

Redo offers no idempotency for either call (redo.md, section 9), so every write is
preceded by a read: a status that stands already is not set again, and a comment
carries its event's id and is looked for before it is posted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import httpx
from pydantic import SecretStr, ValidationError

from bridge.canonical.envelope import Event
from bridge.canonical.event_data import EventData
from bridge.canonical.reference import subject_of
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
)
from bridge.platforms.findings import render
from bridge.platforms.probing import until_write
from bridge.platforms.redo.answers import comments_in, judge, status_in
from bridge.platforms.redo.rules import Rule
from bridge.platforms.redo.translate import PLATFORM

UNEXPECTED = frozenset({"rejected", "deleted"})
"""Statuses that somebody chose at Redo and that we do not overwrite."""


class RedoTarget:
    """One store on Redo as a destination of events."""

    def __init__(
        self,
        name: str,
        *,
        account: str,
        base_url: str,
        token: SecretStr,
        rules: Sequence[Rule],
    ) -> None:
        self.name = name
        self._prefix = subject_of(PLATFORM, account, "")
        self._base_url = base_url
        self._token = token
        self._rules = tuple(rules)

    def deliver(self, event: Event, context: Context) -> Conversation:
        """Act on the rules of the event's type, in their order."""
        if not event.subject.startswith(self._prefix):
            return Skipped("other_account")
        rules = [rule for rule in self._rules if rule.on == event.type]
        if not rules:
            return Skipped("no_rule")
        try:
            data = event.read()
        except (UnreadableError, ValidationError):
            return Refused("unreadable_event")
        return (yield from self._act(rules, event, data, context.now))

    def probe(self, event: Event, context: Context) -> Conversation:
        """Read what a delivery would read: comments and status tell what is done."""
        return until_write(self.deliver(event, context))

    def _act(
        self, rules: list[Rule], event: Event, data: EventData, now: datetime
    ) -> Conversation:
        resource = self._resource(event, now)
        holding = (rule for rule in rules if rule.holds(data.return_))
        done: list[Delivered | AlreadyApplied] = []
        for rule in holding:
            for action in _actions(rule, event, data, resource):
                outcome = yield from action
                if not isinstance(outcome, Delivered | AlreadyApplied):
                    return outcome
                done.append(outcome)
        return _sum(done) if done else Skipped("condition_not_met")

    def _resource(self, event: Event, now: datetime) -> "Resource":
        native_id = quote(event.subject.removeprefix(self._prefix), safe="")
        return Resource(
            url=f"{self._base_url}/returns/{native_id}",
            token=self._token,
            idempotency_key=event.id,
            now=now,
        )


def _actions(
    rule: Rule, event: Event, data: EventData, resource: "Resource"
) -> list[Conversation]:
    """Comment first: it is told even where the status may not be set."""
    actions = []
    if rule.comment is not None:
        text = render(rule.comment, event.type, data)
        actions.append(add_comment(resource, text, f"[bridge {event.id}]"))
    if rule.status is not None:
        actions.append(set_status(resource, rule.status))
    return actions


def _sum(done: list[Delivered | AlreadyApplied]) -> Outcome:
    evidence = ", ".join(part.evidence for part in done)
    if all(isinstance(part, AlreadyApplied) for part in done):
        return AlreadyApplied(evidence)
    return Delivered(evidence)


@dataclass(frozen=True, slots=True)
class Resource:
    """One return at Redo: makes requests about it and judges their answers."""

    url: str
    token: SecretStr
    idempotency_key: str
    now: datetime

    def get(self, path: str) -> httpx.Request:
        return httpx.Request("GET", f"{self.url}/{path}", headers=self._headers())

    def write(self, method: str, path: str, body: object) -> httpx.Request:
        headers = self._headers() | {"Idempotency-Key": self.idempotency_key}
        return httpx.Request(method, f"{self.url}/{path}", headers=headers, json=body)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Authorization": f"Bearer {self.token.get_secret_value()}",
        }


def set_status(resource: Resource, wanted: str) -> Conversation:
    """Read the status; set it unless it stands already or was decided otherwise."""
    question = resource.get("status")
    answer = yield question
    outcome = judge(question, answer, resource.now) or _before(answer, wanted)
    if outcome is not None:
        return outcome
    request = resource.write("PUT", "status", {"status": wanted})
    response = yield request
    return judge(request, response, resource.now) or Delivered(f"status is {wanted}")


def _before(answer: httpx.Response, wanted: str) -> Outcome | None:
    """Return why no status is to be set; None if it is."""
    match status_in(answer):
        case None:
            return Failed("unreadable_answer")
        case current if current == wanted:
            return AlreadyApplied(f"status is {wanted}")
        case current if current in UNEXPECTED:
            return Refused("unexpected_status", f"status is {current}")
        case _:
            return None


def add_comment(resource: Resource, text: str, mark: str) -> Conversation:
    """Look for `mark` in the comments; post `text` with it unless it is there."""
    question = resource.get("comments")
    answer = yield question
    outcome = judge(question, answer, resource.now) or _found(answer, mark)
    if outcome is not None:
        return outcome
    body = {"comment": {"message": f"{text} {mark}"}}
    request = resource.write("POST", "comments", body)
    response = yield request
    return judge(request, response, resource.now) or Delivered("comment is there")


def _found(answer: httpx.Response, mark: str) -> Outcome | None:
    comments = comments_in(answer)
    if comments is None:
        return Failed("unreadable_answer")
    if any(mark in comment for comment in comments):
        return AlreadyApplied("comment is there")
    return None
