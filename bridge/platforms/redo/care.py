"""The care of a Redo store's webhook (redo.md, section 10).

One webhook tells everything; an `externalId` of ours makes its registration an
upsert. Redo tells neither whether a webhook is on nor whether it works: silence
against polling shows that. A replay has a start and no end.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import httpx
import orjson
from pydantic import SecretStr

from bridge.platforms.care import (
    Change,
    Done,
    Failure,
    Mending,
    Registration,
    Survey,
)
from bridge.platforms.contract import Failed, Refused
from bridge.platforms.redo.api import Store
from bridge.platforms.redo.poll import failure
from bridge.platforms.redo.translate import PLATFORM

_TOPIC = "return"


class RedoCare:
    """One store's webhook."""

    platform = PLATFORM

    def __init__(self, account: str, store: Store, token: SecretStr) -> None:
        self.account = account
        self._store = store
        self._token = token
        self._name = f"returns-bridge-{account}"

    def survey(self, now: datetime) -> Survey:
        """List the store's webhooks; the list is not paged."""
        request = self._store.api.request("GET", self._store.path("webhooks"))
        response = yield request
        outcome = failure(request, response, now)
        if outcome is not None:
            return outcome
        try:
            rows = orjson.loads(response.content)["webhooks"]
            return tuple(_registrations(rows))
        except (ValueError, TypeError, LookupError):
            return Failed("unreadable_answer")

    def changes(self, present: Sequence[Registration], url: str) -> tuple[Change, ...]:
        """Register if our name is missing, update if it leads elsewhere."""
        ours = [each for each in present if each.name == self._name]
        if not ours:
            return (Change("create", _TOPIC, url),)
        return tuple(
            Change("update", _TOPIC, url, each.id) for each in ours if each.url != url
        )

    def mend(self, change: Change, now: datetime) -> Mending:
        """Upsert by our name: right for a new webhook and for a known one."""
        if not change.url.startswith("https://"):
            return Refused("needs_https", "Redo sends webhooks to https only")
        webhook = {
            "topic": _TOPIC,
            "kind": "redo",
            "backfill": False,
            "externalId": self._name,
            "callback": {
                "url": change.url,
                "auth": {"bearer": {"token": self._token.get_secret_value()}},
            },
        }
        return (yield from self._post("webhooks", {"webhook": webhook}, now))

    def replay(
        self, present: Sequence[Registration], url: str, since: datetime, now: datetime
    ) -> Mending:
        """Ask for every return since then once more; it comes as `backfill`."""
        ours = [each for each in present if each.name == self._name or each.url == url]
        if not ours:
            return Refused("not_registered", "register the webhook first")
        start = since.astimezone(UTC).isoformat().replace("+00:00", "Z")
        path = f"/webhooks/{ours[0].id}/replay"
        return (yield from self._send(path, {"start": start}, now))

    def _post(self, of: str, body: object, now: datetime) -> Mending:
        return self._send(self._store.path(of), body, now)

    def _send(self, path: str, body: object, now: datetime) -> Mending:
        request = self._store.api.request("POST", path, body=body)
        response: httpx.Response = yield request
        outcome: Failure | None = failure(request, response, now)
        return outcome or Done()


def _registrations(rows: list[object]) -> Iterator[Registration]:
    for row in rows:
        if not isinstance(row, dict):
            raise TypeError("not a webhook")
        callback = row.get("callback")
        url = callback.get("url") if isinstance(callback, dict) else None
        yield Registration(
            id=str(row["id"]),
            events=str(row.get("topic") or _TOPIC),
            url=str(url or ""),
            name=str(row.get("externalId") or ""),
        )
