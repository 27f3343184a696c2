"""Any warehouse that speaks the generic contract (wms.md, sections 4 to 7).

Inbound: running totals or facts, signed per Standard Webhooks. Outbound: one document
of desired state per parcel, as event (`warehouse.event`) or by PUT
(`warehouse.resource`). Two things join here later: profile *mapped* is one more
target beside these two, which turns the documents of `outbound.plan` into a vendor's
requests; the link table is one more look-up in `WarehouseSource`.
"""

from bridge.platforms.contract import Offer
from bridge.platforms.warehouse.options import (
    EventTargetOptions,
    ResourceTargetOptions,
    WarehouseAccount,
)

OFFER = Offer(
    account=WarehouseAccount,
    targets={
        "warehouse.event": EventTargetOptions,
        "warehouse.resource": ResourceTargetOptions,
    },
)
