"""The simulated Loop's returns and what happens to them; every change is told.

Processing is queued and ends later, by itself; `process`, `cancel` and `close` are
final (loop.md, section 6). What Loop does not document is a switch with both ways.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from datetime import datetime
from itertools import count
from uuid import UUID

from bridge.clock import Clock
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.loop_news import LoopNews, Tell
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
from bridge.sandbox.loop_switches import LoopSwitches
from bridge.sandbox.stock import Stock, no_stock

#: What a label request's id is above that of its return.
_LABEL_REQUEST = 77_000_000_000_000

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

    `label_requests` are by their id as text. `stock` are returns of old, listed beside
    the others.
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
        self.label_requests: dict[str, LabelRequest] = {}
        self.switches = switches or LoopSwitches()
        self._news = LoopNews(number, tell)
        self._clock = clock
        self._journal = journal
        self.stock: Stock[LoopReturn] = no_stock()
        self._returns: dict[int, LoopReturn] = {}
        self._numbers = count(19_000)
        self._queue: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Tell whether anything queued has not ended."""
        return bool(self._queue)

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
        self._news.of_return(return_, "return.created")
        if self.switches.label_requests:
            id_ = self._request_id(return_.id)
            request = LabelRequest(id_, return_.id, self._now())
            self.label_requests[str(id_)] = request
            self._news.of_label_request(return_, request, "label.request.issued")

    def _request_id(self, return_id: int) -> int | str:
        number = _LABEL_REQUEST + return_id
        return str(UUID(int=number)) if self.switches.label_request_uuids else number

    def queue_label(self, id_: int) -> str | None:
        """Have a label made, which is told later; return the code of a refusal."""
        return_ = self._returns[id_]
        if return_.state in FINAL:
            return UNPROCESSABLE
        return_.label_queued = True
        self._later(self._make_label(return_))
        return None

    async def _make_label(self, return_: LoopReturn) -> None:
        await self._clock.sleep(self.switches.processing)
        return_.label_queued = False
        if return_.state not in FINAL:
            self.label(return_.id, "new")

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
        self._news.of_label(return_, trigger)
        self._news.of_return(return_, "return.updated")

    def process(
        self,
        id_: int,
        source: str | None = "api",
        details: Mapping[str, object] | None = None,
    ) -> str | None:
        """Queue the fulfilment; return the code of a refusal.

        `details` become a note of the timeline.
        """
        return_ = self._returns[id_]
        refusal = self._refusal(return_, "process")
        if refusal is None:
            return_.queued = True
            if details:
                self.note(id_, " ".join(f"{k}: {v}" for k, v in details.items()))
            self._later(self._process(return_, source))
        return refusal

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._queue.add(task)
        task.add_done_callback(self._queue.discard)

    def flag(self, id_: int) -> str | None:
        """Put the return under review."""
        return self._turn(id_, "flag", REVIEW)

    def unflag(self, id_: int) -> None:
        """Let a person release the return."""
        self._change(self._returns[id_], OPEN)

    def cancel(self, id_: int) -> str | None:
        refusal = self._turn(id_, "cancel", CANCELLED)
        requests = self.label_requests.values()
        if refusal is None:
            for request in (each for each in requests if each.return_id == id_):
                request.status = "cancelled"
                self._news.of_label_request(
                    self._returns[id_], request, "label.request.cancelled"
                )
        return refusal

    def turn_strange(self, id_: int, state: str) -> None:
        """Let a state come that no document names."""
        self._change(self._returns[id_], state)

    def close_unfulfilled(self, id_: int) -> str | None:
        """End the return without paying; its amounts stay filled."""
        refusal = self._turn(id_, "close", CLOSED)
        if refusal is None:
            self._news.of_return(self._returns[id_], "return.closed")
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
        self._news.of_hub(self._returns[id_], 5_000_000 + id_, self._now())

    async def close(self) -> None:
        """Forget what is still queued."""
        for task in self._queue:
            task.cancel()
        await asyncio.gather(*self._queue, return_exceptions=True)

    # ------------------------------------------------------------------ inside

    def _now(self) -> datetime:
        return self._clock.now()

    def _turn(self, id_: int, action: str, state: str) -> str | None:
        return_ = self._returns[id_]
        refusal = self._refusal(return_, action)
        if refusal is None and return_.state != state:
            self._change(return_, state)
        return refusal

    def _refusal(self, return_: LoopReturn, action: str) -> str | None:
        if return_.queued:
            return UNPROCESSABLE
        flagged = action == "process" and return_.state == REVIEW
        if flagged and self.switches.processes_flagged:
            return None
        return REFUSED[action].get(return_.state)

    async def _process(self, return_: LoopReturn, source: str | None) -> None:
        await self._clock.sleep(self.switches.processing)
        return_.queued = False
        if return_.id in self.failing:
            self._news.of_failure(return_, source)
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
            self._news.of_gift_card(number, return_, out_of_stock=False)
        else:
            return_.exchange_order = number
        self._change(return_, CLOSED)
        self._news.of_return(return_, "return.closed")
        if self.switches.restocks_by_webhook:
            self._news.of_restock(return_)

    def out_of_stock(self, id_: int) -> None:
        """Let an exchange end in a gift card that names no return."""
        return_ = self._returns[id_]
        self._news.of_gift_card(next(self._numbers), return_, out_of_stock=True)

    def _change(self, return_: LoopReturn, state: str) -> None:
        return_.state = state
        return_.updated_at = self._clock.now()
        self._journal.note(Kind.MOVED, f"{return_.order_name} {state}")
        self._news.of_return(return_, "return.updated")
