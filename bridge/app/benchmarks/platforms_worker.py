"""Simulated shops in a process of their own, each with a stock that was always there.

A return of the stock is made when a page shows it, so that 50,000 take no memory.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from bridge.app.benchmarks.bodies import approved
from bridge.app.benchmarks.orders import Changed, Given, Opened, PlatformsOrder, Say
from bridge.clock import Clock, SystemClock
from bridge.sandbox.loop_keys import Limits
from bridge.sandbox.loop_returns import STATES, LoopReturn
from bridge.sandbox.loop_shoppers import invent
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from bridge.sandbox.stock import Stock

STORE = "bench-store"
#: How far apart the stock's returns lie, and how old the youngest one is.
EVERY, AGE = timedelta(seconds=20), timedelta(minutes=30)

_UNLIMITED = 1_000_000_000
_STATES = sorted(STATES)
_LOOK = timedelta(milliseconds=20)

Simulator = ShopSimulator | LoopSimulator


def loop_return(number: int, at: datetime) -> LoopReturn:
    """Return the shop's return of that number; a fifth of them in each state."""
    return_ = invent(number, Random(number), SystemClock())  # noqa: S311 - no secret
    return_.created_at = return_.updated_at = at
    return_.state = _STATES[number % len(_STATES)]
    return return_


@dataclass(slots=True)
class Platforms:
    """The shops of one order, and what was changed in them."""

    order: PlatformsOrder
    clock: Clock
    changes: dict[str, float] = field(default_factory=dict)
    redo: Sequence[ShopSimulator] = field(init=False)
    loop: Sequence[LoopSimulator] = field(init=False)

    def __post_init__(self) -> None:
        order = self.order
        self.redo = [self._redo() for _ in range(order.redo)]
        self.loop = [self._loop() for _ in range(order.loop)]

    def _redo(self) -> ShopSimulator:
        tokens = ShopOptions.full_access(self.order.token)
        made = ShopSimulator(ShopOptions(STORE, tokens), clock=self.clock)
        made.shop.stock = Stock(
            self.order.returns, approved, first_at=self._first_at(), every=EVERY
        )
        return made

    def _loop(self) -> LoopSimulator:
        limits = Limits() if self.order.limited else Limits(_UNLIMITED)
        keys = LoopOptions.full_access(self.order.token)
        options = LoopOptions(keys, self.order.token, limits=limits)
        made = LoopSimulator(options, clock=self.clock)
        made.shop.stock = Stock(
            self.order.returns, loop_return, first_at=self._first_at(), every=EVERY
        )
        return made

    def _first_at(self) -> datetime:
        return self.clock.now() - AGE - self.order.returns * EVERY

    @property
    def all(self) -> Sequence[Simulator]:
        return (*self.redo, *self.loop)

    async def go_on_changing(self) -> None:
        """Change one return after the other, in one shop after the other."""
        while not all(each.front.log.calls for each in self.all):
            await self.clock.sleep(_LOOK)
        for number in count():
            shop, of_stock = number % len(self.all), number // len(self.all)
            if of_stock >= self.order.returns:
                return
            self._change(shop, of_stock)
            await self.clock.sleep(timedelta(seconds=1 / self.order.changes))

    def _change(self, shop: int, number: int) -> None:
        """Change a return; the accounts that poll the shops are named by number."""
        if shop < len(self.redo):
            taken = self.redo[shop].shop.take_out(number)
            self.redo[shop].shop.comment(taken.id, {"message": "changed"})
            subject, at = f"redo/redo-{shop}/{taken.id}", taken.updated_at
        else:
            shop -= len(self.redo)
            flagged = self.loop[shop].shop.take_out(number)
            at = flagged.updated_at = self.clock.now()
            subject = f"loop/loop-{shop}/{flagged.id}"
        self.changes[subject] = at.timestamp()


async def take(given: Given, say: Say) -> Changed:
    """Say where the shops are; stay until the standard input ends."""
    order = PlatformsOrder.model_validate(given)
    platforms = Platforms(order, SystemClock())
    async with AsyncExitStack() as stack:
        for simulator in platforms.all:
            await simulator.start()
            stack.push_async_callback(simulator.stop)
        say(
            Opened(
                redo=tuple(each.url for each in platforms.redo),
                loop=tuple(each.url for each in platforms.loop),
            )
        )
        changing = None
        if order.changes:
            changing = asyncio.create_task(platforms.go_on_changing())
        await asyncio.to_thread(sys.stdin.buffer.read)
        if changing is not None:
            changing.cancel()
    return Changed(
        refused=sum(each.keys.refused for each in platforms.loop),
        changes=platforms.changes,
    )
