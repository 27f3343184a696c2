"""What each simulated shopper will do: drawn up before the run, from the seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import cycle, islice
from random import Random

from bridge.sandbox.catalogue import (
    COMMENTS,
    OVERSIZE,
    PRODUCTS,
    REASONS,
    WRONG,
    Product,
    invent_shopper,
)
from bridge.sandbox.shop_returns import (
    Compensation,
    Label,
    Order,
    OrderLine,
    ReturnLine,
    ShopReturn,
)
from bridge.sandbox.warehouse_documents import Parcel, Unit


class Story(StrEnum):
    """What the shopper wants, and how it goes."""

    REFUND = "refund"
    STORE_CREDIT = "store credit"
    EXCHANGE_NOW = "exchange, sent at once"
    EXCHANGE_LATER = "exchange, sent after receipt"
    GREEN = "keeps the goods"
    TWO_PARCELS = "refund, two parcels"


class Packing(StrEnum):
    """What the shopper puts into the parcel."""

    FULL = "all of it"
    SHORT = "one unit less"
    DAMAGED = "one unit broken"
    UNEXPECTED = "something else as well"


_STORIES = (
    *(Story.REFUND, Story.STORE_CREDIT, Story.EXCHANGE_NOW, Story.REFUND),
    *(Story.TWO_PARCELS, Story.GREEN, Story.REFUND, Story.EXCHANGE_LATER),
)
_PACKINGS = (
    *(Packing.FULL, Packing.DAMAGED, Packing.FULL, Packing.FULL, Packing.SHORT),
    *(Packing.FULL, Packing.UNEXPECTED),
)
_REVIEWED = (False, False, False, True)
_EARLY = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """One shopper's way. `oversize` is the return the warehouse refuses for good."""

    number: int
    seed: int
    story: Story
    packing: Packing
    reviewed: bool
    oversize: bool = False

    def dice(self, what: str) -> Random:
        """Return dice for one part of the plan, always the same."""
        # Not security: the run has to be the same for the same seed.
        return Random(f"{self.seed}/{self.number}/{what}")  # noqa: S311


def draw_up(seed: int, *, refused: bool, returns: int | None = None) -> Iterator[Plan]:
    """Yield the plans of a run, without end unless `returns` says how many.

    Every story comes up again and again; one return early on is refused, if asked for.
    """
    # Not security: the run has to be the same for the same seed.
    dice = Random(seed)  # noqa: S311
    stories = dice.sample(_STORIES, len(_STORIES))
    packings = dice.sample(_PACKINGS, len(_PACKINGS))
    early = _EARLY if returns is None else min(_EARLY, returns // 3)
    oversize = dice.randint(1, early) if refused and early else None
    drawn = zip(cycle(stories), cycle(packings), cycle(_REVIEWED), strict=False)
    for number, (story, packing, reviewed) in enumerate(islice(drawn, returns)):
        if number == oversize:
            yield Plan(
                number, seed, Story.REFUND, Packing.FULL, reviewed=False, oversize=True
            )
        else:
            yield Plan(number, seed, story, packing, reviewed=reviewed)


_COMPENSATION: dict[Story, Compensation] = {
    Story.REFUND: "refund",
    Story.STORE_CREDIT: "store_credit",
    Story.EXCHANGE_NOW: "exchange",
    Story.EXCHANGE_LATER: "exchange",
    Story.GREEN: "refund",
    Story.TWO_PARCELS: "refund",
}


def invent_return(plan: Plan, now: datetime) -> ShopReturn:
    """Return the return as the shopper files it; labels come with approval."""
    dice = plan.dice("return")
    order = _order(plan, dice)
    lines = [_line(plan, line, order, dice) for line in _returned(plan, order)]
    return ShopReturn(
        id=f"{dice.getrandbits(96):024x}",
        order=order,
        lines=lines,
        compensation=_COMPENSATION[plan.story],
        status="needs_review" if plan.reviewed else "open",
        created_at=now,
        updated_at=now,
        provision="deferred" if plan.story is Story.EXCHANGE_LATER else "instant",
    )


def _order(plan: Plan, dice: Random) -> Order:
    products: list[Product] = dice.sample(PRODUCTS, 5)
    if plan.oversize:
        products[0] = OVERSIZE
    lines = tuple(
        OrderLine(index, product, dice.choice((1, 2, 2)))
        for index, product in enumerate(products)
    )
    shopper = invent_shopper(dice)
    return Order(plan.number + 1, shopper, lines, covered=dice.random() < 0.7)  # noqa: PLR2004 most are


def _returned(plan: Plan, order: Order) -> tuple[OrderLine, ...]:
    lines = 1 if plan.oversize else 2
    return order.lines[:lines]


def _line(plan: Plan, line: OrderLine, order: Order, dice: Random) -> ReturnLine:
    green = plan.story is Story.GREEN
    apart = line.index if plan.story is Story.TWO_PARCELS else 0
    exchange = plan.story in {Story.EXCHANGE_NOW, Story.EXCHANGE_LATER}
    return ReturnLine(
        id=f"1de0{order.number:016x}{line.index:04x}",
        line=line,
        quantity=line.quantity,
        reason=dice.choice(REASONS),
        comment=dice.choice(COMMENTS),
        group=None if green else f"grp_{order.number}_{apart}",
        green=green,
        exchange_for=order.lines[-1].product if exchange else None,
    )


def labels_of(return_: ShopReturn) -> list[Label]:
    """Return one label for each parcel the lines travel in."""
    groups = dict.fromkeys(line.group for line in return_.lines if line.group)
    return [
        Label(
            tracker=f"DEMO-TRK-{return_.order.number:05d}{'ABCD'[index]}",
            carrier="DemoPost",
            group=group,
            item_ids=tuple(line.id for line in return_.lines if line.group == group),
        )
        for index, group in enumerate(groups)
    ]


def pack(plan: Plan, return_: ShopReturn, label: Label) -> Parcel:
    """Return the parcel; only the first of several is packed oddly."""
    units = [
        Unit(line.line.product.sku)
        for line in return_.lines
        if line.id in label.item_ids
        for _ in range(line.quantity)
    ]
    if label is return_.labels[0]:
        units = _packed(plan.packing, units)
    return Parcel(label.tracker, tuple(units))


def _packed(packing: Packing, units: list[Unit]) -> list[Unit]:
    match packing:
        case Packing.FULL:
            return units
        case Packing.SHORT:
            return units[1:]
        case Packing.DAMAGED:
            return [Unit(units[0].sku, damaged=True), *units[1:]]
        case Packing.UNEXPECTED:
            return [*units, Unit(WRONG.sku)]
