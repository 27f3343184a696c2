"""Which boxes a return comes in, and which of its lines lie in which box.

One parcel is one warehouse return (wms.md section 1). A parcel's index is the
position of its shipment, 1 when there is none yet; it never moves while the platform
keeps the order of its shipments.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.canonical.model import (
    Item,
    Return,
    Shipment,
    ShipmentState,
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box: number `index`. `items` may be empty: a line is expected once."""

    index: int
    shipment: Shipment | None
    items: tuple[Item, ...]

    @property
    def is_coming(self) -> bool:
        """False once its label is void."""
        shipment = self.shipment
        return shipment is None or shipment.state is not ShipmentState.LABEL_VOIDED


def goods(return_: Return) -> tuple[Item, ...]:
    """Return the items that come back: the shopper keeps the others (green return)."""
    return tuple(
        item for item in return_.items if item.quantity and not item.keeps_goods
    )


def parcels(return_: Return) -> tuple[Parcel, ...]:
    """Return the parcels in their order, at least one.

    An item lies in the first parcel that lists it, else in the first of its shipment
    groups, else in the first parcel that is coming.
    """
    if not return_.shipments:
        return (Parcel(1, None, goods(return_)),)
    coming = [s for s in return_.shipments if Parcel(1, s, ()).is_coming]
    place_of = _places(goods(return_), coming)
    return tuple(
        Parcel(
            index,
            shipment,
            tuple(item for item, place in place_of if place is shipment),
        )
        for index, shipment in enumerate(return_.shipments, 1)
    )


def _places(
    items: Iterable[Item], coming: list[Shipment]
) -> list[tuple[Item, Shipment | None]]:
    listed: dict[str, Shipment] = {}
    grouped: dict[str, Shipment] = {}
    for shipment in reversed(coming):
        listed |= dict.fromkeys(shipment.item_ids, shipment)
        grouped |= {shipment.group: shipment} if shipment.group else {}
    first = coming[0] if coming else None
    return [
        (
            item,
            listed.get(item.id)
            or next((grouped[g] for g in item.shipment_groups if g in grouped), first),
        )
        for item in items
    ]
