"""The simulated Redo's `process`: beta, asynchronous, unkeyed, and it moves money.

It answers at once. Products wait until all of the return are given; then they are paid
or rejected, a while later, which a webhook tells (redo.md, section 9.2). Asked once
more, it pays once more: `paid` counts, and the return's totals and gift cards show it.
"""

import asyncio
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from bridge.clock import Clock
from bridge.sandbox.front import Answer
from bridge.sandbox.redo_keys import invalid
from bridge.sandbox.redo_shop import RedoShop, pay_out
from bridge.sandbox.shop_returns import ShopReturn

_STARTED = "Processing of the return has started"
_WAITS = "Some products wait until all products of the return are ready"


class _Closed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class _Input(_Closed):
    new_merchant_adjustment: float | None = None
    restock: bool | None = None


class _Product(_Closed):
    id: str = Field(alias="_id")
    process_input: _Input | None = None
    reject: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.reject and self.process_input is not None:
            raise ValueError("reject excludes processInput")
        return self


class _Order(_Closed):
    products: Annotated[list[_Product], Field(min_length=1)]
    customer_notes: str | None = None


class Processing:
    """What `process` was asked of a shop's returns; `paid` counts by line id."""

    def __init__(
        self,
        shop: RedoShop,
        clock: Clock,
        takes: timedelta = timedelta(milliseconds=50),
    ) -> None:
        self.paid: Counter[str] = Counter()
        self._shop = shop
        self._clock = clock
        self._takes = takes
        self._rejected: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Tell whether anything that was asked for has not happened yet."""
        return bool(self._tasks)

    def take(self, return_: ShopReturn, body: bytes) -> Answer:
        """Answer a call to process."""
        try:
            order = _Order.model_validate_json(body)
        except ValidationError:
            return invalid("The body must be {products: [{_id, …}]}")
        lines = {line.id for line in return_.lines}
        if not {product.id for product in order.products} <= lines:
            return invalid("A product is not of this return")
        given = self._rejected[return_.id]
        given |= {product.id: product.reject for product in order.products}
        if given.keys() != lines:
            return Answer(200, {"message": _WAITS}, effect=True)
        task = asyncio.create_task(
            self._settle(return_.id, self._rejected.pop(return_.id))
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Answer(200, {"message": _STARTED}, effect=True)

    def forget(self, return_id: str) -> None:
        """Drop the products that wait: the return is reopened (section 9.1)."""
        self._rejected.pop(return_id, None)

    async def close(self) -> None:
        """Forget what has not happened yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settle(self, return_id: str, rejected: dict[str, bool]) -> None:
        await self._clock.sleep(self._takes)

        def change(return_: ShopReturn, _: datetime) -> None:
            for line in return_.lines:
                line.status = "rejected" if rejected[line.id] else "complete"
                line.paid += not rejected[line.id]
            return_.status = "rejected" if all(rejected.values()) else "complete"
            pay_out(return_)

        self.paid.update(id_ for id_, out in rejected.items() if not out)
        self._shop.change(return_id, change)
