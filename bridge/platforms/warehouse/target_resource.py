"""Profile *resource*: PUT of desired state by reference, which can be read back.

A repeat is harmless by contract (the same revision answers 200, an older one 412);
after a lost answer the target reads first all the same, for a system that does not
keep it. Source: wms.md section 6.1.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

import httpx
from pydantic import SecretStr

from bridge.canonical.envelope import Event
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Conversation,
    Outcome,
    Refused,
)
from bridge.platforms.meaning import Meaning, fields_of
from bridge.platforms.probing import until_write
from bridge.platforms.warehouse.answers import API, judge
from bridge.platforms.warehouse.document import Terms
from bridge.platforms.warehouse.outbound import Document
from bridge.platforms.warehouse.payloads import InboundCancel
from bridge.platforms.warehouse.telling import TooLate, idempotency_key, tell_all

_NEVER_KNOWN = AlreadyApplied("the warehouse does not know it")


@dataclass(slots=True)
class ResourceTarget:
    """One warehouse API under `base_url` (no slash at its end), a `contract.Target`."""

    name: str
    base_url: str
    token: SecretStr | None = None
    terms: Terms = field(default_factory=Terms)
    too_late: TooLate = "skip"
    codes: Mapping[int, Meaning] = field(default_factory=dict)

    def deliver(self, event: Event, context: Context) -> Conversation:
        def tell(document: Document) -> Conversation:
            if context.answer_lost:
                found = yield from self._probe(document, context)
                if found is not None:
                    return found
            response = yield self._put(event, document)
            return self._judge(response, document, context)

        return tell_all(event, self.terms, self.too_late, tell)

    def probe(self, event: Event, context: Context) -> Conversation:
        """Read every parcel of the event back."""
        return until_write(self.deliver(event, replace(context, answer_lost=True)))

    def _probe(
        self, document: Document, context: Context
    ) -> Generator[httpx.Request, httpx.Response, Outcome | None]:
        """Read the parcel back; None where that does not settle it."""
        response = yield httpx.Request(
            "GET", self._url(document), headers=self._headers()
        )
        if response.is_success:
            return _evidence(document, fields_of(response))
        outcome = self._judge(response, document, context)
        return None if isinstance(outcome, Refused) else outcome

    def _judge(
        self, response: httpx.Response, document: Document, context: Context
    ) -> Outcome:
        unknown = response.status_code == httpx.codes.NOT_FOUND
        cancels = isinstance(document, InboundCancel)
        if unknown and cancels and httpx.codes.NOT_FOUND not in self.codes:
            return _NEVER_KNOWN
        return judge(response, context.now, {**API, **self.codes})

    def _put(self, event: Event, document: Document) -> httpx.Request:
        headers = self._headers() | {
            "content-type": "application/json",
            "idempotency-key": idempotency_key(event, document),
        }
        body = document.model_dump_json()
        url = self._url(document)
        return httpx.Request("PUT", url, headers=headers, content=body)

    def _headers(self) -> dict[str, str]:
        if self.token is None:
            return {}
        return {"authorization": f"Bearer {self.token.get_secret_value()}"}

    def _url(self, document: Document) -> str:
        return f"{self.base_url}/inbound-returns/{document.reference}"


def _evidence(
    document: Document, stored: Mapping[str, object]
) -> AlreadyApplied | None:
    revision = stored.get("revision")
    if isinstance(revision, int) and revision >= document.revision:
        return AlreadyApplied(f"revision {revision} is stored")
    state = stored.get("state", stored.get("status"))
    if isinstance(document, InboundCancel) and state == "cancelled":
        return AlreadyApplied("it is cancelled")
    return None
