"""Filling in one `wms.inbound-return/1`: the whole parcel as it is expected now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bridge.canonical.goods import DispositionCode
from bridge.canonical.model import (
    Address,
    Item,
    Person,
    Reason,
    Return,
)
from bridge.platforms.warehouse.parcels import Parcel
from bridge.platforms.warehouse.payloads import (
    ExpectedLine,
    ExpectedParcel,
    ExpectedReason,
    InboundReturn,
    OrderReference,
    PlatformReturn,
    Sender,
    WarehouseCode,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say about announcing.

    With `on_created` a return is announced before it is approved. Without `sender`
    no personal field leaves. `dispositions` maps a reason code to what should be done
    with the units; restock is asked for otherwise.
    """

    warehouse_code: str | None = None
    on_created: bool = False
    sender: bool = True
    dispositions: Mapping[str, DispositionCode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Numbered:
    """What identifies one document among a return's: reference, revision, count."""

    reference: str
    revision: int
    count: int


def expected(
    return_: Return, parcel: Parcel, number: Numbered, terms: Terms
) -> InboundReturn:
    """Return the document of `parcel`, which is one of `number.count`."""
    order = return_.order
    external_ids = order.external_ids if order else ()
    return InboundReturn(
        reference=number.reference,
        revision=number.revision,
        platform=PlatformReturn(
            name=return_.platform,
            store=return_.account,
            return_id=return_.native_id,
        ),
        order=OrderReference(
            name=order.name if order else None,
            external_id=external_ids[0] if external_ids else None,
        ),
        warehouse=WarehouseCode(code=terms.warehouse_code),
        parcel=_parcel(parcel, number.count),
        lines=tuple(_line(item, terms) for item in parcel.items),
        sender=_sender(return_) if terms.sender else None,
        note=f"Bridge reference {number.reference}",
        created_at=return_.created_at,
        updated_at=return_.updated_at,
    )


def _parcel(parcel: Parcel, count: int) -> ExpectedParcel:
    shipment = parcel.shipment
    if shipment is None:
        return ExpectedParcel(index=parcel.index, count=count)
    return ExpectedParcel(
        index=parcel.index,
        count=count,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        expected_at=_time(shipment.estimated_delivery),
    )


def _time(text: str | None) -> datetime | None:
    """Read a carrier's own text if it is a time; its format is not promised."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _line(item: Item, terms: Terms) -> ExpectedLine:
    reason = item.reasons[0] if item.reasons else Reason()
    return ExpectedLine(
        line_key=item.id,
        sku=item.sku,
        quantity=item.quantity,
        reason=ExpectedReason(code=reason.code, text=reason.text),
        requested_disposition=terms.dispositions.get(
            reason.code or "", DispositionCode.RESTOCK
        ),
    )


def _sender(return_: Return) -> Sender | None:
    """Return who sends the parcel, None where the bridge keeps no personal field."""
    customer, addresses = return_.customer, return_.addresses
    if customer is None and addresses is None:
        return None
    person = customer.person if customer else Person()
    address = (addresses.sender if addresses else None) or Address()
    names = (person.given_name, person.family_name)
    return Sender(
        name=" ".join(name for name in names if name),
        line1=address.line1 or "",
        line2=address.line2 or "",
        city=address.city or "",
        state=address.state or "",
        postal_code=address.postal_code or "",
        country=address.country or "",
        phone=person.phone or "",
        email=person.email or "",
    )
