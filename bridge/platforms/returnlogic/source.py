"""ReturnLogic's inbound side: webhooks that are hints, and RMAs that were read.

Nothing is signed and no order is promised (returnlogic.md, section 2): a random token
in the path is all the authenticity there is, an id and an action are all that is used.
An RMA has no update time, so the time at which it was read orders two bodies.

A body says nothing of what was paid unless it is being processed or still planned: a
completed RMA names sums that may never have been paid. Then what was known stays.
"""

import hashlib

import orjson
from pydantic import SecretStr, ValidationError

from bridge.canonical.model import Return
from bridge.canonical.reference import subject_of
from bridge.canonical.states import PROGRESS
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
from bridge.platforms.returnlogic.commands import (
    Confirmed,
    command_of,
    is_command,
    to_request,
)
from bridge.platforms.returnlogic.payloads import Notification, Rma
from bridge.platforms.returnlogic.translate import PLATFORM, to_return

_MONEY = frozenset({"refunds", "credits", "exchange"})
_OTHERS = frozenset({"goods", "observed_at", "requests", "shipments", "schema_version"})
_SAID = tuple(sorted(Return.model_fields.keys() - _OTHERS))


class ReturnLogicSource:
    """One team's webhooks and RMAs, translated."""

    platform = PLATFORM

    def __init__(
        self, account: str, tokens: tuple[SecretStr, ...], privacy: Privacy
    ) -> None:
        self.account = account
        self._tokens = tokens
        self._privacy = privacy

    def authenticate(self, request: InboundRequest) -> None:
        """Compare the token in the path with every valid one, in constant time."""
        check_path_token(request, self._tokens)

    def locate(self, request: InboundRequest) -> str | None:
        """Return `returnlogic/<account>/<rma id>`, None if there is no such id."""
        id_ = notification_in(request.body).rl_rma_id
        return id_ and subject_of(PLATFORM, self.account, id_)

    def delivery_id(self, request: InboundRequest) -> str | None:
        """Return a command as text (`commands.py`); facts have no id that counts."""
        command = command_of(notification_in(request.body))
        return command.text() if command else None

    def credible(self, request: InboundRequest) -> bool:
        """Return False: facts and commands are looked into.

        Only a command that could not be acknowledged goes on as it is: reading it
        fails, so it becomes a dead letter (section 2.5).
        """
        notification = notification_in(request.body)
        return is_command(notification) and command_of(notification) is None

    def read(self, observation: Observation) -> PlatformView | Requests:
        """Translate an RMA, or a command with its RMA.

        Raises UnreadableError `not_json`, `shape`, why the RMA does not bear a command
        out (`commands.py`), and for whatever came as a webhook: `no_correlation_id` for
        a command, else `not_believed`.
        """
        if observation.channel == "webhook":
            raise _not_believed(observation.body)
        if not _has_confirm(observation.body):
            return self._view(parse(Rma, observation.body), observation)
        confirmed = parse(Confirmed, observation.body)
        view = self._view(confirmed.rma, observation)
        request = to_request(confirmed.confirm, view.view)
        return Requests(view.view.subject, (request,), view)

    def _view(self, rma: Rma, observation: Observation) -> PlatformView:
        at = observation.received_at
        view = to_return(rma, self.account, self._privacy, at)
        content = view.model_dump_json(exclude={"observed_at"}).encode()
        digest = hashlib.sha256(content).hexdigest()[:32]
        version = Version(stamp=stamp(at), at="", content=digest)
        silent = frozenset() if view.state in PROGRESS else _MONEY
        return PlatformView(
            view,
            version,
            says={name: version for name in _SAID if name not in silent},
            parcels={parcel.key: version for parcel in view.shipments},
        )


def notification_in(body: bytes) -> Notification:
    """Return action, id and correlation id from the top or one level down.

    What is missing or odd stays None: an odd body is kept and read later.
    """
    try:
        content = orjson.loads(body)
    except ValueError:
        return Notification()
    if not isinstance(content, dict):
        return Notification()
    places = [content, *(part for part in content.values() if isinstance(part, dict))]
    found = {
        name: next((place[name] for place in places if name in place), None)
        for name in ("action", "rlRmaId", "correlationId")
    }
    try:
        return Notification.model_validate(found)
    except ValidationError:
        return Notification()


def _not_believed(body: bytes) -> UnreadableError:
    """Return why a webhook's body goes no further."""
    if is_command(notification_in(body)):
        return UnreadableError("no_correlation_id", "$.correlationId")
    return UnreadableError("not_believed", "$", "a webhook that names no return")


def _has_confirm(body: bytes) -> bool:
    """Tell whether the body is one of those that `commands.to_body` makes."""
    try:
        content = orjson.loads(body)
    except ValueError:
        return False
    return isinstance(content, dict) and "confirm" in content
