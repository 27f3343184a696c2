"""Behind the simulated warehouse: how it reports, what people set, what it counted.

| call | what |
|---|---|
| GET, PATCH `/sandbox/reporting` | form, ladder, losses of reports (`Reporting`) |
| GET, PATCH `/sandbox/ways` | how parcels are treated (`Ways`) |
| PUT `/sandbox/subscription` | `{"url", "secret", "more"}`; two secrets rotate |
| POST `/sandbox/documents/{id}/status?to=` | a person sets any status |
| GET `/sandbox/ledger` | what came of every document, and of the reports |
"""

from pydantic import JsonValue, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.backstage import read, tuned, unfit
from bridge.sandbox.warehouse import Warehouse
from bridge.sandbox.warehouse_documents import Document
from bridge.sandbox.warehouse_reports import Reporter, Reporting, ReportTo

_TO = TypeAdapter(ReportTo)


class WarehouseBackstage:
    """The routes below `/sandbox`; `id` is the warehouse's own."""

    def __init__(self, warehouse: Warehouse, reporter: Reporter) -> None:
        self._warehouse = warehouse
        self._reporter = reporter
        change, status = ["GET", "PATCH"], "/sandbox/documents/{id}/status"
        self.routes: list[BaseRoute] = [
            Route("/sandbox/reporting", self._reporting, methods=change),
            Route("/sandbox/ways", self._ways, methods=change),
            Route("/sandbox/subscription", self._subscribe, methods=["PUT"]),
            Route(status, self._set, methods=["POST"]),
            Route("/sandbox/ledger", self._ledger, methods=["GET"]),
        ]

    async def _reporting(self, request: Request) -> Response:
        def keep(reporting: Reporting) -> None:
            self._reporter.reporting = reporting

        return await tuned(request, self._reporter.reporting, keep)

    async def _ways(self, request: Request) -> Response:
        return await tuned(request, self._warehouse.ways, self._warehouse.take_on)

    async def _subscribe(self, request: Request) -> Response:
        to = read(_TO, await request.body())
        if to is None:
            return unfit()
        self._reporter.subscribe(to)
        return Response(status_code=204)

    async def _set(self, request: Request) -> Response:
        id_, status = request.path_params["id"], request.query_params.get("to", "")
        for document in self._warehouse.documents.values():
            if document.wms_return_id == id_:
                self._warehouse.tell(document, status, status)
                return Response(status_code=204)
        return Response(status_code=404)

    async def _ledger(self, _: Request) -> Response:
        reporter, documents = self._reporter, self._warehouse.documents.values()
        reports: JsonValue = {
            "sent": reporter.sent,
            "retried": reporter.retried,
            "lost": reporter.lost,
            "on": reporter.is_on,
        }
        told: JsonValue = {each.wms_return_id: _entry(each) for each in documents}
        aside: JsonValue = [each.tracking_number for each in self._warehouse.set_aside]
        return JSONResponse({"documents": told, "reports": reports, "set_aside": aside})


def _entry(document: Document) -> JsonValue:
    lines: JsonValue = {
        line.line_key: {
            "expected": line.expected,
            "received": line.received,
            "outcomes": {**line.outcomes},
        }
        for line in document.lines
    }
    return {
        "reference": document.reference,
        "status": document.status,
        "version": document.version,
        "lines": lines,
    }
