"""ReturnGO's webhooks: one registration for each event name (returngo.md, section 8).

ReturnGO keeps no registration off and prevents no double one: what is missing is
created, what is there stays, registrations of others are left alone. The token that
ends the address is a secret: what is told of an address never shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import orjson
from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge.platforms.access import shown_address
from bridge.platforms.care import Change, Done, Mending, Registration, Survey
from bridge.platforms.contract import Failed, Refused
from bridge.platforms.reading import Id, Payload
from bridge.platforms.returngo.api import Api, judge
from bridge.platforms.returngo.translate import PLATFORM

#: All that ReturnGO sends (section 5).
EVENTS = (
    "RMA_CREATED",
    "RMA_STATUS_UPDATED",
    "SHIPMENT_CREATED",
    "SHIPMENT_STATUS_UPDATED",
    "SHIPMENT_TRACKER_STATUS_UPDATED",
    "TRANSACTION_CREATED",
    "REFUND_CREATED",
)


class _Webhook(Payload):
    id: Id
    url: str
    event_name: str


_WEBHOOKS = TypeAdapter(tuple[_Webhook, ...])


@dataclass(slots=True)
class ReturnGoCare:
    """One shop's webhooks; the first of `tokens` ends the address they are sent to."""

    account: str
    api: Api
    tokens: tuple[SecretStr, ...]
    platform: str = PLATFORM

    def survey(self, now: datetime) -> Survey:
        """List all registrations of the shop."""
        response = yield self.api.get("/webhooks")
        failure = judge(response, now)
        if failure is not None:
            return failure
        try:
            found = _WEBHOOKS.validate_python(orjson.loads(response.content))
        except (ValueError, ValidationError):
            return Failed("unreadable_answer")
        return tuple(
            Registration(each.id, each.event_name, shown_address(each.url, self.tokens))
            for each in found
        )

    def changes(self, present: Sequence[Registration], url: str) -> tuple[Change, ...]:
        """Return a create for every event that does not come to `url` yet."""
        here = {each.events for each in present if each.url == url}
        return tuple(
            Change("create", event, url) for event in EVENTS if event not in here
        )

    def mend(self, change: Change, now: datetime) -> Mending:
        """Register one event; its body's form is a guess of the sheet."""
        if change.kind != "create":
            return Refused("unknown_change")
        token = self.tokens[0].get_secret_value()
        body = {"url": f"{change.url}/{token}", "eventName": change.events}
        response: httpx.Response = yield self.api.write("POST", "/webhook", body)
        return judge(response, now) or Done()

    def replay(self, *_: object) -> Mending | None:
        """Return None: ReturnGO sends nothing twice."""
