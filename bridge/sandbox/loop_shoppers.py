"""Simulated shoppers of the simulated Loop: each makes a return and sends it back."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from random import Random

from bridge.clock import Clock
from bridge.sandbox.catalogue import PRODUCTS, REASONS
from bridge.sandbox.loop_returns import LoopExchange, LoopReturn, LoopUnit
from bridge.sandbox.loop_shop import LoopShop
from bridge.sandbox.shoppers import Dock
from bridge.sandbox.warehouse_documents import Parcel, Unit

STEP = timedelta(milliseconds=300)
_OUTCOMES = ("refund", "refund", "refund", "credit", "exchange")

#: What becomes of a return after it was made; most go the whole way.
Way = Callable[["LoopTraffic", int], None]


def invent(number: int, dice: Random, clock: Clock) -> LoopReturn:
    """Return a new return of one to three units."""
    units = [
        LoopUnit(
            id=6_000_000 + number * 10 + position,
            order_line=product.number,
            sku=product.sku,
            title=f"{product.name} - {product.variant}",
            cents=product.cents,
            tax_cents=product.cents * 6 // 100,
            reason=dice.choice(REASONS)[1],
        )
        for position, product in enumerate(dice.choices(PRODUCTS, k=dice.randint(1, 3)))
    ]
    outcome = dice.choice(_OUTCOMES)
    other = dice.choice(PRODUCTS)
    wish = LoopExchange(41_000_000 + number, other.sku, other.name, other.cents)
    return LoopReturn(
        id=900_000 + number,
        order=3_300_000 + number,
        order_name=f"#L-{number}",
        created_at=clock.now(),
        units=units,
        outcome=outcome,
        exchanges=[wish] if outcome == "exchange" else [],
        fee_cents=dice.choice((0, 0, 400)),
    )


class LoopTraffic:
    """Keeps making returns; each goes on by itself, one step after the other.

    A delivered parcel goes to the `dock`; without one the return is processed.
    """

    def __init__(
        self,
        shop: LoopShop,
        *,
        clock: Clock,
        seed: int,
        step: timedelta = STEP,
        dock: Dock | None = None,
    ) -> None:
        self._shop = shop
        self._clock = clock
        self._seed = seed
        self._step = step
        self._dock = dock
        self._numbers = count(1)
        self._walks: set[asyncio.Task[None]] = set()

    async def run(self, every: timedelta, returns: int | None = None) -> None:
        """Make a return `every` so often, without end unless `returns` says so.

        Ends when all its returns have gone their way; stops them when cancelled.
        """
        try:
            while returns is None or returns > 0:
                number = next(self._numbers)
                self._walks.add(asyncio.create_task(self._walk(number)))
                returns = None if returns is None else returns - 1
                await self._clock.sleep(every)
            await asyncio.gather(*self._walks)
        finally:
            for walk in self._walks:
                walk.cancel()

    async def _walk(self, number: int) -> None:
        # Not security: the run has to be the same for the same seed.
        dice = Random(f"{self._seed}/{number}")  # noqa: S311
        return_ = invent(number, dice, self._clock)
        self._shop.add(return_)
        for step in self._steps(return_.id, dice):
            await self._pause(dice)
            step()
        if return_.label is not None and return_.label.status == "delivered":
            await self._pause(dice)
            await self._arrive(return_)

    async def _pause(self, dice: Random) -> None:
        await self._clock.sleep(self._step * dice.uniform(0.5, 1.5))

    async def _arrive(self, return_: LoopReturn) -> None:
        if self._dock is None or return_.label is None:
            self._shop.process(return_.id, None)
            return
        units = tuple(Unit(unit.sku) for unit in return_.units)
        await self._dock(Parcel(return_.label.tracking_number, units))

    def _steps(self, id_: int, dice: Random) -> list[Callable[[], object]]:
        shop = self._shop
        fate = dice.random()
        if fate < 0.08:  # noqa: PLR2004 few change their mind
            return [lambda: shop.cancel(id_)]
        if fate < 0.12:  # noqa: PLR2004 few never send the parcel
            return [lambda: shop.label(id_, "new"), lambda: shop.expire(id_)]
        looked_at = fate > 0.85  # noqa: PLR2004 some are looked at
        review: list[Callable[[], object]] = [
            lambda: shop.flag(id_),
            lambda: shop.unflag(id_),
        ]
        moves: list[Callable[[], object]] = [
            lambda: shop.label(id_, "new"),
            lambda: shop.label(id_, "in_transit"),
            lambda: shop.label(id_, "delivered"),
        ]
        return [*(review if looked_at else []), *moves]
