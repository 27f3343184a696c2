"""The traffic: simulated shoppers who return things, until all of them are done.

A shopper drives the shop from filing to delivery; shop and warehouse are connected by
the physical parcel only, which the carrier leaves at the dock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from bridge.clock import Clock
from bridge.sandbox.plans import Plan, Story, invent_return, labels_of, pack
from bridge.sandbox.redo_shop import RedoShop, exchange_order, set_status
from bridge.sandbox.shop_returns import Label, ShopReturn
from bridge.sandbox.warehouse_documents import Parcel

Dock = Callable[[Parcel], Awaitable[None]]

_ON_THE_WAY = frozenset({"open", "in_transit"})


@dataclass(frozen=True, slots=True)
class Waits:
    """How long things take in the shoppers' world, in seconds, give or take.

    All of it goes `hurry` times as fast.
    """

    review: float = 1.2
    decide: float = 1.5
    travel: float = 2.0
    spread: float = 0.4
    hurry: float = 1.0

    def draw(self, seconds: float, dice: Random) -> timedelta:
        about = dice.uniform(1 - self.spread, 1 + self.spread)
        return timedelta(seconds=seconds * about / self.hurry)


class Traffic:
    """Starts the shoppers one after another and sees each through.

    With `pays_early` the merchant completes a return at the first scan, and parcels
    move on after that.
    """

    def __init__(
        self,
        shop: RedoShop,
        *,
        dock: Dock,
        clock: Clock,
        waits: Waits | None = None,
        pays_early: bool = False,
    ) -> None:
        self.started = 0
        self.finished = 0
        self._shop = shop
        self._dock = dock
        self._clock = clock
        self._waits = waits or Waits()
        self._pays_early = pays_early

    async def run(self, plans: Iterable[Plan], between: timedelta) -> None:
        """Let a shopper in every so often; return when the last is done."""
        async with asyncio.TaskGroup() as lives:
            for plan in plans:
                lives.create_task(self._live(plan))
                self.started += 1
                await self._clock.sleep(between)

    async def _live(self, plan: Plan) -> None:
        dice = plan.dice("life")
        return_ = invent_return(plan, self._clock.now())
        if not plan.reviewed:
            approve(return_, return_.created_at)
        self._shop.add(return_)
        if plan.reviewed:
            await self._review(return_, dice)
        if plan.story is Story.GREEN:
            await self._clock.sleep(self._waits.draw(self._waits.decide, dice))
            self._shop.change(return_.id, lambda r, _: set_status(r, "complete"))
        else:
            await self._send(plan, return_, dice)
        self.finished += 1

    async def _review(self, return_: ShopReturn, dice: Random) -> None:
        await self._clock.sleep(self._waits.draw(self._waits.review, dice))
        self._shop.change(return_.id, lambda r, _: set_status(r, "in_review"))
        await self._clock.sleep(self._waits.draw(self._waits.review, dice))
        self._shop.change(return_.id, approve)

    async def _send(self, plan: Plan, return_: ShopReturn, dice: Random) -> None:
        """Every parcel travels by itself; the first scan moves the return."""
        for label in return_.labels:
            await self._clock.sleep(self._waits.draw(self._waits.decide, dice))
            self._shop.scan(return_.id, _scanned(label, "in_transit"))
            if self._pays_early and return_.status == "in_transit":
                self._shop.change(return_.id, lambda r, _: set_status(r, "complete"))
        for label in return_.labels:
            await self._clock.sleep(self._waits.draw(self._waits.travel, dice))
            self._shop.scan(return_.id, _scanned(label, "delivered"))
            await self._dock(pack(plan, return_, label))


def approve(return_: ShopReturn, _: datetime) -> None:
    """Open the return: its labels are bought, an instant exchange is ordered."""
    set_status(return_, "open")
    return_.labels = labels_of(return_)
    if return_.compensation == "exchange" and return_.provision == "instant":
        return_.exchange_order = exchange_order(return_)


def _scanned(label: Label, status: str) -> Callable[[ShopReturn, datetime], None]:
    """A carrier scan; the return follows when all its parcels have got so far."""

    def change(return_: ShopReturn, now: datetime) -> None:
        label.status = status
        label.delivered_at = now if status == "delivered" else None
        all_there = all(each.status == status for each in return_.labels)
        moves = all_there or status == "in_transit"
        if moves and return_.status in _ON_THE_WAY:
            return_.status = status

    return change
