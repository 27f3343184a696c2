"""ReturnLogic's commands: what it asks us to do, and when it is believed.

A command is `Process…`; all other actions are facts, told apart by letter case
(returnlogic.md, section 2.2). Nothing is signed: whoever knows the address can post
`ProcessRefund`. So a command is a hint like any other, with its action and correlation
id as delivery id. The RMA is then read with our own token, and both go on as one body,

    {"confirm": {"action", "correlationId", "requestedAt"}, "rma": {…}}

which becomes a request if the RMA bears it out: it is alive, and where money is asked
for it has a sum of that sort. The sum counts that the RMA names.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import orjson

from bridge.canonical.base import Money
from bridge.canonical.model import Return
from bridge.canonical.states import PROGRESS
from bridge.errors import UnreadableError
from bridge.platforms.contract import Request, RequestKind
from bridge.platforms.reading import Payload, Time
from bridge.platforms.returnlogic.payloads import Notification, Rma

KINDS: dict[str, RequestKind] = {
    "ProcessRefund": "refund",
    "ProcessGiftCard": "credit",
    "ProcessExchange": "exchange",
    "ProcessWarranty": "warranty",
    "ProcessRestock": "restock",
}

_CORRELATION = re.compile(r"[!-~]{1,96}")


@dataclass(frozen=True, slots=True)
class Command:
    """One command, as a hint carries it: `ProcessRefund:<correlation id>`."""

    action: str
    correlation_id: str

    def text(self) -> str:
        return f"{self.action}:{self.correlation_id}"


def is_command(notification: Notification) -> bool:
    """Tell a command from a fact."""
    return notification.action in KINDS


def command_of(notification: Notification) -> Command | None:
    """Return the command; None for a fact, or where no correlation id fits."""
    correlation_id = notification.correlation_id or ""
    if notification.action not in KINDS or not _CORRELATION.fullmatch(correlation_id):
        return None
    return Command(notification.action, correlation_id)


def command_in(delivery_id: str) -> Command | None:
    """Return the command that a hint's delivery id carries, None if it is none."""
    action, _, correlation_id = delivery_id.partition(":")
    if action not in KINDS or not correlation_id:
        return None
    return Command(action, correlation_id)


class Confirm(Payload):
    """The command of a body that carries its RMA."""

    action: str
    correlation_id: str
    requested_at: Time


class Confirmed(Payload):
    """A command and the RMA as it stood when it was read for it."""

    confirm: Confirm
    rma: Rma


def to_body(command: Command, requested_at: datetime, rma: bytes) -> bytes:
    """Return command and RMA as one body; `rma` is JSON as it came."""
    confirm = {
        "action": command.action,
        "correlationId": command.correlation_id,
        "requestedAt": requested_at.isoformat(),
    }
    return b'{"confirm":' + orjson.dumps(confirm) + b',"rma":' + rma + b"}"


def to_request(confirm: Confirm, view: Return) -> Request:
    """Return the request if the RMA, as `view`, bears it out.

    Raises UnreadableError `unknown_command`, `not_alive` (rejected, cancelled, closed)
    or `no_such_sum` (money is asked for that the RMA does not name).
    """
    kind = KINDS.get(confirm.action)
    if kind is None:
        raise UnreadableError("unknown_command", "$.confirm.action")
    if view.state not in PROGRESS:
        raise UnreadableError("not_alive", "$.rma.workflowStatus")
    totals = view.totals
    sums: dict[str, Money | None] = {
        "refund": totals.refund if totals else None,
        "credit": totals.store_credit if totals else None,
    }
    if kind in sums and sums[kind] is None:
        raise UnreadableError("no_such_sum", "$.rma.totals")
    return Request(
        kind=kind,
        correlation_id=confirm.correlation_id,
        requested_at=confirm.requested_at,
        item_ids=tuple(item.id for item in view.items),
        amount=sums.get(kind),
    )
