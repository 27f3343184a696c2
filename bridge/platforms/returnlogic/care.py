"""ReturnLogic's webhooks: one registration for each action, switched off unheard.

After 100 discarded messages a registration is off, and what happens meanwhile is lost
(returnlogic.md, section 2.1): the watch sets it active again, a poll closes the gap.
Paths are configuration; the token that ends an address never shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import orjson
from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge.platforms.access import shown_address
from bridge.platforms.care import Change, Done, Mending, Registration, Survey
from bridge.platforms.contract import Failed
from bridge.platforms.reading import Id, Payload
from bridge.platforms.returnlogic.api import Api
from bridge.platforms.returnlogic.commands import KINDS
from bridge.platforms.returnlogic.translate import PLATFORM

FACTS = (
    "requested",
    "authorized",
    "canceled",
    "rejected",
    "inTransit",
    "delivered",
    "received",
    "completed",
    "active",
    "approved",
    "processed",
    "archived",
    "deleted",
    "updated",
)

ACTIONS = (*FACTS, *KINDS)


class _Webhook(Payload):
    id: Id
    url: str
    action: str
    active: bool | None = None


_WEBHOOKS = TypeAdapter(tuple[_Webhook, ...])


@dataclass(slots=True)
class ReturnLogicCare:
    """One team's webhooks; the first of `tokens` ends the address they are sent to."""

    account: str
    api: Api
    path: str
    tokens: tuple[SecretStr, ...]
    platform: str = PLATFORM

    def survey(self, now: datetime) -> Survey:
        """List all registrations of the team."""
        answer = yield from self.api.call("GET", self.path, now)
        if not isinstance(answer, httpx.Response):
            return answer
        try:
            found = _WEBHOOKS.validate_python(orjson.loads(answer.content))
        except (ValueError, ValidationError):
            return Failed("unreadable_answer")
        return tuple(
            Registration(
                each.id, each.action, shown_address(each.url, self.tokens), each.active
            )
            for each in found
        )

    def changes(self, present: Sequence[Registration], url: str) -> tuple[Change, ...]:
        """Return what creates a missing action, or activates one that is off."""
        here = {each.events: each for each in present if each.url == url}
        return tuple(
            Change("create", action, url)
            if action not in here
            else Change("activate", action, url, here[action].id)
            for action in ACTIONS
            if action not in here or here[action].active is False
        )

    def mend(self, change: Change, now: datetime) -> Mending:
        """Make one change; the bodies' forms are guesses of the sheet."""
        if change.kind == "create":
            token = self.tokens[0].get_secret_value()
            body = {"url": f"{change.url}/{token}", "action": change.events}
            conversation = self.api.call("POST", self.path, now, body)
        else:
            path = f"{self.path}/{change.id}"
            conversation = self.api.call("PUT", path, now, {"active": True})
        answer = yield from conversation
        if not isinstance(answer, httpx.Response):
            return answer
        return Done()

    def replay(self, *_: object) -> Mending | None:
        """Return None: what was discarded is lost."""
        return None
