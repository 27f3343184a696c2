"""Profile *event*: one POST per parcel to a webhook receiver, as a CloudEvent.

Structured mode puts everything under the signature. Binary mode leaves the `ce-*`
headers outside every body signature, so it goes with a bearer token and is never
signed (wms.md, section 6.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import httpx
import orjson
from pydantic import SecretStr

from bridge.canonical.envelope import Event
from bridge.platforms.contract import Context, Conversation
from bridge.platforms.meaning import Meaning
from bridge.platforms.warehouse import signing
from bridge.platforms.warehouse.answers import RECEIVER, judge
from bridge.platforms.warehouse.document import Terms
from bridge.platforms.warehouse.outbound import Document
from bridge.platforms.warehouse.telling import TooLate, idempotency_key, tell_all

Mode = Literal["structured", "binary"]


@dataclass(slots=True)
class EventTarget:
    """One webhook receiver, a `contract.Target`.

    Every request carries the same id on every try and, if signed, a fresh timestamp;
    two signing secrets make two signatures.
    """

    name: str
    account: str
    url: str
    mode: Mode = "structured"
    signing_secrets: Sequence[SecretStr] = ()
    token: SecretStr | None = None
    terms: Terms = field(default_factory=Terms)
    too_late: TooLate = "skip"
    codes: Mapping[int, Meaning] = field(default_factory=dict)
    _address: httpx.URL = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._address = httpx.URL(self.url)  # read once: it costs more than a request

    def deliver(self, event: Event, context: Context) -> Conversation:
        def tell(document: Document) -> Conversation:
            response = yield self._request(event, document, context)
            return judge(response, context.now, {**RECEIVER, **self.codes})

        return tell_all(event, self.terms, self.too_late, tell)

    def _request(
        self, event: Event, document: Document, context: Context
    ) -> httpx.Request:
        key = idempotency_key(event, document)
        headers = {"idempotency-key": key}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token.get_secret_value()}"
        attributes = self._attributes(event, document, key)
        content = document.model_dump(mode="json")
        if self.mode == "binary":
            body = orjson.dumps(content)
            type_ = attributes.pop("datacontenttype")
            headers |= {f"ce-{name}": value for name, value in attributes.items()}
        else:
            body = orjson.dumps({**attributes, "data": content})
            type_ = "application/cloudevents+json"
        headers["content-type"] = f"{type_}; charset=utf-8"
        if self.signing_secrets:
            text = body.decode()
            headers |= signing.sign(self.signing_secrets, key, context.now, text)
        return httpx.Request("POST", self._address, headers=headers, content=body)

    def _attributes(self, event: Event, document: Document, key: str) -> dict[str, str]:
        return {
            "specversion": "1.0",
            "id": key,
            "source": f"/bridge/{self.account}",
            "type": f"returns.inbound_return.{document.state}.v1",
            "subject": event.subject,
            "time": event.time.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "dataschema": "urn:returns-bridge:wms.inbound-return:1",
            "sequence": str(event.sequence),
            "partitionkey": event.subject,
        }
