"""What the simulated shop knows about one return: its own database row, so to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.sandbox.catalogue import Product, Shopper

Compensation = Literal["refund", "store_credit", "exchange"]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of the order. `own_id` is what a caller calls it.

    Without `returnable` all of its units may come back.
    """

    index: int
    product: Product
    quantity: int
    own_id: str | None = None
    returnable: int | None = None

    @property
    def may_return(self) -> int:
        return self.quantity if self.returnable is None else self.returnable


@dataclass(frozen=True, slots=True)
class Order:
    """What the shopper bought. `number` makes all its ids but a caller's `own_id`.

    An order that is not `known` stands for a return that was imported without one.
    """

    number: int
    shopper: Shopper
    lines: tuple[OrderLine, ...]
    covered: bool
    own_id: str | None = None
    known: bool = True

    @property
    def id(self) -> str:
        return f"0de0{self.number:020x}"

    @property
    def external_id(self) -> str:
        return self.own_id or str(550_000 + self.number)

    @property
    def name(self) -> str:
        return f"#{self.own_id or f'DEMO-{2000 + self.number}'}"

    def line_id(self, line: OrderLine) -> str:
        """Return Redo's order item id: order and index, with a slash."""
        return f"{self.external_id}/{line.index}"

    def external_line_id(self, line: OrderLine) -> str:
        """Return the id by which the caller knows the line."""
        return line.own_id or f"{self.external_id}{line.index:02d}"


@dataclass(slots=True)
class ReturnLine:
    """One line of the return; `group` is the parcel group it travels in.

    `compensation` differs from the return's if the line was filed by API. `paid` counts
    how often `process` has paid for it.
    """

    id: str
    line: OrderLine
    quantity: int
    reason: tuple[str, str]
    comment: str
    group: str | None
    green: bool = False
    exchange_for: Product | None = None
    status: str = "open"
    compensation: Compensation | None = None
    paid: int = 0


@dataclass(slots=True)
class Label:
    """One parcel, from its label on; `urls` if the label was handed in."""

    tracker: str
    carrier: str
    group: str
    item_ids: tuple[str, ...]
    status: str = "pre_transit"
    delivered_at: datetime | None = None
    urls: Mapping[str, str] | None = None


@dataclass(slots=True)
class ShopReturn:
    """One return as the shop sees it now; `updated_at` rises with every change."""

    id: str
    order: Order
    lines: list[ReturnLine]
    compensation: Compensation
    status: str
    created_at: datetime
    updated_at: datetime
    provision: Literal["instant", "deferred"] = "instant"
    labels: list[Label] = field(default_factory=list)
    comments: list[dict[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    exchange_order: str | None = None
    gift_cards: list[str] = field(default_factory=list)

    def compensates(self, line: ReturnLine) -> Compensation:
        """Return what the shopper gets for a line."""
        return line.compensation or self.compensation
