"""ReturnGO's inbound side: webhooks that are hints, and RMAs that were fetched.

ReturnGO signs nothing (returngo.md, section 5): a random token in the path is all the
authenticity there is, and of a webhook's body only the RMA's id is used. What counts
is what `GET /rma/{rmaId}` says.

`lastUpdated` stands still while parcels move and money flows (section 3). So the
newest time anywhere in the body orders two bodies, then the time at which each was
read, then the content.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import orjson
from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge.canonical.model import Return
from bridge.canonical.reference import subject_of
from bridge.errors import UnreadableError
from bridge.platforms.access import check_path_token
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
    Requests,
    Version,
)
from bridge.platforms.reading import parse, stamp
from bridge.platforms.returngo.payloads import Rma, RmaId
from bridge.platforms.returngo.requests import to_requests, wishes
from bridge.platforms.returngo.translate import PLATFORM, to_return

_RMA_ID: TypeAdapter[str] = TypeAdapter(RmaId)


class ReturnGoSource:
    """One shop's webhooks and fetched RMAs, translated.

    With `notify_only` a refund that ReturnGO asks for becomes a request to us.
    """

    platform = PLATFORM

    def __init__(
        self,
        account: str,
        tokens: tuple[SecretStr, ...],
        privacy: Privacy,
        *,
        notify_only: bool = False,
    ) -> None:
        self.account = account
        self._tokens = tokens
        self._privacy = privacy
        self._notify_only = notify_only

    def authenticate(self, request: InboundRequest) -> None:
        """Compare the token in the path with every valid one, in constant time."""
        check_path_token(request, self._tokens)

    def locate(self, request: InboundRequest) -> str | None:
        """Return `returngo/<account>/<rma id>`, None if the body holds no such id."""
        id_ = rma_id_in(request.body)
        return id_ and subject_of(PLATFORM, self.account, id_)

    def delivery_id(self, request: InboundRequest) -> str | None:  # noqa: ARG002  port
        """Return None: ReturnGO gives its deliveries no id."""
        return None

    def credible(self, request: InboundRequest) -> bool:  # noqa: ARG002  port
        """Return False: whoever knows the address can post anything."""
        return False

    def read(self, observation: Observation) -> PlatformView | Requests:
        """Translate a fetched RMA.

        Raises UnreadableError `not_json`, `shape`, or `not_believed` for whatever came
        as a webhook: it named no RMA, and the next poll shows what it was about.
        """
        if observation.channel == "webhook":
            raise UnreadableError("not_believed", "$", "a webhook that names no return")
        rma = parse(Rma, observation.body)
        at = observation.received_at
        view = to_return(rma, self.account, self._privacy, at)
        if not (self._notify_only and wishes(rma)):
            return PlatformView(view, version_of(rma, view, at))
        requests = to_requests(rma)
        if len(requests) < len(wishes(rma)):
            flags = (*view.flags, "refund_request_unclear")
            view = view.model_copy(update={"flags": flags})
        return Requests(
            subject=view.subject,
            requests=requests,
            view=PlatformView(view, version_of(rma, view, at)),
        )


def rma_id_in(body: bytes) -> str | None:
    """Return `rmaId` from a webhook or an RMA, at the top or one level down.

    The fields of webhooks are not documented; other ids (of shipments, trackers,
    transactions) lead nowhere without asking ReturnGO.
    """
    try:
        content = orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    for place in (content, *content.values()):
        found = place.get("rmaId") if isinstance(place, dict) else None
        if found is not None:
            return _as_id(found)
    return None


def _as_id(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    try:
        return _RMA_ID.validate_python(str(value) if isinstance(value, int) else value)
    except ValidationError:
        return None


def version_of(rma: Rma, view: Return, read_at: datetime) -> Version:
    """Return the newest time told, the time of reading and the content's hash."""
    content = view.model_dump_json(exclude={"observed_at"}).encode()
    return Version(
        stamp=stamp(max(_times(rma), default=None)),
        at=stamp(read_at),
        content=hashlib.sha256(content).hexdigest()[:32],
    )


def _times(rma: Rma) -> Iterator[datetime]:
    transactions = rma.transactions
    validations = (item.item_validation_status_response for item in rma.items)
    times = (
        rma.created_at,
        rma.last_updated,
        *(event.event_date for event in rma.rma_summary.events),
        *(comment.datetime for comment in rma.comments),
        *(found.last_validation_date for found in validations if found),
        *(transaction.created_at for transaction in transactions),
        *(transaction.last_updated for transaction in transactions),
    )
    yield from filter(None, times)
