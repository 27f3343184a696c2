"""The warehouse's HTTP doors: profiles *event* and *resource*, and its dock.

wms.md, section 6: the event door checks Standard Webhooks or the bearer token and
remembers the ids of what it took; the resource door is a PUT of desired state by
reference with bearer token, and can be read back. The dock is for the sandbox alone:
that is where parcels come in.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import (
    JsonValue,
    TypeAdapter,
    ValidationError,
)
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.canonical import reference as references
from bridge.sandbox.front import Answer, Ask, Front, problem
from bridge.sandbox.warehouse import Verdict, Warehouse
from bridge.sandbox.warehouse_documents import Announced, Document, Parcel
from bridge.sandbox.warehouse_events import Envelope, read_as, unpacked
from bridge.sandbox.warehouse_snapshot import snapshot

_URN = "urn:returns-bridge:problem:"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Keys:
    """What callers must prove: signing secrets (`whsec_…`) and the bearer token."""

    secrets: tuple[str, ...] = field(repr=False)
    token: str = field(repr=False)


_PARCEL = TypeAdapter(Parcel)


class WarehouseApi:
    """The routes, each behind the front's faults and record.

    With `remembers` off the event door forgets webhook ids: every try has its effect,
    so that a test can see what a caller repeats.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        *,
        front: Front,
        keys: Keys,
        remembers: bool = True,
    ) -> None:
        self._warehouse = warehouse
        self._front = front
        self._keys = keys
        self._remembers = remembers
        self._taken: dict[str, Answer] = {}
        one = "/inbound-returns/{reference}"
        self.app = Starlette(
            routes=[
                Route("/hooks/returns", self._event, methods=["POST"]),
                Route(one, self._put, methods=["PUT"]),
                Route(one, self._get, methods=["GET"]),
                Route("/inbound-returns", self._list, methods=["GET"]),
                Route("/dock/parcels", self._dock, methods=["POST"]),
            ]
        )

    # ------------------------------------------------------------ profile event

    async def _event(self, request: Request) -> Response:
        body, binary = await request.body(), "ce-id" in request.headers
        envelope = unpacked(request, body) if binary else read_as(Envelope, body)
        names = ("webhook-id", "idempotency-key", "ce-id")
        key = next(filter(None, map(request.headers.get, names)), None)
        ask = Ask("unreadable", key=key)
        if envelope is not None:
            announced = envelope.data
            ask = Ask(envelope.subject, announced.reference, key, announced.revision)
        proven = self._may(request) or (not binary and self._is_signed(request, body))
        return await self._attend(
            request, ask, lambda: self._judge_event(key, envelope, proven=proven)
        )

    def _judge_event(
        self, key: str | None, envelope: Envelope | None, *, proven: bool
    ) -> Answer:
        if not proven:
            return problem(401, f"{_URN}signature", "The signature does not fit")
        if envelope is None or key is None:
            return problem(400, f"{_URN}shape", "Not a wms.inbound-return/1 event")
        if self._remembers and key in self._taken:
            return self._taken[key]
        answer = self._take(envelope.data, self._accepted)
        if answer.effect:
            self._taken[key] = Answer(answer.status, answer.body)
        return answer

    def _accepted(self, announced: Announced, verdict: Verdict) -> Answer:
        """Any readable news is taken, old news too: the record shows the order."""
        if verdict is Verdict.TOO_LATE:
            return _too_late(self._warehouse.documents[announced.reference])
        document = self._warehouse.documents.get(announced.reference)
        id_ = None if document is None else document.wms_return_id
        return Answer(202, {"accepted": True, "wms_return_id": id_}, effect=True)

    def _is_signed(self, request: Request, body: bytes) -> bool:
        for secret in self._keys.secrets:
            try:
                Webhook(secret).verify(body, dict(request.headers), json_parse=False)
            except (WebhookVerificationError, ValueError):
                continue
            return True
        return False

    # --------------------------------------------------------- profile resource

    async def _put(self, request: Request) -> Response:
        announced = read_as(Announced, await request.body())
        reference = request.path_params["reference"]
        ask = Ask(
            _subject(reference),
            reference,
            request.headers.get("idempotency-key"),
            None if announced is None else announced.revision,
        )
        return await self._attend(
            request, ask, lambda: self._judge_put(request, reference, announced)
        )

    def _judge_put(
        self, request: Request, reference: str, announced: Announced | None
    ) -> Answer:
        if not self._may(request):
            return problem(401, "about:blank", "Unauthorized")
        if announced is None:
            return problem(400, f"{_URN}shape", "Not a wms.inbound-return/1 document")
        if announced.reference != reference:
            return _refused("/reference", "differs_from_path", "Wrong reference")
        return self._take(announced, self._stored)

    def _stored(self, announced: Announced, verdict: Verdict) -> Answer:
        if verdict is Verdict.NEVER_KNOWN:
            return problem(404, "about:blank", "No such return")
        document = self._warehouse.documents[announced.reference]
        if verdict is Verdict.TOO_LATE:
            return _too_late(document)
        if verdict is Verdict.STALE:
            title = "A newer revision is stored"
            return problem(
                412, f"{_URN}stale-revision", title, revision=document.revision
            )
        body: JsonValue = {
            "wms_return_id": document.wms_return_id,
            "reference": document.reference,
            "revision": document.revision,
            "state": document.status,
        }
        status = 201 if verdict is Verdict.NEW else 200
        return Answer(status, body, effect=verdict is not Verdict.SAME)

    async def _get(self, request: Request) -> Response:
        reference = request.path_params["reference"]
        return await self._attend(
            request, Ask(_subject(reference), reference), lambda: self._one(request)
        )

    def _one(self, request: Request) -> Answer:
        if not self._may(request):
            return problem(401, "about:blank", "Unauthorized")
        document = self._warehouse.documents.get(request.path_params["reference"])
        if document is None:
            return problem(404, "about:blank", "No such return")
        return Answer(200, snapshot(document))

    async def _list(self, request: Request) -> Response:
        return await self._attend(request, Ask("list"), lambda: self._page(request))

    def _page(self, request: Request) -> Answer:
        if not self._may(request):
            return problem(401, "about:blank", "Unauthorized")
        query = request.query_params
        try:
            since = datetime.fromisoformat(
                query.get("updated_since", "0001-01-01T00:00:00Z")
            )
            start = _within(query.get("cursor", "0"), least=0)
            limit = min(_within(query.get("limit", "100"), least=1), _PAGE)
            changed = self._changed_since(since)
        except (TypeError, ValueError):
            return problem(400, f"{_URN}query", "A parameter does not fit")
        end = start + limit
        items: list[JsonValue] = [snapshot(found) for found in changed[start:end]]
        following = str(end) if end < len(changed) else None
        return Answer(200, {"items": items, "next_cursor": following})

    def _changed_since(self, since: datetime) -> list[Document]:
        documents = self._warehouse.documents.values()
        changed = [found for found in documents if found.updated_at >= since]
        return sorted(changed, key=lambda found: found.wms_return_id)

    # --------------------------------------------------------------- both, dock

    async def _dock(self, request: Request) -> Response:
        try:
            parcel = _PARCEL.validate_json(await request.body())
        except ValidationError:
            return Response(status_code=400)
        self._warehouse.receive(parcel)
        return Response(status_code=202)

    def _take(
        self, announced: Announced, answer: Callable[[Announced, Verdict], Answer]
    ) -> Answer:
        line = self._warehouse.unknown_line(announced)
        if line is not None:
            return _refused(f"/lines/{line}/sku", "unknown_sku", "Unknown SKU")
        return answer(announced, self._warehouse.announce(announced))

    async def _attend(
        self, request: Request, ask: Ask, work: Callable[[], Answer]
    ) -> Response:
        await request.body()
        return await self._front.attend(request, ask, work)

    def _may(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        if not self._keys.token:
            return False
        return hmac.compare_digest(
            given.encode(), f"Bearer {self._keys.token}".encode()
        )


def _within(text: str, *, least: int) -> int:
    """Return a whole number; raise ValueError for none and for one below `least`."""
    number = int(text)
    if number < least:
        raise ValueError(text)
    return number


def _subject(reference: str) -> str:
    """Return the subject a reference leads to, or the reference itself."""
    parsed = references.parse(reference)
    return reference if parsed is None else parsed[0]


def _refused(pointer: str, code: str, title: str) -> Answer:
    errors: list[JsonValue] = [{"pointer": pointer, "code": code}]
    return problem(422, f"{_URN}invalid", title, errors=errors)


def _too_late(document: Document) -> Answer:
    title = "Return is already being processed"
    return problem(409, f"{_URN}too-late", title, state=document.status)
