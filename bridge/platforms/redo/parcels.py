"""Redo's parcels and drop-offs into canonical ones.

Redo sends all parcels in `shipments` and one of them once more in `shipment`, where
fields may stand that its twin lacks (redo.md, section 7).
"""

from bridge.canonical.model import ShipmentState
from bridge.platforms.redo.payloads import ReturnDropoff, ReturnShipment
from bridge.platforms.redo.shapes import Said

#: Parcel status, redo.md section 15; what is not here is unknown, its text is kept.
STATES = {
    "pre_transit": ShipmentState.LABEL_CREATED,
    "in_transit": ShipmentState.IN_TRANSIT,
    "out_for_delivery": ShipmentState.IN_TRANSIT,
    "available_for_pickup": ShipmentState.IN_TRANSIT,
    "delivered": ShipmentState.DELIVERED,
    "cancelled": ShipmentState.LABEL_VOIDED,
    "expired": ShipmentState.LABEL_VOIDED,
    "error": ShipmentState.DELIVERY_EXCEPTION,
    "failure": ShipmentState.DELIVERY_EXCEPTION,
    "return_to_sender": ShipmentState.DELIVERY_EXCEPTION,
}


def to_shipments(
    twin: ReturnShipment | None, shipments: tuple[ReturnShipment, ...]
) -> tuple[Said, ...]:
    """Return every parcel once, each under a key of its own."""
    taken: set[str] = set()
    parcels = []
    for position, parcel in enumerate(_merge(twin, shipments)):
        key = _key(parcel, position, taken)
        taken.add(key)
        parcels.append(_to_shipment(key, parcel))
    return tuple(parcels)


def _merge(
    twin: ReturnShipment | None, shipments: tuple[ReturnShipment, ...]
) -> list[ReturnShipment]:
    """Fill the gaps of the parcel that `twin` repeats; a stranger is added."""
    parcels = list(shipments)
    if twin is None or not twin.model_fields_set:
        return parcels
    for position, parcel in enumerate(parcels):
        if _same(twin, parcel) or (len(parcels) == 1 and _nameless(twin)):
            parcels[position] = _filled(parcel, twin)
            return parcels
    return parcels if parcels and _nameless(twin) else [*parcels, twin]


def _same(one: ReturnShipment, other: ReturnShipment) -> bool:
    """Tell by tracking number, or by group where one of them has no number."""
    if one.tracker and other.tracker:
        return one.tracker == other.tracker
    return bool(one.shipment_group_id) and (
        one.shipment_group_id == other.shipment_group_id
    )


def _nameless(parcel: ReturnShipment) -> bool:
    """Tell that nothing says which parcel it is."""
    return not (parcel.tracker or parcel.shipment_group_id)


def _filled(parcel: ReturnShipment, twin: ReturnShipment) -> ReturnShipment:
    extra = {
        name: value
        for name in twin.model_fields_set
        if (value := getattr(twin, name)) and not getattr(parcel, name)
    }
    return parcel.model_copy(update=extra) if extra else parcel


def _key(parcel: ReturnShipment, position: int, taken: set[str]) -> str:
    key = parcel.tracker or parcel.shipment_group_id or f"#{position}"
    return f"{key}#{position}" if key in taken else key


def _to_shipment(key: str, parcel: ReturnShipment) -> Said:
    return {
        "key": key,
        "carrier": parcel.carrier,
        "state": STATES.get(parcel.status or "", ShipmentState.UNKNOWN),
        "state_raw": parcel.status,
        "tracking_number": parcel.tracker,
        "tracking_url": parcel.tracking_url,
        "has_label": bool(parcel.postage_label or parcel.form_label),
        "group": parcel.shipment_group_id,
        "item_ids": parcel.item_ids,
        "location_id": parcel.external_location_id,
        "estimated_delivery": parcel.estimated_delivery_date,
        "delivered": parcel.delivered_at,
    }


def to_dropoff(position: int, dropoff: ReturnDropoff) -> Said:
    """Return the drop-off without its QR data: they are the shopper's to use."""
    return {
        "group": dropoff.shipment_group_id or f"#{position}",
        "provider": dropoff.provider or "",
        "has_qr": bool(dropoff.qr_code or dropoff.qr_code_url),
    }
