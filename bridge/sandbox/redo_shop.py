"""The simulated Redo shop: returns, the writes it takes, the webhooks it sends.

It shares nothing with the bridge and behaves as redo.md says, also where that hurts:
every change sends the full snapshot, and what the bridge writes comes back as
`updated`.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import orjson

from bridge.clock import Clock
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.redo_bodies import webhook_body
from bridge.sandbox.redo_odd import Oddity
from bridge.sandbox.redo_odd import bodies as odd_bodies
from bridge.sandbox.redo_webhooks import Webhook, WebhookSender
from bridge.sandbox.shop_returns import Order, ShopReturn
from bridge.sandbox.stock import Stock, no_stock

SETTABLE = frozenset({"complete", "open", "flagged", "rejected", "deleted"})
STATUSES = SETTABLE | {
    *("pre_shipment", "needs_review", "in_review", "in_transit", "delivered"),
}
_FINISHED = frozenset({"complete", "rejected"})

Change = Callable[[ShopReturn, datetime], None]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listing asks for; `updated_min` is inclusive, `updated_max` exclusive."""

    updated_min: datetime | None = None
    updated_max: datetime | None = None
    status: str | None = None
    order_name: str | None = None

    def takes(self, return_: ShopReturn) -> bool:
        return (
            (self.updated_min is None or return_.updated_at >= self.updated_min)
            and (self.updated_max is None or return_.updated_at < self.updated_max)
            and self.status in {None, return_.status}
            and self.order_name in {None, return_.order.name}
        )


Place = tuple[datetime, str]


def place_of(return_: ShopReturn) -> Place:
    """Return where the return stands in a list."""
    return return_.created_at, return_.id


class RedoShop:
    """All returns of one store. Every change stamps, and sends the whole return.

    With `scans_stamp` off, a carrier's scan leaves the update time where it was: what
    moves it is not known. A new subscriber is sent what was updated within the last
    `burst`. `odd` bodies take turns. `stock` are returns of old, listed beside the
    others. `orders` can be returned, by their external ids.
    """

    def __init__(
        self, store: str, *, sender: WebhookSender, clock: Clock, journal: Journal
    ) -> None:
        self.store = store
        self.scans_stamp = True
        self.burst: timedelta | None = None
        self.odd: Sequence[Oddity] = ()
        self._sender = sender
        self._sender.on_subscribe = self._greet
        self._clock = clock
        self._journal = journal
        self.stock: Stock[ShopReturn] = no_stock()
        self.orders: dict[str, Order] = {}
        self._returns: dict[str, ShopReturn] = {}
        self._sent: Counter[str] = Counter()

    def find(self, return_id: str) -> ShopReturn | None:
        return self._returns.get(return_id)

    def all(self) -> list[ShopReturn]:
        """Return the returns, newest first by creation."""
        return sorted(self._returns.values(), key=place_of, reverse=True)

    def listed(
        self, since: datetime | None, until: datetime | None
    ) -> Iterator[ShopReturn]:
        """Yield the returns, newest first; of the stock only those in between."""
        stock = self.stock.newest_first(since, until)
        return heapq.merge(self.all(), stock, key=place_of, reverse=True)

    def take_out(self, number: int) -> ShopReturn:
        """Take a return out of the stock and keep it from now on."""
        return_ = self.stock.take(number)
        self._returns[return_.id] = return_
        return return_

    def add(self, return_: ShopReturn) -> None:
        """Take in a new return and tell about it as `created`."""
        self._returns[return_.id] = return_
        if return_.order.known:
            self.orders.setdefault(return_.order.external_id, return_.order)
        self._journal.names[return_.id] = return_.order.name
        units = sum(line.quantity for line in return_.lines)
        self._journal.note(
            Kind.CREATED,
            f"{return_.order.name} {return_.status}, {units} unit(s), "
            f"for {return_.compensation.replace('_', ' ')}",
        )
        self._send("created", return_)

    def change(self, return_id: str, change: Change) -> None:
        """Apply `change` to a return and tell about it as `updated`."""
        return_ = self._returns[return_id]
        self._apply(return_, change, self._stamp(return_))

    def scan(self, return_id: str, change: Change) -> None:
        """Apply a carrier's scan."""
        return_ = self._returns[return_id]
        now = self._stamp(return_) if self.scans_stamp else self._clock.now()
        self._apply(return_, change, now)

    def _apply(self, return_: ShopReturn, change: Change, now: datetime) -> None:
        status = return_.status
        change(return_, now)
        if return_.status != status:
            self._journal.note(
                Kind.MOVED, f"{return_.order.name} {status} -> {return_.status}"
            )
        self._send("updated", return_, at=now)

    def put_status(self, return_id: str, status: str) -> bool:
        """Set a status as `PUT /returns/{id}/status` does; False if it stood so."""
        return_ = self._returns[return_id]
        changed = return_.status != status
        if changed:
            self._journal.note(
                Kind.UPDATED, f"{return_.order.name} set to {status} by the bridge"
            )
            self.change(return_id, lambda return_, _: set_status(return_, status))
        return changed

    def comment(self, return_id: str, comment: dict[str, str]) -> None:
        """Add a comment as `POST /returns/{id}/comments` does."""
        name = self._returns[return_id].order.name
        self._journal.note(Kind.UPDATED, f"{name} commented on by the bridge")
        self.change(return_id, lambda return_, _: return_.comments.append(comment))

    def retag(self, tag: str, new: str | None) -> None:
        """Put another name on a tag of every return, or take it off with None."""
        for return_ in self.all():
            if tag in return_.tags:
                self.change(return_.id, partial(_retag, tag, new))

    def replay(self, start: datetime, *, to: str) -> None:
        """Send every return that was updated since as `backfill` to a subscription."""
        self._again("backfill", start, to)

    def _greet(self, key: str) -> None:
        if self.burst is not None:
            self._again("updated", self._clock.now() - self.burst, key)

    def _again(self, kind: str, since: datetime, to: str) -> None:
        for return_ in reversed(self.all()):
            if return_.updated_at >= since:
                self._send(kind, return_, to=to)

    def _stamp(self, return_: ShopReturn) -> datetime:
        """A change is at least a millisecond younger than the one before."""
        least = return_.updated_at + timedelta(milliseconds=1)
        return_.updated_at = max(self._clock.now(), least)
        return return_.updated_at

    def _send(
        self,
        kind: str,
        return_: ShopReturn,
        *,
        at: datetime | None = None,
        to: str | None = None,
    ) -> None:
        self._sent[return_.id] += 1
        number = self._sent[return_.id]
        true = webhook_body(kind, at or return_.updated_at, return_)
        for body in odd_bodies(true, self.odd, number):
            webhook = Webhook(
                return_.id, number, kind, return_.order.name, orjson.dumps(body)
            )
            self._sender.send(webhook, to=to)


def _retag(tag: str, new: str | None, return_: ShopReturn, _: datetime) -> None:
    wanted = [] if new is None else [new]
    at = return_.tags.index(tag)
    return_.tags[at : at + 1] = wanted


def set_status(return_: ShopReturn, status: str) -> None:
    """Set a status with what hangs on it (redo.md, section 9.1).

    `complete` completes the lines and pays what is owed; `open` after an end reopens
    them; money already moved stays moved.
    """
    if status == "complete":
        _finish(return_)
    elif status == "open" and return_.status in _FINISHED:
        for line in return_.lines:
            line.status = "open"
    return_.status = status


def _finish(return_: ShopReturn) -> None:
    for line in return_.lines:
        line.status = "complete"
    pay_out(return_)


def pay_out(return_: ShopReturn) -> None:
    """Give what is owed for the complete lines.

    A gift card comes once, or as often as `process` has paid.
    """
    done = [line for line in return_.lines if line.status == "complete"]
    credit = [line for line in done if return_.compensates(line) == "store_credit"]
    due = max((max(line.paid, 1) for line in credit), default=0)
    for number in range(len(return_.gift_cards), due):
        letter = "ABCDEFGH"[number % 8]
        return_.gift_cards.append(f"DEMOCOD{letter}{return_.order.number:08d}")
    if done and return_.compensation == "exchange" and return_.exchange_order is None:
        return_.exchange_order = exchange_order(return_)


def exchange_order(return_: ShopReturn) -> str:
    """Return the shop's id of the order that replaces the goods."""
    return str(551_000 + return_.order.number)
