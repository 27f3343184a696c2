"""The simulated upload of products: one at a time per store (redo.md, section 11.4).

It answers with its results at once, and then runs on for a while, in which another
upload is refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.requests import Request
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.catalogue import Product
from bridge.sandbox.front import Answer, Json
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import PRODUCTS_WRITE, plain_problem

_NAME = Annotated[str, Field(min_length=1, max_length=255)]
_TO_KG = {"g": 0.001, "kg": 1.0, "lb": 0.453592, "oz": 0.0283495, "t": 1000.0}


class _Body(BaseModel):
    model_config = ConfigDict(strict=True)


class _Variant(_Body):
    id: _NAME | None = None
    external_id: _NAME | None = None
    sku: _NAME
    title: Annotated[str, Field(max_length=500)] = "Default"
    price: Annotated[int, Field(ge=0)]
    currency: Annotated[str, Field(max_length=10)]
    upc: Annotated[str, Field(max_length=50)] | None = None
    weight: float | None = None
    weight_unit: Literal["g", "kg", "lb", "oz", "t"] = "g"


class _Family(_Body):
    product_family_id: _NAME | None = None
    external_id: _NAME | None = None
    title: Annotated[str, Field(min_length=1, max_length=500)]
    variants: Annotated[list[_Variant], Field(min_length=1, max_length=100)]


class _Upload(_Body):
    products: Annotated[list[_Family], Field(min_length=1, max_length=1000)]


@dataclass(slots=True)
class _Kept:
    """One family; its products by their `prd_` ids."""

    id: str
    family: _Family
    products: dict[str, _Variant] = field(default_factory=dict)


class Catalogue:
    """What was uploaded. `takes` is how long an upload keeps the next one out."""

    def __init__(
        self, clock: Clock, takes: timedelta = timedelta(milliseconds=50)
    ) -> None:
        self.takes = takes
        self._clock = clock
        self._busy_until = clock.monotonic()
        self._families: list[_Kept] = []
        self._numbers = count(1)

    def routes(self, desk: Desk) -> list[Route]:
        path = "/stores/{store}/products/bulk-upload"
        return [desk.open(Door(path, "POST", PRODUCTS_WRITE), self._upload)]

    @property
    def empty(self) -> bool:
        """Tell whether nothing was ever uploaded."""
        return not self._families

    def find(self, id_: str) -> Product | None:
        """Return the product of a `prd_` id."""
        for kept in self._families:
            variant = kept.products.get(id_)
            if variant is not None:
                return _product(id_, kept.family, variant)
        return None

    def _upload(self, _: Request, body: bytes) -> Answer:
        try:
            upload = _Upload.model_validate_json(body)
        except ValidationError as broken:
            return plain_problem(400, "Invalid request", detail=_where(broken))
        now = self._clock.monotonic()
        if now < self._busy_until:
            return plain_problem(409, "An upload is running")
        self._busy_until = now + self.takes.total_seconds()
        results = [self._take(family) for family in upload.products]
        errors = sum(result["status"] == "error" for result in results)
        counts: Json = {
            "total_count": len(results),
            "processed_count": len(results) - errors,
            "error_count": errors,
            "results": list[JsonValue](results),
        }
        return Answer(200, counts, effect=errors < len(results))

    def _take(self, family: _Family) -> Json:
        known = next(self._matching(family), None)
        if known is None and family.product_family_id is not None:
            return {"status": "error", "error": "The product family is not known"}
        kept = known or _Kept(f"pfa_{next(self._numbers):026d}", family)
        if known is None:
            self._families.append(kept)
        own = family.external_id or kept.family.external_id
        kept.family = family.model_copy(update={"external_id": own})
        made: list[JsonValue] = [self._place(kept, each) for each in family.variants]
        status = "created" if known is None else "updated"
        return {"status": status, "product_family_id": kept.id, "products": made}

    def _matching(self, family: _Family) -> Iterator[_Kept]:
        """Yield matches by id, then by external id, then by SKU."""
        skus = {variant.sku for variant in family.variants}
        tests: tuple[Callable[[_Kept], bool], ...] = (
            lambda kept: kept.id == family.product_family_id,
            lambda kept: _same(kept.family.external_id, family.external_id),
            lambda kept: any(each.sku in skus for each in kept.products.values()),
        )
        by_id = family.product_family_id is not None
        for test in tests[:1] if by_id else tests[1:]:
            yield from filter(test, self._families)

    def _place(self, kept: _Kept, variant: _Variant) -> Json:
        known = (
            id_
            for id_, each in kept.products.items()
            if id_ == variant.id
            or _same(each.external_id, variant.external_id)
            or each.sku == variant.sku
        )
        id_ = next(known, None) or f"prd_{next(self._numbers):026d}"
        kept.products[id_] = variant
        return {"id": id_, "sku": variant.sku}


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and one == other


def _where(broken: ValidationError) -> str:
    return ".".join(str(step) for step in broken.errors()[0]["loc"])


def _product(id_: str, family: _Family, variant: _Variant) -> Product:
    weight = (variant.weight or 0.0) * _TO_KG[variant.weight_unit]
    return Product(
        sku=variant.sku,
        name=family.title,
        variant=variant.title,
        cents=variant.price,
        kg=weight,
        number=int(id_.removeprefix("prd_")),
        own_id=id_,
        own_variant_id=variant.external_id,
    )
