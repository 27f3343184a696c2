"""ReturnGO's shipments into canonical parcels, and what they say of the return."""

from bridge.canonical.model import Shipment, ShipmentState
from bridge.canonical.states import PROGRESS, State
from bridge.platforms.returngo import payloads

#: Shipment status: what the parcel does, returngo.md section 9. Of a parcel that is
#: `Pending` nothing is known but that it is to come.
STATES: dict[str, ShipmentState] = {
    "LabelCreated": ShipmentState.LABEL_CREATED,
    "Shipped": ShipmentState.IN_TRANSIT,
    "Delivered": ShipmentState.DELIVERED,
    "Received": ShipmentState.DELIVERED,
    "Validated": ShipmentState.DELIVERED,
    "Canceled": ShipmentState.LABEL_VOIDED,
}

#: Shipment status: how far the return is that all its parcels have brought so far.
REACHED: dict[str, State] = {
    "Shipped": State.IN_TRANSIT,
    "Delivered": State.DELIVERED,
    "Received": State.RECEIVED,
    "Validated": State.INSPECTED,
}


def inbound(rma: payloads.Rma) -> list[payloads.Shipment]:
    """Return the parcels that come back, in the order they were made.

    New goods on their way out are no part of the return.
    """
    parcels = [parcel for parcel in rma.shipments if not parcel.is_outbound]
    return sorted(parcels, key=lambda parcel: by_number(parcel.shipment_id))


def by_number(id_: str | None) -> tuple[int, str]:
    """Return what sorts ids of digits as numbers: new ones come last."""
    return len(id_ or ""), id_ or ""


def to_shipments(rma: payloads.Rma) -> tuple[Shipment, ...]:
    """Translate the parcels; the key is the shipment's id."""
    return tuple(
        _to_shipment(parcel.shipment_id or f"#{position}", parcel, rma)
        for position, parcel in enumerate(inbound(rma))
    )


def _to_shipment(key: str, parcel: payloads.Shipment, rma: payloads.Rma) -> Shipment:
    return Shipment(
        key=key,
        carrier=parcel.carrier_name,
        state=STATES.get(parcel.status or "", ShipmentState.UNKNOWN),
        state_raw=parcel.status,
        tracking_number=parcel.tracking_number or None,
        tracking_url=parcel.tracking_url or None,
        has_label=bool(parcel.label_url),
        group=parcel.shipment_id,
        item_ids=tuple(
            item.returned_item_id
            for item in rma.items
            if item.returned_item_id and item.shipment_id == parcel.shipment_id
        ),
    )


def advanced(state: State, rma: payloads.Rma) -> State:
    """Return how far the return is, by its own status and by its parcels.

    `lastUpdated` and often the status stand still while parcels move (section 3). The
    return is in transit as soon as one parcel is; anything further all must have
    reached. Cancelled parcels do not count, and a return that is decided stays so.
    """
    moved = [
        REACHED.get(parcel.status or "")
        for parcel in inbound(rma)
        if parcel.status != "Canceled"
    ]
    known = [step for step in moved if step is not None]
    if not known or state not in PROGRESS:
        return state
    reached = State.IN_TRANSIT
    if len(known) == len(moved):
        reached = min(known, key=PROGRESS.index)
    return max(state, reached, key=PROGRESS.index)
