"""Redo and Loop as storefronts: their webhooks prove themselves, and we write back."""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from bridge.sandbox.calls import Call
from bridge.sandbox.front import Front
from bridge.sandbox.loop_shoppers import STEP, LoopTraffic
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.loop_standalone import HABITS
from bridge.sandbox.plans import draw_up
from bridge.sandbox.redo_webhooks import Subscription
from bridge.sandbox.shoppers import Traffic, Waits
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from bridge.sandbox.storefronts import ShopNumbers, ShopWiring, Staging

STORE = "demo-store"


class RedoFront:
    """A store on Redo."""

    def __init__(self, staging: Staging) -> None:
        self._key, self._hook_secret = secrets.token_urlsafe(24), secrets.token_hex(16)
        self._staging = staging
        self._simulator = ShopSimulator(
            ShopOptions(
                STORE, ShopOptions.full_access(self._key), manners=staging.manners
            ),
            clock=staging.clock,
            journal=staging.journal,
        )
        self._traffic = Traffic(
            self._simulator.shop,
            dock=staging.dock,
            clock=staging.clock,
            waits=Waits(hurry=staging.hurry),
        )

    @property
    def front(self) -> Front:
        return self._simulator.front

    @property
    def idle(self) -> bool:
        return self._simulator.idle

    async def start(self) -> ShopWiring:
        await self._simulator.start()
        return ShopWiring(self._simulator.url, STORE, self._key, self._hook_secret)

    def subscribe(self, hook: str) -> None:
        self._simulator.sender.subscribe(Subscription(hook, self._hook_secret))

    async def traffic(self, returns: int, between: timedelta) -> None:
        manners = self._staging.manners
        refused = manners.faults != "none"
        plans = draw_up(manners.seed, refused=refused, returns=returns)
        await self._traffic.run(plans, between)

    def judged(self) -> Sequence[Call]:
        return self.front.log.calls

    def numbers(self) -> ShopNumbers:
        sender = self._simulator.sender
        return ShopNumbers(
            Counter(return_.status for return_ in self._simulator.shop.all()),
            sender.sent.total(),
            sender.discarded,
        )

    async def stop(self) -> None:
        await self._simulator.stop()


class LoopFront:
    """A shop on Loop; its parcels go to the dock, so the bridge processes returns."""

    def __init__(self, staging: Staging) -> None:
        self._key, self._hook_secret = secrets.token_urlsafe(24), secrets.token_hex(16)
        options = LoopOptions(
            keys=LoopOptions.full_access(self._key),
            secret=self._hook_secret,
            habits=HABITS[staging.manners.faults],
            manners=staging.manners,
        )
        self._simulator = LoopSimulator(
            options, clock=staging.clock, journal=staging.journal
        )
        self._traffic = LoopTraffic(
            self._simulator.shop,
            clock=staging.clock,
            seed=staging.manners.seed,
            step=STEP / staging.hurry,
            dock=staging.dock,
        )

    @property
    def front(self) -> Front:
        return self._simulator.front

    @property
    def idle(self) -> bool:
        return self._simulator.idle

    async def start(self) -> ShopWiring:
        await self._simulator.start()
        return ShopWiring(self._simulator.url, "", self._key, self._hook_secret)

    def subscribe(self, hook: str) -> None:
        self._simulator.subscribe(hook)

    async def traffic(self, returns: int, between: timedelta) -> None:
        await self._traffic.run(between, returns)

    def judged(self) -> Sequence[Call]:
        return self.front.log.calls

    def numbers(self) -> ShopNumbers:
        tally = self._simulator.sender.tally
        return ShopNumbers(
            Counter(return_.state for return_ in self._simulator.shop.all()),
            tally.sent.total(),
            tally.discarded,
        )

    async def stop(self) -> None:
        await self._simulator.stop()
