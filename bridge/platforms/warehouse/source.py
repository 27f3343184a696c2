"""The inbound side of a warehouse account: who sent it, whose it is, what it says.

A body is `wms.return-snapshot/1` or `wms.warehouse-facts/1`, bare or in a structured
CloudEvents envelope. Nothing is guessed: news belongs to a return only if it echoes a
reference of ours (wms.md section 9); all else gets a history of its own under
`warehouse/<account>/<id>`. Looking up a stored id or a tracking number needs
`returns.links`; its place is `_subject`, after the reference.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge.canonical import reference as references
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    GoodsFacts,
    GoodsReport,
    InboundRequest,
    Observation,
    Reading,
)
from bridge.platforms.warehouse import signing, translate
from bridge.platforms.warehouse.body import Message, id_of, open_body, read_as
from bridge.platforms.warehouse.payloads import (
    FACTS,
    SNAPSHOT,
    FactsPayload,
    SnapshotPayload,
    UtcTime,
)

_TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)
_SAFE_IN_SUBJECT = ":=+@,"


@dataclass(slots=True)
class WarehouseSource:
    """One account's inbound side, a `contract.Source`.

    `announced_by` lists the `platform/account` names whose returns are announced to
    this warehouse: it can speak about no other.
    """

    account: str
    system: str
    secrets: Sequence[SecretStr]
    announced_by: Collection[str] = ()
    platform: str = "warehouse"

    def authenticate(self, request: InboundRequest) -> None:
        signing.verify(self.secrets, request.headers, request.body)

    def locate(self, request: InboundRequest) -> str | None:
        try:
            return self._subject(open_body(request.body))
        except UnreadableError:
            return None

    def delivery_id(self, request: InboundRequest) -> str | None:
        return request.headers.get(signing.ID) or None

    def credible(self, request: InboundRequest) -> bool:  # noqa: ARG002  port
        """Return True: what is authentic here is believed."""
        return True

    def read(self, observation: Observation) -> Reading:
        """Return a GoodsReport or GoodsFacts.

        Raises UnreadableError `not_json`, `shape`, `unknown_spec` or `no_id`.
        """
        message = open_body(observation.body)
        spec = message.content.get("spec")
        if spec not in (SNAPSHOT, FACTS):
            raise UnreadableError("unknown_spec", f"{message.path}.spec")
        if id_of(message) is None:
            raise UnreadableError("no_id", f"{message.path}.wms_return_id")
        return self._report(message) if spec == SNAPSHOT else self._facts(message)

    def _subject(self, message: Message) -> str | None:
        reference = message.content.get("reference")
        parsed = references.parse(reference) if isinstance(reference, str) else None
        if parsed and parsed[0].rpartition("/")[0] in self.announced_by:
            return parsed[0]
        id_ = id_of(message)
        if id_ is None:
            return None
        native_id = quote(id_, safe=_SAFE_IN_SUBJECT)
        return references.subject_of(self.platform, self.account, native_id)

    def _report(self, message: Message) -> GoodsReport:
        payload = read_as(SnapshotPayload, message)
        told = payload.occurred_at or payload.updated_at
        document = translate.document(
            payload,
            system=self.system,
            account=self.account,
            occurred_at=told or _envelope_time(message, ".occurred_at"),
        )
        return GoodsReport(document, translate.version(payload, document))

    def _facts(self, message: Message) -> GoodsFacts:
        payload = read_as(FactsPayload, message)
        return GoodsFacts(
            system=self.system,
            account=self.account,
            return_id=payload.wms_return_id,
            reference=payload.reference,
            facts=tuple(
                translate.fact(
                    fact,
                    fact.occurred_at
                    or _envelope_time(message, f".facts[{position}].occurred_at"),
                )
                for position, fact in enumerate(payload.facts)
            ),
        )


def _envelope_time(message: Message, missing: str) -> datetime:
    """Return the envelope's time where the document tells none."""
    try:
        return _TIME.validate_python(message.time)
    except ValidationError:
        path = f"{message.path}{missing}"
        raise UnreadableError("shape", path, f"a time is due at {path}") from None
