"""The simulated Loop's reports: announced goods, parcels at a hub (loop.md, section 4).

The ASN report has a row for each unit; which of a return's times `from` and `to` mean
is not known: here its creation. Where a hub's shipments are read is a guess.
"""

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.front import Answer
from bridge.sandbox.loop_bodies import Json, moment, money
from bridge.sandbox.loop_desk import Desk
from bridge.sandbox.loop_list import ListQuery, read_query
from bridge.sandbox.loop_returns import CLOSED, LoopReturn, LoopUnit
from bridge.sandbox.loop_scopes import HUB_SHIPMENTS, RETURNS
from bridge.sandbox.loop_topics import hub_shipment


class LoopReports:
    """The routes of what is only read."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.routes: list[BaseRoute] = [
            Route("/warehouse/reporting/asn", self._asn, methods=["GET"]),
            Route("/happy-returns/shipments/{id:int}", self._shipment, methods=["GET"]),
        ]

    async def _asn(self, request: Request) -> Response:
        params = request.query_params

        def work() -> Answer:
            window = {name: params[name] for name in ("from", "to") if name in params}
            query = read_query(window, self._desk.clock.now())
            if not isinstance(query, ListQuery):
                return query
            rows: list[JsonValue] = [
                _row(return_, unit)
                for return_ in self._desk.shop.all()
                if query.since <= return_.created_at <= query.until
                for unit in return_.units
            ]
            return Answer(200, rows)

        return await self._desk.attend(request, RETURNS, "asn", work)

    async def _shipment(self, request: Request) -> Response:
        id_ = request.path_params["id"]

        def work() -> Answer:
            for return_ in self._desk.shop.all():
                if return_.label is not None and return_.label.shipment == id_:
                    at = return_.label.updated_at
                    told = hub_shipment(id_, at, as_text=False)
                    ids = {name: told[name] for name in told if name.endswith("_id")}
                    return Answer(200, {"id": id_, **ids, "return_id": return_.id})
            return Answer(404, {"message": "Not Found"})

        return await self._desk.attend(request, HUB_SHIPMENTS, f"shipment {id_}", work)


def _row(return_: LoopReturn, unit: LoopUnit) -> Json:
    label = return_.label
    arrived = label.updated_at if label and label.status == "delivered" else None
    closed = moment(return_.updated_at) if return_.state == CLOSED else None
    return {
        "id": return_.id,
        "return_line_item_id": unit.id,
        "order_id": return_.order,
        "order_name": return_.order_name,
        "order_number": return_.order_name.removeprefix("#"),
        "provider_order_number": return_.order,
        "state": return_.state,
        "customer_email": return_.email,
        "title": unit.title,
        "purchase_price": money(unit.cents),
        "sku": unit.sku,
        "barcode": "",
        "carrier": label.carrier if label else None,
        "tracking_number": label.tracking_number if label else None,
        "label_status": label.status if label else None,
        "restock_status": None,
        "currency": "USD",
        "return_reason": unit.reason,
        "outcome": return_.outcome,
        "delivery_date": moment(arrived),
        "created_at": moment(return_.created_at),
        "updated_at": moment(return_.updated_at),
        "closed_at": closed,
    }
