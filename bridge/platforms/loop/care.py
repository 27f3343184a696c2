"""The care of a Loop shop's webhooks (loop.md, section 5).

One registration for each pair of topic and trigger. The status is always sent: Loop's
documented defaults contradict each other. Nothing here is idempotent at Loop, so the
list is read before anything is made. The answer holds no secret: a person has to copy
it from Loop's admin.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import httpx

from bridge.platforms.care import Change, Done, Mending, Registration, Survey
from bridge.platforms.contract import Failed, Refused
from bridge.platforms.loop.api import Api, content_of, error_in, failure
from bridge.platforms.loop.translate import PLATFORM

#: Exactly these pairs: others can be made, but may send empty bodies.
PAIRS = (
    ("return", "return.created"),
    ("return", "return.updated"),
    ("return", "return.closed"),
    ("return.processing", "return.processing.failed"),
    ("label", "label.created"),
    ("label", "label.updated"),
    ("label.request", "label.request.issued"),
    ("label.request", "label.request.cancelled"),
    ("restock", "restock.requested"),
    ("giftcard", "giftcard.requested"),
    ("happy.returns.shipment", "shipment.processed"),
)
SECRET = "copy its secret from Loop's Developer tools into webhook_secrets"  # noqa: S105 - a hint for people


class LoopCare:
    """One shop's webhooks."""

    platform = PLATFORM

    def __init__(self, account: str, api: Api) -> None:
        self.account = account
        self._api = api

    def survey(self, now: datetime) -> Survey:
        """List the shop's webhooks, also those made in the admin."""
        response = yield self._api.request("GET", "/webhooks")
        outcome = failure(response, now)
        if outcome is not None:
            return outcome
        content = content_of(response)
        error = error_in(content)
        if error is not None:
            return Failed(error)
        rows = content.get("webhooks") if isinstance(content, dict) else None
        if not isinstance(rows, list):
            return Failed("unreadable_answer")
        return tuple(_registrations(rows))

    def changes(self, present: Sequence[Registration], url: str) -> tuple[Change, ...]:
        """Make pairs that are missing, move ours that lead elsewhere, switch on."""
        return tuple(
            change
            for topic, trigger in PAIRS
            if (change := self._change(f"{topic} {trigger}", present, url)) is not None
        )

    def _change(
        self, pair: str, present: Sequence[Registration], url: str
    ) -> Change | None:
        same = [each for each in present if each.events == pair]
        there = [each for each in same if each.url == url]
        if any(each.active for each in there):
            return None
        if there:
            return Change("activate", pair, url, there[0].id)
        ours = [each for each in same if self._is_ours(each.url)]
        if ours:
            return Change("update", pair, url, ours[0].id)
        return Change("create", pair, url)

    def _is_ours(self, url: str) -> bool:
        """Tell whether an address is a door of ours for this account."""
        path, _, _ = url.partition("?")
        return path.rstrip("/").endswith(f"/hooks/{self.account}")

    def mend(self, change: Change, now: datetime) -> Mending:
        """Make or replace one registration, switched on."""
        topic, _, trigger = change.events.partition(" ")
        body = {
            "topic": topic,
            "trigger": trigger,
            "url": change.url,
            "status": "active",
        }
        method = "POST" if change.id is None else "PUT"
        path = "/webhooks" if change.id is None else f"/webhooks/{change.id}"
        response: httpx.Response = yield self._api.request(method, path, body=body)
        outcome = failure(response, now)
        if outcome is not None:
            return outcome
        error = error_in(content_of(response))
        if error is not None:
            return Refused(error)
        return Done(SECRET if change.id is None else "")

    def replay(
        self,
        present: Sequence[Registration],  # noqa: ARG002  port
        url: str,  # noqa: ARG002  port
        since: datetime,  # noqa: ARG002  port
        now: datetime,  # noqa: ARG002  port
    ) -> Mending | None:
        """Return None: Loop sends nothing twice."""
        return None


def _registrations(rows: list[object]) -> Iterator[Registration]:
    for row in rows:
        if isinstance(row, dict):
            yield Registration(
                id=str(row.get("id", "")),
                events=f"{row.get('topic')} {row.get('trigger')}",
                url=str(row.get("url", "")),
                active=row.get("status") == "active",
            )
