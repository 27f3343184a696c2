"""The simulated Loop's returns and what happens to them; every change is told.

Processing is queued and ends later, by itself; `process`, `cancel` and `close` are
final (loop.md, section 6). What Loop does not document is a switch with both ways.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from bridge.clock import Clock
from bridge.sandbox import loop_bodies, loop_topics
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.loop_bodies import Json
from bridge.sandbox.loop_returns import (
    CANCELLED,
    CLOSED,
    EXPIRED,
    FINAL,
    OPEN,
    REVIEW,
    LabelRequest,
    LoopLabel,
    LoopNote,
    LoopReturn,
)
from bridge.sandbox.loop_topics import LABEL_REQUEST
from bridge.sandbox.stock import Stock, no_stock


@dataclass(frozen=True, slots=True)
class LoopSwitches:
    """How the shop is set up, and what of Loop's behaviour nobody knows.

    `processing` lies between a call to process and its end. With
    `pays_at_first_scan` Loop processes by itself when a carrier scans the label.
    `labels_move_updated_at`: whether label news moves a return's update time. The
    last three: which commands come by webhook.
    """

    processing: timedelta = timedelta(milliseconds=50)
    pays_at_first_scan: bool = False
    labels_move_updated_at: bool = False
    restocks_by_webhook: bool = False
    credit_by_webhook: bool = False
    label_requests: bool = False


#: Takes a webhook: topic, trigger, body, and what people call the return.
Tell = Callable[[str, Json, str], None]

UNPROCESSABLE, FLAGGED = "UNPROCESSABLE_RETURN", "UNPROCESSABLE_FLAGGED_RETURN"

#: By action: the states from which it is refused, and the code of the refusal.
REFUSED: dict[str, dict[str, str]] = {
    "process": dict.fromkeys(FINAL, UNPROCESSABLE) | {REVIEW: FLAGGED},
    "flag": dict.fromkeys(FINAL, UNPROCESSABLE),
    "cancel": dict.fromkeys(FINAL, UNPROCESSABLE) | {REVIEW: FLAGGED},
    "close": dict.fromkeys(FINAL, UNPROCESSABLE),
    "remove": dict.fromkeys(FINAL, UNPROCESSABLE),
}


class LoopShop:
    """All returns of one shop. `failing` names those whose processing fails.

    `label_requests` are by their id. `stock` are returns of old, listed beside the
    others.
    """

    def __init__(
        self,
        number: int,
        tell: Tell,
        *,
        clock: Clock,
        journal: Journal,
        switches: LoopSwitches | None = None,
    ) -> None:
        self.number = number
        self.failing: set[int] = set()
        self.label_requests: dict[int, LabelRequest] = {}
        self.switches = switches or LoopSwitches()
        self._tell = tell
        self._clock = clock
        self._journal = journal
        self.stock: Stock[LoopReturn] = no_stock()
        self._returns: dict[int, LoopReturn] = {}
        self._as_text = True
        self._numbers = count(19_000)
        self._processing: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Tell whether anything queued has not ended."""
        return bool(self._processing)

    def find(self, id_: int) -> LoopReturn | None:
        return self._returns.get(id_)

    def all(self) -> Collection[LoopReturn]:
        return self._returns.values()

    def take_out(self, number: int) -> LoopReturn:
        """Take a return out of the stock and keep it from now on."""
        return_ = self.stock.take(number)
        self._returns[return_.id] = return_
        return return_

    def add(self, return_: LoopReturn) -> None:
        """Take a return that a shopper has just made."""
        self._returns[return_.id] = return_
        self._journal.names[str(return_.id)] = return_.order_name
        self._journal.note(Kind.CREATED, return_.order_name)
        self._say(return_, "return.created")
        if self.switches.label_requests:
            request = LabelRequest(LABEL_REQUEST + return_.id, return_.id, self._now())
            self.label_requests[request.id] = request
            self._ask_for_label(return_, "label.request.issued")

    def hand_in(self, request: LabelRequest, tracking: str, carrier: str) -> None:
        """Take a label that was asked for; a second one counts as well."""
        request.status, request.labels = "fulfilled", request.labels + 1
        return_ = self._returns[request.return_id]
        shipment = 5_000_000 + return_.id
        return_.label = LoopLabel(tracking, shipment, "new", self._now(), carrier)
        self._tell_of_label(return_, "label.created")

    def label(self, id_: int, status: str) -> None:
        """Let the carrier's word on the return's label come in."""
        return_, now = self._returns[id_], self._now()
        trigger = "label.updated" if return_.label else "label.created"
        if return_.label is None:
            number = f"TEST-TRK-{return_.id}"
            return_.label = LoopLabel(number, 5_000_000 + return_.id, status, now)
        return_.label.status, return_.label.updated_at = status, now
        self._tell_of_label(return_, trigger)
        if status == "in_transit" and self.switches.pays_at_first_scan:
            self.process(id_, "warehouse")

    def _tell_of_label(self, return_: LoopReturn, trigger: str) -> None:
        if self.switches.labels_move_updated_at:
            return_.updated_at = self._now()
        body = loop_topics.label(
            return_, trigger, self.number, as_text=self._next_as_text()
        )
        self._tell("label", body, return_.order_name)
        self._say(return_, "return.updated")

    def process(self, id_: int, source: str | None = "api") -> str | None:
        """Queue the fulfilment; return the code of a refusal."""
        return_ = self._returns[id_]
        refusal = self._refusal(return_, "process")
        if refusal is None:
            return_.queued = True
            task = asyncio.create_task(self._process(return_, source))
            self._processing.add(task)
            task.add_done_callback(self._processing.discard)
        return refusal

    def flag(self, id_: int) -> str | None:
        """Put the return under review."""
        return self._turn(id_, "flag", REVIEW)

    def unflag(self, id_: int) -> None:
        """Let a person release the return."""
        self._change(self._returns[id_], OPEN)

    def cancel(self, id_: int) -> str | None:
        refusal = self._turn(id_, "cancel", CANCELLED)
        request = self.label_requests.get(LABEL_REQUEST + id_)
        if refusal is None and request is not None:
            request.status = "cancelled"
            self._ask_for_label(self._returns[id_], "label.request.cancelled")
        return refusal

    def turn_strange(self, id_: int, state: str) -> None:
        """Let a state come that no document names."""
        self._change(self._returns[id_], state)

    def close_unfulfilled(self, id_: int) -> str | None:
        """End the return without paying; its amounts stay filled."""
        refusal = self._turn(id_, "close", CLOSED)
        if refusal is None:
            self._say(self._returns[id_], "return.closed")
        return refusal

    def expire(self, id_: int) -> None:
        """Let the label run out unscanned."""
        self._change(self._returns[id_], EXPIRED)

    def remove(self, id_: int, units: Iterable[int]) -> str | None:
        """Drop lines and process the rest at once."""
        return_ = self._returns[id_]
        refusal = self._refusal(return_, "remove")
        if refusal is None:
            return_.removed.update(units)
            return_.edited_at = self._clock.now()
            self._pay(return_)
        return refusal

    def note(self, id_: int, content: str) -> None:
        """Keep an internal note; it moves nothing."""
        note = LoopNote(next(self._numbers), content, self._clock.now())
        self._returns[id_].notes.append(note)

    def hub_scan(self, id_: int) -> None:
        """Let a Happy Returns hub take the parcel in."""
        return_ = self._returns[id_]
        body = loop_topics.hub_shipment(5_000_000 + return_.id, self._clock.now())
        self._tell("happy.returns.shipment", body, return_.order_name)

    async def close(self) -> None:
        """Forget what is still queued."""
        for task in self._processing:
            task.cancel()
        await asyncio.gather(*self._processing, return_exceptions=True)

    # ------------------------------------------------------------------ inside

    def _now(self) -> datetime:
        return self._clock.now()

    def _turn(self, id_: int, action: str, state: str) -> str | None:
        return_ = self._returns[id_]
        refusal = self._refusal(return_, action)
        if refusal is None and return_.state != state:
            self._change(return_, state)
        return refusal

    @staticmethod
    def _refusal(return_: LoopReturn, action: str) -> str | None:
        if return_.queued:
            return UNPROCESSABLE
        return REFUSED[action].get(return_.state)

    async def _process(self, return_: LoopReturn, source: str | None) -> None:
        await self._clock.sleep(self.switches.processing)
        return_.queued = False
        if return_.id in self.failing:
            body = loop_topics.processing_failed(return_, source)
            self._tell("return.processing", body, return_.order_name)
        else:
            self._pay(return_)

    def _pay(self, return_: LoopReturn) -> None:
        """Fulfil what the shopper chose; a close is told twice."""
        number = next(self._numbers)
        if return_.outcome == "refund":
            return_.refunded = True
        elif return_.outcome == "credit" and not self.switches.credit_by_webhook:
            return_.gift_card_order = number
        elif return_.outcome == "credit":
            body = loop_topics.gift_card(number, return_, out_of_stock=False)
            self._tell("giftcard", body, return_.order_name)
        else:
            return_.exchange_order = number
        self._change(return_, CLOSED)
        self._say(return_, "return.closed")
        if self.switches.restocks_by_webhook:
            self._tell("restock", loop_topics.restock(return_), return_.order_name)

    def out_of_stock(self, id_: int) -> None:
        """Let an exchange end in a gift card that names no return."""
        return_ = self._returns[id_]
        body = loop_topics.gift_card(next(self._numbers), return_, out_of_stock=True)
        self._tell("giftcard", body, return_.order_name)

    def _change(self, return_: LoopReturn, state: str) -> None:
        return_.state = state
        return_.updated_at = self._clock.now()
        self._journal.note(Kind.MOVED, f"{return_.order_name} {state}")
        self._say(return_, "return.updated")

    def _say(self, return_: LoopReturn, trigger: str) -> None:
        body = loop_bodies.webhook(
            return_, trigger, self.number, as_text=self._next_as_text()
        )
        self._tell("return", body, return_.order_name)

    def _ask_for_label(self, return_: LoopReturn, trigger: str) -> None:
        body = loop_topics.label_request(return_, trigger, self.number)
        self._tell("label.request", body, return_.order_name)

    def _next_as_text(self) -> bool:
        """Ids are text in one body and numbers in the next."""
        self._as_text = not self._as_text
        return self._as_text
