"""Redo's outbound side: what the warehouse found, as comments and statuses.

Redo offers no idempotency for either call (redo.md, section 9), so every write is
preceded by a read: a status that stands already is not set again, and a comment
carries its event's id and is looked for before it is posted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
)
from bridge.platforms.redo.answers import comments_in, judge, status_in
from bridge.platforms.redo.rules import Rule
from bridge.platforms.redo.translate import PLATFORM
from bridge.platforms.ruled import Occasion, RuledTarget

UNEXPECTED = frozenset({"rejected", "deleted"})
"""Statuses that somebody chose at Redo and that we do not overwrite."""


class RedoTarget(RuledTarget[Rule]):
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
        def desk(occasion: Occasion) -> Resource:
            native_id = quote(occasion.id, safe="")
            return Resource(f"{base_url}/returns/{native_id}", token, occasion)

        super().__init__(name, account=(PLATFORM, account), rules=rules, desk=desk)


@dataclass(frozen=True, slots=True)
class Resource:
    """One return at Redo: makes requests about it and judges their answers."""

    url: str
    token: SecretStr
    occasion: Occasion

    def steps(self, rule: Rule) -> Iterator[Conversation]:
        """Comment first: it is told even where the status may not be set."""
        if rule.comment is not None:
            yield add_comment(self, self.occasion.words(rule.comment))
        if rule.status is not None:
            yield set_status(self, rule.status)

    @property
    def now(self) -> datetime:
        return self.occasion.now

    def get(self, path: str) -> httpx.Request:
        return httpx.Request("GET", f"{self.url}/{path}", headers=self._headers())

    def write(self, method: str, path: str, body: object) -> httpx.Request:
        headers = self._headers() | {"Idempotency-Key": self.occasion.key}
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


def add_comment(resource: Resource, text: str) -> Conversation:
    """Look for the event's mark in the comments; post `text` unless it is there."""
    mark = resource.occasion.mark
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
