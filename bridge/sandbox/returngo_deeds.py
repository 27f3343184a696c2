"""What people and their systems do at ReturnGO, at the simulator's back door."""

from collections.abc import Mapping

from pydantic import JsonValue

from bridge.sandbox.control import Deed
from bridge.sandbox.front import Json
from bridge.sandbox.returngo_bodies import Movement, Rma
from bridge.sandbox.returngo_shop import ReturnGoShop


def deeds_of(shops: Mapping[str, ReturnGoShop]) -> Mapping[str, Deed]:
    """Return what can be done in these shops; the first if a body names none.

    | deed | body |
    |---|---|
    | `create` | `units`, `resolution`, `shipped` |
    | `decide` | `rmaId`, `status` |
    | `move`, `track` | `rmaId`, `status` of its first parcel |
    | `validate` | `rmaId`, `found` |
    | `pay` | `rmaId`, `fee` |
    | `settle` | `rmaId`, `status`: of its last transaction |
    | `exchange` | `rmaId`, `orderId` |
    """
    deeds = _Deeds(shops)
    return {
        "create": deeds.create,
        "decide": deeds.decide,
        "move": deeds.move,
        "track": deeds.track,
        "validate": deeds.validate,
        "pay": deeds.pay,
        "settle": deeds.settle,
        "exchange": deeds.exchange,
    }


class _Deeds:
    def __init__(self, shops: Mapping[str, ReturnGoShop]) -> None:
        self._shops = shops

    def _shop(self, body: Json) -> ReturnGoShop:
        return self._shops[str(body.get("shop", next(iter(self._shops))))]

    def _of(self, body: Json) -> tuple[ReturnGoShop, Rma]:
        shop = self._shop(body)
        return shop, shop.rmas[str(body["rmaId"])]

    def create(self, body: Json) -> JsonValue:
        rma = self._shop(body).create(
            int(str(body.get("units", 1))),
            resolution=str(body.get("resolution", "RefundToPaymentMethod")),
            shipped=body.get("shipped") is not False,
        )
        shipments: list[JsonValue] = [parcel.id for parcel in rma.parcels]
        return {"rmaId": rma.id, "shipmentIds": shipments}

    def decide(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        shop.set_status(rma, str(body["status"]))
        return {}

    def move(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        return {"moved": shop.move(rma, rma.parcels[0], str(body["status"]))}

    def track(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        shop.track(rma, rma.parcels[0], str(body["status"]))
        return {}

    def validate(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        shop.validate(rma, str(body.get("found", "restockable")))
        return {}

    def pay(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        return _told(shop.pay(rma, fee=float(str(body.get("fee", 0)))))

    def settle(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        movement = rma.movements[-1]
        shop.settle(rma, movement, str(body.get("status", "Success")))
        return _told(movement)

    def exchange(self, body: Json) -> JsonValue:
        shop, rma = self._of(body)
        shop.order_exchange(rma, str(body["orderId"]))
        return {}


def _told(movement: Movement) -> JsonValue:
    return {"id": movement.id, "status": movement.status}
