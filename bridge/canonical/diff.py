"""From two snapshots of one return to the events between them. Pure.

The order is fixed, whatever changed:

    return.created · return.reopened · return.<state> · shipment.created|updated ·
    item.inspected · refund.failed · refund.issued · credit.issued ·
    exchange.ordered · fee.collected · note.added · return.updated

`return.updated` names what no other event of the same step says. Changes of
`observed_at` and `updated_at` alone are no event, and changes of `goods` are told by
the goods events (`bridge/normalize/goods.py`).

**Money acts once.** A platform may finish, reopen and finish a return again, which
makes two completions of one refund (Redo: complete -> open -> complete). So what was
paid is a *fact* with a key of its own (item or refund id, credit id, exchange order
id, sort of fee), announced the first time it is true and never again; a changed
amount comes as `return.updated`. `paid` names the facts of a snapshot; the caller
remembers those announced and hands them in, for the snapshot before does not show
what was true two steps earlier.

**A fee is collected when the return closes.** Until then the totals of the platforms
are estimates that follow every edit of the return, and a rejected, cancelled or
expired return collects none. The extra charge of an exchange and the shipping fee
are two facts.
"""

import decimal
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from bridge.canonical.base import Money
from bridge.canonical.changes import Changes, changes
from bridge.canonical.draft import Draft, Part
from bridge.canonical.event_data import EventData
from bridge.canonical.events import (
    REACHED,
    CreditIssued,
    ExchangeOrdered,
    FeeCollected,
    ItemInspected,
    NoteAdded,
    RefundFailed,
    RefundIssued,
    ReturnCreated,
    ReturnReopened,
    ReturnUpdated,
    ShipmentCreated,
    ShipmentUpdated,
)
from bridge.canonical.model import Item, Return
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import State, is_reopening

_APART = frozenset({"goods", "observed_at", "requests", "updated_at"})


def diff(
    before: Snapshot | None,
    after: Snapshot,
    *,
    announced: AbstractSet[str] | None = None,
) -> tuple[Draft, ...]:
    """Return the drafts of what happened from `before` (None: first sight) to `after`.

    `announced` holds the money facts (see `paid`) told in earlier steps; without it
    those of `before` count as told. Equal snapshots make no draft.
    """
    if before is None:
        return _first_sight(after, announced or frozenset())
    unsaid = _Unsaid(changes(before.plain, after.plain, apart_from=_APART))
    told = paid(before.model).keys() if announced is None else announced
    return (
        *_moves(before.state, after.state, unsaid),
        *_parts(after.model, unsaid, told),
        *_rest(unsaid),
    )


def _first_sight(after: Snapshot, announced: AbstractSet[str]) -> tuple[Draft, ...]:
    model = after.model
    unsaid = _Unsaid(dict.fromkeys(_places(model)))
    parts = (replace(draft, before={}) for draft in _parts(model, unsaid, announced))
    return Draft(ReturnCreated), Draft(REACHED[model.state]), *parts


def _places(model: Return) -> Iterator[str]:
    """Name every part of the return that an event may be about."""
    parts = {
        "items": model.items,
        "shipments": model.shipments,
        "refunds": model.refunds,
        "credits": model.credits,
        "notes": model.notes,
    }
    for name, elements in parts.items():
        yield from (f"/{name}/{index}" for index in range(len(elements)))


class _Unsaid:
    """Changed places that no draft has told yet, by the first two steps of the way."""

    def __init__(self, changed: Changes) -> None:
        self._by_head: dict[str, Changes] = {}
        for pointer, value in changed.items():
            head = "/".join(pointer.split("/", 3)[:3])
            self._by_head.setdefault(head, {})[pointer] = value

    def at(self, head: str) -> Changes:
        return self._by_head.get(head, {})

    def take(self, *heads: str) -> Changes:
        taken: Changes = {}
        for head in heads:
            taken |= self._by_head.pop(head, {})
        return taken

    def all(self) -> Changes:
        merged: Changes = {}
        for group in self._by_head.values():
            merged |= group
        return merged


def _moves(before: State, after: State, unsaid: _Unsaid) -> Iterator[Draft]:
    if before == after:
        return
    said = unsaid.take("/state", "/state_raw")
    if is_reopening(before, after):
        yield Draft(ReturnReopened, before=said)
    yield Draft(REACHED[after], before=said)


def _parts(
    after: Return, unsaid: _Unsaid, announced: AbstractSet[str]
) -> Iterator[Draft]:
    for rule in _RULES:
        yield from rule(after, unsaid)
    for fact, payment in paid(after).items():
        if fact not in announced:
            said = unsaid.take(*payment.places)
            yield Draft(payment.type, payment.part, said)
    yield from _notes(after, unsaid)


def _shipments(after: Return, unsaid: _Unsaid) -> Iterator[Draft]:
    for index, shipment in enumerate(after.shipments):
        head = f"/shipments/{index}"
        said = unsaid.take(head)
        if said:
            type_ = ShipmentCreated if head in said else ShipmentUpdated
            yield Draft(type_, {"shipment": shipment}, said)


def _inspections(after: Return, unsaid: _Unsaid) -> Iterator[Draft]:
    for index, item in enumerate(after.items):
        head = f"/items/{index}"
        changed = unsaid.at(head)
        if head in changed and not (item.grade is None and item.outcome is None):
            yield Draft(ItemInspected, {"item": item}, {head: None})
        said = {at: changed.pop(at) for at in _stated(head, item) if at in changed}
        if said:
            yield Draft(ItemInspected, {"item": item}, said)


def _stated(head: str, item: Item) -> Iterator[str]:
    """Name the places of `item` that say what its inspection found."""
    if item.grade is not None:
        yield f"{head}/grade"
    if item.outcome is not None:
        yield f"{head}/outcome"


def _failures(after: Return, unsaid: _Unsaid) -> Iterator[Draft]:
    for index, refund in enumerate(after.refunds):
        head = f"/refunds/{index}"
        became = unsaid.at(head).keys() & {head, f"{head}/state"}
        if refund.state == "failed" and became:
            yield Draft(RefundFailed, {"refund": refund}, unsaid.take(head))


def _notes(after: Return, unsaid: _Unsaid) -> Iterator[Draft]:
    for index, note in enumerate(after.notes):
        said = unsaid.take(f"/notes/{index}")
        if said:
            yield Draft(NoteAdded, {"note": note}, said)


def _rest(unsaid: _Unsaid) -> Iterator[Draft]:
    former: dict[str, JsonValue] = unsaid.all()
    if former:
        yield Draft(ReturnUpdated, {"changed": tuple(former)}, former)


_RULES: tuple[Callable[[Return, _Unsaid], Iterator[Draft]], ...] = (
    _shipments,
    _inspections,
    _failures,
)


@dataclass(frozen=True, slots=True)
class Payment:
    """How a money fact is told: its event, and the places of the snapshot it says."""

    type: type[EventData]
    part: dict[str, Part]
    places: tuple[str, ...] = ()


def paid(snapshot: Return) -> dict[str, Payment]:
    """Return the money facts that are true in `snapshot`, by key, in event order."""
    return dict(_payments(snapshot))


def _payments(snapshot: Return) -> Iterator[tuple[str, Payment]]:
    for index, refund in enumerate(snapshot.refunds):
        if refund.state == "issued":
            told = Payment(RefundIssued, {"refund": refund}, (f"/refunds/{index}",))
            yield f"refund.issued/{refund.key}", told
    for index, credit in enumerate(snapshot.credits):
        told = Payment(CreditIssued, {"credit": credit}, (f"/credits/{index}",))
        yield f"credit.issued/{credit.id}", told
    exchange = snapshot.exchange
    if exchange is not None and exchange.order_id is not None:
        places = ("/exchange", "/exchange/order_id")
        told = Payment(ExchangeOrdered, {"exchange": exchange}, places)
        yield f"exchange.ordered/{exchange.order_id}", told
    yield from _fees(snapshot)


def _fees(snapshot: Return) -> Iterator[tuple[str, Payment]]:
    totals = snapshot.totals
    if totals is None or snapshot.state != State.CLOSED:
        return
    sorts: tuple[tuple[Literal["charge", "shipping_fee"], Money | None], ...] = (
        ("charge", totals.charge),
        ("shipping_fee", totals.shipping_fee),
    )
    for sort, fee in sorts:
        if fee is not None and decimal.Decimal(fee.amount) > 0:
            yield f"fee.collected/{sort}", Payment(FeeCollected, {"fee": fee})
