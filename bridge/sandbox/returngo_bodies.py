"""The simulated shop's RMAs, and how ReturnGO writes them (returngo.md, section 4).

With all its oddities: 0 and 1 for booleans, transaction ids as numbers, empty text for
the order id of a draft, one row for each unit.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from bridge.sandbox.front import Json

CURRENCY = "EUR"


@dataclass(slots=True)
class Parcel:
    """One shipment; its texts come with the label."""

    id: str
    status: str = "Pending"
    carrier: str | None = None
    tracking: str | None = None
    tracking_url: str | None = None
    label_url: str | None = None
    outbound: bool = False


@dataclass(slots=True)
class Unit:
    """One returned unit. `found` is None until it is validated."""

    id: str
    line_id: str
    sku: str
    name: str
    price: float
    resolution: str = "RefundToPaymentMethod"
    parcel_id: str | None = None
    found: str | None = None
    found_at: datetime | None = None


@dataclass(slots=True)
class Movement:
    """One transaction."""

    id: int
    type: str
    status: str
    amount: float
    created_at: datetime
    updated_at: datetime
    unit_ids: list[str] = field(default_factory=list)
    reference: str | None = None
    processor: str = "Shopify"


@dataclass(slots=True)
class Remark:
    """One comment of the timeline."""

    type: str
    by: str
    html: str
    at: datetime


@dataclass(slots=True)
class Rma:
    """One RMA. `touched_at` is what `lastUpdated` and the filters see of it."""

    id: str
    status: str
    order_id: str
    order_name: str
    created_at: datetime
    touched_at: datetime
    units: list[Unit] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    events: list[tuple[str, datetime]] = field(default_factory=list)
    exchange_order: str | None = None
    customer_id: str = ""
    out_of_policy: bool = False


def moment(time: datetime) -> str:
    """Return a time as ReturnGO writes it."""
    return time.astimezone(UTC).isoformat(timespec="seconds")


def money(amount: float) -> Json:
    """Return an amount; a whole one is an integer."""
    number = int(amount) if amount == int(amount) else amount
    both: Json = {"amount": number, "currency": CURRENCY}
    return both | {"shopAmount": number, "shopCurrency": CURRENCY}


def row(rma: Rma) -> Json:
    """Return the RMA's row in `GET /rmas`: no time, no items."""
    events: list[JsonValue] = [
        {
            "eventName": name,
            "eventDate": moment(at),
            "triggeredVia": "Return Portal" if name == "RMA_CREATED" else "Dashboard",
            "storeLocationId": "online",
            "userDetails": None,
        }
        for name, at in rma.events
    ]
    return {
        "rmaId": rma.id,
        "status": rma.status,
        "order_name": rma.order_name,
        "events": events,
    }


def detail(rma: Rma) -> Json:
    """Return the whole RMA."""
    order: Json = {"orderId": rma.order_id, "order_name": rma.order_name}
    return {
        "rmaSummary": row(rma),
        "orderDetails": order,
        "shipments": [shipment(parcel) for parcel in rma.parcels],
        "items": [_item(unit) for unit in rma.units],
        "comments": [_comment(remark) for remark in reversed(rma.remarks)],
        "exchangeOrders": _exchange_orders(rma),
        "exchangeItems": [],
        "cancellationFee": 0,
        "transactions": [transaction(movement) for movement in rma.movements],
        "createdAt": moment(rma.created_at),
        "lastUpdated": moment(rma.touched_at),
        "isOutOfPolicy": int(rma.out_of_policy),
    }


def shipment(parcel: Parcel) -> Json:
    """Return one shipment, as `PUT /shipment/{id}` answers it too."""
    return {
        "shipmentId": parcel.id,
        "status": parcel.status,
        "carrierName": parcel.carrier,
        "requestedServiceLevel": None,
        "actualServiceLevel": None,
        "trackingNumber": parcel.tracking,
        "trackingURL": parcel.tracking_url,
        "labelURL": parcel.label_url,
        "customerAddress": _address("Fictiva Testperson", "7 Fixture Lane"),
        "returnAddress": _address("Fernhollow Returns (demo)", "100 Mock Dock"),
        "isOutbound": parcel.outbound,
    }


def _address(name: str, street: str) -> Json:
    return {
        "name": name,
        "street1": street,
        "street2": "",
        "city": "Testville",
        "state": "OH",
        "zip": "00000",
        "country": "US",
        "phone": "",
        "email": "someone@example.com",
    }


def _item(unit: Unit) -> Json:
    method = "Ship with any carrier" if unit.parcel_id else "No shipment required"
    return {
        "shopLineItemId": unit.line_id,
        "shopProductId": f"7{unit.line_id[-4:]}",
        "variantId": f"8{unit.line_id[-4:]}",
        "returnedItemId": unit.id,
        "fullName": unit.name,
        "productName": unit.name,
        "sku": unit.sku,
        "barcode": "",
        "paidPrice": money(unit.price),
        "paidTax": money(round(unit.price * 0.19, 2)),
        "taxIncluded": True,
        "returnReason": "Changed mind",
        "extendedReason": " > Wrong colour",
        "resolutionName": unit.resolution,
        "resolutionType": unit.resolution,
        "policyRuleName": "Demo policy",
        "isAutoApprove": 0,
        "restockingFee": 0,
        "returnFee": 0,
        "shipmentFee": 0,
        "shipmentId": unit.parcel_id,
        "returnMethod": {"type": method, "name": method},
        "itemValidationStatusResponse": _validation(unit),
        "exchangeItems": [],
        "followUpQuestions": [],
    }


def _validation(unit: Unit) -> Json:
    """Return what was found: the flags are false as long as nobody has looked."""
    return {
        "returnedItemId": unit.id,
        "isRestockable": unit.found == "restockable",
        "isReturned": unit.found in {"restockable", "not_restockable"},
        "nonRestockableReason": None,
        "nonReturnedReason": None,
        "storeLocationId": None,
        "lastValidationDate": moment(unit.found_at) if unit.found_at else None,
        "lastValidatedBy": None,
        "thirdPartyName": None,
        "userDetails": None,
    }


def _comment(remark: Remark) -> Json:
    return {
        "commentType": remark.type,
        "triggeredBy": remark.by,
        "htmlText": remark.html,
        "datetime": moment(remark.at),
    }


def _exchange_orders(rma: Rma) -> list[JsonValue]:
    if not any("Exchange" in unit.resolution for unit in rma.units):
        return []
    placed = rma.exchange_order or ""
    order: Json = {"draftOrderId": f"88{rma.id}", "orderId": placed}
    return [order | {"orderName": placed and f"EX-{placed}", "type": "Exchange"}]


def transaction(movement: Movement) -> Json:
    """Return one transaction: a number for an id, and no word of its RMA."""
    kind = "StoreCreditCode" if "Credit" in movement.type else "PlatformRefundId"
    units: list[JsonValue] = list(movement.unit_ids)
    return {
        "id": movement.id,
        "type": movement.type,
        "externalReferenceId": movement.reference,
        "externalReferenceType": kind if movement.reference else None,
        "amount": money(movement.amount),
        "status": movement.status,
        "processor": movement.processor,
        "bankAccountDetails": None,
        "returnItemIds": units,
        "createdAt": moment(movement.created_at),
        "lastUpdated": moment(movement.updated_at),
    }
