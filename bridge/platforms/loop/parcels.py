"""Loop's labels into canonical parcels: of a return, and of the topic `label`.

A return has its labels in `labels` (webhook) and one of them once more in its own
fields. A label without a tracking number is not a parcel yet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bridge.canonical.model import Dropoff, Shipment, ShipmentState
from bridge.platforms.contract import Version
from bridge.platforms.loop.payloads import LabelNews, LoopReturn
from bridge.platforms.loop.versions import parcel_version

#: Label status, loop.md section 8; what is not here is unknown, its text is kept.
STATES = {
    "pending": ShipmentState.LABEL_CREATED,
    "new": ShipmentState.LABEL_CREATED,
    "pre_transit": ShipmentState.LABEL_CREATED,
    "in_transit": ShipmentState.IN_TRANSIT,
    "out_for_delivery": ShipmentState.IN_TRANSIT,
    "delivered": ShipmentState.DELIVERED,
    "failure": ShipmentState.DELIVERY_EXCEPTION,
    "error": ShipmentState.DELIVERY_EXCEPTION,
}


@dataclass(frozen=True, slots=True)
class Parcels:
    """The parcels of one document, each once, and how new each word is."""

    shipments: tuple[Shipment, ...]
    versions: dict[str, Version]


def of_return(source: LoopReturn) -> Parcels:
    """Return the parcels that a return's document tells of."""
    return _newest(_labels(source))


def of_label(source: LabelNews) -> Parcels:
    """Return the one parcel of a label's document, or none."""
    return _newest(_label_news(source))


Word = tuple[Shipment, Version]


def _newest(words: Iterable[Word]) -> Parcels:
    known: dict[str, Word] = {}
    for shipment, version in words:
        former = known.get(shipment.key)
        if former is None or version > former[1]:
            known[shipment.key] = shipment, version
    return Parcels(
        tuple(known[key][0] for key in sorted(known)),
        {key: version for key, (_, version) in known.items()},
    )


def _labels(source: LoopReturn) -> Iterator[Word]:
    for label in source.labels:
        yield from _word(
            label.tracking_number,
            label.status,
            label.updated_at,
            carrier=label.carrier,
            has_label=label.url is not None,
            item_ids=tuple(sorted(label.line_items)),
        )
    named = {label.tracking_number for label in source.labels}
    if source.tracking_number not in named:
        yield from _word(
            source.tracking_number,
            source.label_status,
            source.label_updated_at,
            carrier=source.carrier,
            has_label=source.label_url is not None,
            location_id=source.destination_id,
        )


def _label_news(source: LabelNews) -> Iterator[Word]:
    yield from _word(
        source.tracking_number,
        source.label_status,
        source.label_updated_at,
        carrier=source.carrier,
        group=source.shipment_id,
    )


def _word(
    number: str | None,
    status: str | None,
    updated_at: datetime | None,
    **more: object,
) -> Iterator[Word]:
    if number is None:
        return
    state = STATES.get(status or "pending", ShipmentState.UNKNOWN)
    shipment = Shipment(
        key=number, state=state, state_raw=status, tracking_number=number
    ).model_copy(update=more)
    yield shipment, parcel_version(shipment, updated_at)


def dropoffs(source: LoopReturn) -> tuple[Dropoff, ...]:
    """Return the way to hand goods in without a label; its QR data stays behind."""
    method = source.return_method
    if not isinstance(method, dict) or not method.get("qr_code_url"):
        return ()
    return (Dropoff(group="#0", provider=source.carrier or "", has_qr=True),)
