"""Which event makes the bridge write what to ReturnGO: configuration.

ReturnGO has no call for counted or inspected units (returngo.md, section 6): a comment
tells what the warehouse found, and a parcel may be set to received or validated, which
most likely moves its RMA. The status of an RMA can be set as well, but not by default:
that mails the shopper, may order a label, and may make an exchange order.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import model_validator

from bridge.canonical.event_data import EventData
from bridge.canonical.goods import GoodsDocument, GoodsStatus
from bridge.canonical.goods_events import GoodsEventData
from bridge.canonical.model import Return, ShipmentState
from bridge.platforms.findings import Wording
from bridge.platforms.ruled import Ruling

ParcelStatus = Literal["Received", "Validated"]
"""What a warehouse may say of a parcel."""

RmaStatus = Literal["Approved", "Received", "Validated", "Done", "Rejected", "Canceled"]
"""What an RMA may be set to."""


class Rule(Ruling):
    """On this event, if the condition holds: comment, set parcels, set the RMA.

    `shipment` sets the parcel that the event is about; with `when: all_good` it sets
    every parcel that a warehouse has counted.
    """

    comment: Wording | None = None
    shipment: ParcelStatus | None = None
    status: RmaStatus | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "Rule":
        if self.comment is None and self.shipment is None and self.status is None:
            raise ValueError("a rule needs a comment, a shipment or a status")
        return self

    def parcels(self, data: EventData) -> tuple[str, ...]:
        """Return the ids of the shipments to be set; none where none is known.

        Parcels are counted as the bridge announces them to warehouses. News without
        a number is about the one parcel that comes, if there is but one.
        """
        if self.when == "all_good":
            numbers = [each.parcel for each in data.return_.goods if _counted(each)]
        else:
            numbers = [data.parcel] if isinstance(data, GoodsEventData) else []
        return tuple(dict.fromkeys(_ids(data.return_, numbers)))


def _counted(document: GoodsDocument) -> bool:
    return document.status is not GoodsStatus.CANCELLED and any(
        line.received for line in document.lines
    )


def _ids(view: Return, numbers: Iterable[int | None]) -> Iterable[str]:
    parcels = dict(enumerate(view.shipments, 1))
    coming = [
        number
        for number, parcel in parcels.items()
        if parcel.state is not ShipmentState.LABEL_VOIDED
    ]
    only = coming[0] if len(coming) == 1 else None
    for number in numbers:
        parcel = parcels.get(number or only or 0)
        if parcel is not None and parcel.group is not None:
            yield parcel.group


DEFAULT_RULES = (
    Rule(
        on="goods.received",
        comment="Warehouse $warehouse received: $lines",
        shipment="Received",
    ),
    Rule(on="goods.inspected", when="all_good", shipment="Validated"),
    Rule(on="goods.completed", when="all_good", shipment="Validated"),
    Rule(
        on="goods.discrepancy",
        comment="Warehouse $warehouse reports a discrepancy: $lines",
    ),
)
