"""ReturnGO's outbound side: what the warehouse found, as comments and parcels' states.

Every write is preceded by a look at the RMA, one for all steps of an event: ReturnGO
takes 2,000 calls a day (returngo.md, section 1). A comment carries its event's id and
is looked for first. What a parcel or the RMA has reached, or is past already, is not
set again; after a 400 it is looked at once more, since somebody else may have set it.
"""

import html
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from bridge.platforms.bodies import filled
from bridge.platforms.care import Failure
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Outcome,
    Refused,
)
from bridge.platforms.meaning import after_write
from bridge.platforms.returngo.api import Api, ask, judge
from bridge.platforms.returngo.payloads import Rma
from bridge.platforms.returngo.rules import ParcelStatus, RmaStatus, Rule
from bridge.platforms.returngo.translate import PLATFORM
from bridge.platforms.ruled import Occasion, RuledTarget

#: The way of a parcel and of an RMA, in order: what is further on is past it.
PARCELS = ("Pending", "LabelCreated", "Shipped", "Received", "Validated")
RMAS = ("Pending", "Approved", "Received", "Validated", "Done")

#: Statuses that somebody chose at ReturnGO, and that we do not overwrite.
DECIDED = frozenset({"Rejected", "Canceled", "Done"})

Looking = Generator[httpx.Request, httpx.Response, Rma | Failure]


@dataclass(frozen=True, slots=True)
class Bodies:
    """The forms of two bodies that are guesses of the sheet (section 6)."""

    comment: JsonValue
    status: JsonValue


class ReturnGoTarget(RuledTarget[Rule]):
    """One shop on ReturnGO as a destination of events."""

    def __init__(
        self,
        name: str,
        *,
        account: str,
        api: Api,
        rules: Sequence[Rule],
        bodies: Bodies,
    ) -> None:
        def desk(occasion: Occasion) -> Resource:
            return Resource(api, occasion, bodies)

        super().__init__(name, account=(PLATFORM, account), rules=rules, desk=desk)


@dataclass(slots=True)
class Resource:
    """One RMA at ReturnGO while one event is acted on."""

    api: Api
    occasion: Occasion
    bodies: Bodies
    _seen: Rma | None = field(default=None, init=False)

    def steps(self, rule: Rule) -> Iterator[Conversation]:
        """Comment first: it is told even where nothing may be set."""
        if rule.comment is not None:
            yield self.comment(self.occasion.words(rule.comment))
        if rule.shipment is not None:
            for id_ in rule.parcels(self.occasion.data):
                yield self.move(id_, rule.shipment)
        if rule.status is not None:
            yield self.set_status(rule.status)

    def comment(self, text: str) -> Conversation:
        """Look for the event's mark in the comments; post `text` unless it is there."""
        rma = yield from self._look()
        if not isinstance(rma, Rma):
            return rma
        mark = self.occasion.mark
        if any(mark in (each.html_text or "") for each in rma.comments):
            return AlreadyApplied("comment is there")
        body = filled(self.bodies.comment, {"text": html.escape(f"{text} {mark}")})
        response = yield self._write("POST", f"{self._path}/comment", body)
        return self._wrong(response) or Delivered("comment is there")

    def move(self, id_: str, wanted: ParcelStatus) -> Conversation:
        """Set a parcel unless it is there or further on."""
        before = yield from self._standing(id_, wanted)
        if before is not None:
            return before
        path = f"/shipment/{quote(id_, safe='')}"
        response = yield self._write("PUT", path, {"status": wanted})
        self._seen = None
        if response.status_code == HTTPStatus.BAD_REQUEST:
            after = yield from self._standing(id_, wanted)
            return after or Refused("http_400", "the parcel does not take this move")
        return self._wrong(response) or Delivered(f"parcel is {wanted}")

    def _standing(
        self, id_: str, wanted: ParcelStatus
    ) -> Generator[httpx.Request, httpx.Response, Outcome | None]:
        """Return why a parcel is not to be set; None if it is."""
        rma = yield from self._look()
        return _parcel_in(rma, id_, wanted) if isinstance(rma, Rma) else rma

    def set_status(self, wanted: RmaStatus) -> Conversation:
        """Set the RMA unless it is there, further on, or decided otherwise."""
        rma = yield from self._look()
        before = _decided(rma, wanted) if isinstance(rma, Rma) else rma
        if before is not None:
            return before
        body = filled(self.bodies.status, {"status": wanted})
        response = yield self._write("PUT", f"{self._path}/status", body)
        self._seen = None
        return self._wrong(response) or Delivered(f"status is {wanted}")

    def _look(self) -> Looking:
        """Read the RMA, once until something of it was set."""
        if self._seen is None:
            rma = yield from ask(self.api.rma(self.occasion.id), Rma, self.occasion.now)
            if not isinstance(rma, Rma):
                return rma
            self._seen = rma
        return self._seen

    def _write(self, method: str, path: str, body: JsonValue) -> httpx.Request:
        request = self.api.write(method, path, body)
        request.headers["Idempotency-Key"] = self.occasion.key
        return request

    def _wrong(self, response: httpx.Response) -> Outcome | None:
        return after_write(judge(response, self.occasion.now))

    @property
    def _path(self) -> str:
        return f"/rma/{quote(self.occasion.id, safe='')}"


def _parcel_in(rma: Rma, id_: str, wanted: ParcelStatus) -> Outcome | None:
    found = next((each for each in rma.shipments if each.shipment_id == id_), None)
    if found is None:
        return Refused("no_such_shipment", "the RMA has no such parcel any more")
    if found.status in PARCELS[PARCELS.index(wanted) :]:
        return AlreadyApplied(f"parcel is {found.status}")
    return None


def _decided(rma: Rma, wanted: RmaStatus) -> Outcome | None:
    status = rma.rma_summary.status
    past = RMAS[RMAS.index(wanted) :] if wanted in RMAS else (wanted,)
    if status in past:
        return AlreadyApplied(f"status is {status}")
    if status in DECIDED:
        return Refused("unexpected_status", f"status is {status}")
    return None
