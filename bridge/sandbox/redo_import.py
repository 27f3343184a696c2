"""Returns born elsewhere that the simulated Redo imports (redo.md, section 9.5).

1 to 100 rows, each with its own answer and, if it likes, its own key. An imported
return has no order, and no shopper unless the row names one: the contract calls both
required, and an import breaks that.
"""

from itertools import count
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.catalogue import Product, Shopper
from bridge.sandbox.front import Answer, Json
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import WRITE, plain_problem
from bridge.sandbox.redo_products import Catalogue
from bridge.sandbox.redo_shop import RedoShop
from bridge.sandbox.shop_returns import Label, Order, OrderLine, ReturnLine, ShopReturn

_FIRST_NUMBER = 800_001


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Piece(_Body):
    product_id: str
    quantity: Annotated[int, Field(ge=1)]
    reason: str = "Imported"
    condition: str = ""


class _Customer(_Body):
    first_name: str = ""
    last_name: str = ""
    email: str = ""


class _Address(_Body):
    line1: str
    city: str
    country: str
    state: str = ""
    postal_code: str = ""
    phone: str = ""


class _Row(_Body):
    products: Annotated[list[_Piece], Field(min_length=1)]
    customer: _Customer = _Customer()
    external_reference_id: str | None = None
    tracking_number: str | None = None
    carrier: str = "unknown"
    notes: str | None = None
    idempotency_key: str | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    shipping_address: _Address | None = None
    merchant_address: _Address | None = None


class _Import(_Body):
    returns: Annotated[list[_Row], Field(min_length=1, max_length=100)]


class Import:
    """The returns that were imported, by their keys."""

    def __init__(self, shop: RedoShop, catalogue: Catalogue, clock: Clock) -> None:
        self._shop = shop
        self._catalogue = catalogue
        self._clock = clock
        self._numbers = count(_FIRST_NUMBER)
        self._made: dict[str, str] = {}

    def routes(self, desk: Desk) -> list[Route]:
        path = "/stores/{store}/returns/bulk"
        return [desk.open(Door(path, "POST", WRITE), self._take)]

    def _take(self, _: Request, body: bytes) -> Answer:
        try:
            rows = _Import.model_validate_json(body).returns
        except ValidationError:
            return plain_problem(400, "Invalid request", detail="1 to 100 returns")
        if self._catalogue.empty:
            return plain_problem(400, "The team has no product catalogue")
        results = [{**self._row(row), "index": at} for at, row in enumerate(rows)]
        errors = sum(result["status"] == "error" for result in results)
        answer: Json = {
            "totalCount": len(rows),
            "processedCount": len(rows) - errors,
            "errorCount": errors,
            "results": list[JsonValue](results),
        }
        return Answer(200, answer, effect=errors < len(rows))

    def _row(self, row: _Row) -> Json:
        key = row.idempotency_key
        if key is not None and key in self._made:
            return {"status": "created", "returnId": self._made[key]}
        products: list[Product] = []
        for piece in row.products:
            product = self._catalogue.find(piece.product_id)
            if product is None:
                error = f"The product {piece.product_id} is not known"
                return {"status": "error", "error": error}
            products.append(product)
        made = self._return(row, products)
        self._shop.add(made)
        if key is not None:
            self._made[key] = made.id
        return {"status": "created", "returnId": made.id}

    def _return(self, row: _Row, products: list[Product]) -> ShopReturn:
        number, now = next(self._numbers), self._clock.now()
        lines = [
            ReturnLine(
                id=f"4de0{number:016x}{at:04x}",
                line=OrderLine(at, product, piece.quantity),
                quantity=piece.quantity,
                reason=("imported", piece.reason),
                comment=piece.condition,
                group=f"grp_import_{number}",
            )
            for at, (piece, product) in enumerate(
                zip(row.products, products, strict=True)
            )
        ]
        return ShopReturn(
            id=f"5de0{number:020x}",
            order=_no_order(number, row, lines),
            lines=lines,
            compensation="refund",
            status="open",
            created_at=now,
            updated_at=now,
            labels=_labels(number, row, lines),
            comments=[] if row.notes is None else [{"message": row.notes}],
        )


def _no_order(number: int, row: _Row, lines: list[ReturnLine]) -> Order:
    """Return what stands where other returns have their order."""
    return Order(
        number,
        _shopper(row),
        tuple(line.line for line in lines),
        covered=False,
        own_id=row.external_reference_id or f"IMPORT-{number}",
        known=False,
    )


def _shopper(row: _Row) -> Shopper:
    customer, address = row.customer, row.shipping_address
    address = address or _Address(line1="", city="", country="")
    return Shopper(
        given=customer.first_name,
        surname=customer.last_name,
        email=customer.email,
        phone=address.phone,
        street=address.line1,
        city=address.city,
        state=address.state,
        postal_code=address.postal_code,
        country=address.country,
    )


def _labels(number: int, row: _Row, lines: list[ReturnLine]) -> list[Label]:
    if row.tracking_number is None:
        return []
    ids, group = tuple(line.id for line in lines), f"grp_import_{number}"
    return [Label(row.tracking_number, row.carrier, group, ids, urls={})]
