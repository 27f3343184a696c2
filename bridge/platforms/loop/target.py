"""Loop's outbound side: what the warehouse found, as notes and actions.

Loop offers no idempotency: every write is preceded by a read. A note carries its
event's id and is looked for first; of an action Loop's details tell whether it has
been done. An action that Loop refuses with status 200 while the return still takes
it is most likely queued already: it is looked at again later, and never taken for
done before the return shows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import httpx

from bridge.canonical.events import LabelRequested
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
)
from bridge.platforms.loop.api import Api, content_of, error_in, failure
from bridge.platforms.loop.rules import Action, Rule
from bridge.platforms.loop.standing import standing_in
from bridge.platforms.loop.translate import PLATFORM
from bridge.platforms.meaning import after_write
from bridge.platforms.ruled import Occasion, RuledTarget

LONGEST_NOTE = 254
"""Under 255 characters (loop.md, section 6)."""

_FLAGGED = "unprocessable_flagged_return"
_WITH_200 = "refused with status 200"
_LABEL_REQUEST = "label_request/"
_NO_NOTES = 422


class LoopTarget(RuledTarget[Rule]):
    """One shop on Loop as a destination of events."""

    def __init__(
        self, name: str, *, account: str, api: Api, rules: Sequence[Rule]
    ) -> None:
        def desk(occasion: Occasion) -> Resource:
            return Resource(api, occasion)

        super().__init__(name, account=(PLATFORM, account), rules=rules, desk=desk)


def _fitting(text: str, mark: str) -> str:
    """Return text and mark within what Loop takes; the mark is never cut."""
    room = LONGEST_NOTE - len(mark) - 1
    short = text if len(text) <= room else f"{text[: room - 1]}…"
    return f"{short} {mark}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One return at Loop: makes requests about it and judges their answers."""

    api: Api
    occasion: Occasion

    def steps(self, rule: Rule) -> Iterator[Conversation]:
        """Note first: a flag without its reason helps nobody (loop.md, section 7)."""
        data = self.occasion.data
        if rule.note is not None:
            yield add_note(self, self.occasion.words(rule.note))
        if rule.action is not None:
            yield act(self, rule.action)
        if rule.label_error is not None and isinstance(data, LabelRequested):
            id_ = data.correlation_id.removeprefix(_LABEL_REQUEST)
            yield give_label_up(self, id_, rule.label_error)

    @property
    def now(self) -> datetime:
        return self.occasion.now

    def details(self) -> httpx.Request:
        path = "/warehouse/return/details"
        return self.api.request("GET", path, query={"return_id": self.occasion.id})

    def notes(self) -> httpx.Request:
        return self.api.request("GET", f"{self._path}/notes")

    def write(self, call: str, body: object) -> httpx.Request:
        return self.post(f"{self._path}/{call}", body)

    def post(self, path: str, body: object) -> httpx.Request:
        request = self.api.request("POST", path, body=body)
        request.headers["Idempotency-Key"] = self.occasion.key
        return request

    @property
    def _path(self) -> str:
        return f"/warehouse/return/{quote(self.occasion.id, safe='')}"

    def refusal(self, answer: httpx.Response) -> Outcome | None:
        """Return what went wrong with a write; None only for 200 and a bare `true`."""
        outcome = after_write(failure(answer, self.now))
        if outcome is not None:
            return outcome
        content = content_of(answer)
        if content is True:
            return None
        return Refused(error_in(content) or "not_accepted", _WITH_200)


def add_note(resource: Resource, text: str) -> Conversation:
    """Look for the event's mark in the notes; post `text` unless it is there."""
    mark = resource.occasion.mark
    answer = yield resource.notes()
    outcome = _noted(resource, answer, mark)
    if outcome is not None:
        return outcome
    response = yield resource.write("note", {"content": _fitting(text, mark)})
    return resource.refusal(response) or Delivered("note is there")


def _noted(resource: Resource, answer: httpx.Response, mark: str) -> Outcome | None:
    """Return why no note is to be posted; None if it is. 422 means: no notes yet."""
    if answer.status_code == _NO_NOTES:
        return None
    content = content_of(answer)
    notes = content.get("notes") if isinstance(content, dict) else None
    outcome: Outcome | None = failure(answer, resource.now)
    if outcome is None and not isinstance(notes, list):
        outcome = _unread(content)
    if outcome is None and any(mark in text for text in _texts(notes)):
        outcome = AlreadyApplied("note is there")
    return outcome


def _texts(notes: object) -> Iterator[str]:
    for note in notes if isinstance(notes, list) else ():
        text = note.get("content") if isinstance(note, dict) else None
        if isinstance(text, str):
            yield text


def act(resource: Resource, action: Action) -> Conversation:
    """Read how the return stands; act unless that is done or decided otherwise."""
    answer = yield resource.details()
    outcome = failure(answer, resource.now) or _before(content_of(answer), action)
    if outcome is not None:
        return outcome
    response = yield resource.write(action, {"bridge_event_id": resource.occasion.key})
    refusal = resource.refusal(response)
    if action == "process" and _may_be_queued(refusal, response):
        return Failed("refused_or_queued_already")
    return refusal or Delivered(f"{action} was accepted")


def _may_be_queued(refusal: Outcome | None, response: httpx.Response) -> bool:
    """Tell a refusal that a queued processing would make from all others."""
    refused = isinstance(refusal, Refused) and response.is_success
    return refused and refusal != Refused(_FLAGGED, _WITH_200)


def _before(content: object, action: Action) -> Outcome | None:
    standing = standing_in(content)
    return _unread(content) if standing is None else standing.before(action)


def _unread(content: object) -> Outcome:
    """Return what an answer without what was asked for comes to.

    An error with status 200 says that there is no such return.
    """
    error = error_in(content)
    return Failed("unreadable_answer") if error is None else Refused(error)


def give_label_up(resource: Resource, id_: str, reason: str) -> Conversation:
    """Tell that no label can be made; saying it twice does no harm."""
    body = {"reason": reason, "message": "no label can be made for this request"}
    path = f"/label-requests/{quote(id_, safe='')}/errors"
    response = yield resource.post(path, body)
    outcome: Outcome | None = failure(response, resource.now)
    error = error_in(content_of(response))
    if outcome is None and error is not None:
        return Refused(error, _WITH_200)
    return outcome or Delivered("label request is answered")
