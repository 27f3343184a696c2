"""What the simulated shop knows about one return: its own database row, so to say."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.sandbox.catalogue import Product, Shopper

Compensation = Literal["refund", "store_credit", "exchange"]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of the order."""

    index: int
    product: Product
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """What the shopper bought. `number` makes all its ids."""

    number: int
    shopper: Shopper
    lines: tuple[OrderLine, ...]
    covered: bool

    @property
    def id(self) -> str:
        return f"0de0{self.number:020x}"

    @property
    def external_id(self) -> str:
        return str(550_000 + self.number)

    @property
    def name(self) -> str:
        return f"#DEMO-{2000 + self.number}"

    def line_id(self, line: OrderLine) -> str:
        """Return Redo's order item id: order and index, with a slash."""
        return f"{self.external_id}/{line.index}"


@dataclass(slots=True)
class ReturnLine:
    """One line of the return; `group` is the parcel group it travels in."""

    id: str
    line: OrderLine
    quantity: int
    reason: tuple[str, str]
    comment: str
    group: str | None
    green: bool = False
    exchange_for: Product | None = None
    status: str = "open"


@dataclass(slots=True)
class Label:
    """One parcel, from its label on."""

    tracker: str
    carrier: str
    group: str
    item_ids: tuple[str, ...]
    status: str = "pre_transit"
    delivered_at: datetime | None = None


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
    gift_card: str | None = None
    reviewed: bool = False
