"""What the simulated Loop knows of one return. Shapes only; money in whole cents."""

from dataclasses import dataclass, field
from datetime import datetime

CLOSED, CANCELLED, EXPIRED = "closed", "cancelled", "expired"
OPEN, REVIEW = "open", "review"
FINAL = frozenset({CLOSED, CANCELLED, EXPIRED})
STATES = frozenset({OPEN, REVIEW}) | FINAL


@dataclass(frozen=True, slots=True)
class LoopUnit:
    """One returned unit; units of one order line share `order_line`."""

    id: int
    order_line: int
    sku: str
    title: str
    cents: int
    tax_cents: int = 0
    reason: str = "Changed mind"


@dataclass(frozen=True, slots=True)
class LoopExchange:
    """One new unit."""

    id: int
    sku: str
    title: str
    cents: int


@dataclass
class LoopLabel:
    """The label, as far as the carrier has told."""

    tracking_number: str
    shipment: int
    status: str
    updated_at: datetime
    carrier: str = "DemoPost"


@dataclass
class LabelRequest:
    """A label that a carrier outside Loop is asked for; `labels` were handed in.

    Its id is a number, of some shops a UUID. Its status is `open`, `fulfilled`,
    `cancelled` or `failed`; Loop's own words for them are not known.
    """

    id: int | str
    return_id: int
    created_at: datetime
    status: str = "open"
    labels: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LoopNote:
    """A note of the timeline."""

    id: int
    content: str
    at: datetime


@dataclass
class LoopReturn:
    """One return. `outcome` is refund, credit, exchange or upsell.

    `queued` tells that processing was asked for and has not ended, `label_queued` the
    same of a label.
    """

    id: int
    order: int
    order_name: str
    created_at: datetime
    units: list[LoopUnit]
    outcome: str = "refund"
    exchanges: list[LoopExchange] = field(default_factory=list)
    fee_cents: int = 0
    shopper: str = "Fictiva"
    email: str = "fictiva.testperson@example.com"
    state: str = OPEN
    updated_at: datetime = field(init=False)
    edited_at: datetime | None = None
    label: LoopLabel | None = None
    queued: bool = False
    refunded: bool = False
    refund_gateway: str = "demo_gateway"
    exchange_order: int | None = None
    gift_card_order: int | None = None
    removed: set[int] = field(default_factory=set)
    notes: list[LoopNote] = field(default_factory=list)
    grades: dict[int, list[str]] = field(default_factory=dict)
    label_queued: bool = False

    def __post_init__(self) -> None:
        self.updated_at = self.created_at

    @property
    def cents(self) -> int:
        """What the units that are left are worth, with tax."""
        left = (unit for unit in self.units if unit.id not in self.removed)
        return sum(unit.cents + unit.tax_cents for unit in left)

    @property
    def exchange_cents(self) -> int:
        return sum(new.cents for new in self.exchanges)
