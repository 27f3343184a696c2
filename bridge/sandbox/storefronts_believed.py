"""Redo and Loop as storefronts: their webhooks prove themselves, and we write back."""

from collections.abc import Mapping
from datetime import timedelta

from bridge.sandbox.loop_shoppers import STEP, LoopTraffic
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.loop_standalone import HABITS
from bridge.sandbox.plans import draw_up
from bridge.sandbox.redo_webhooks import Subscription
from bridge.sandbox.shoppers import Traffic, Waits
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from bridge.sandbox.storefronts import (
    Secrets,
    Staging,
    Storefront,
    WebhookNumbers,
)

STORE = "demo-store"


class RedoFront(Storefront):
    """A store on Redo."""

    def __init__(self, staging: Staging) -> None:
        own = Secrets()
        simulator = ShopSimulator(
            ShopOptions(
                STORE, ShopOptions.full_access(own.key), manners=staging.manners
            ),
            clock=staging.clock,
            journal=staging.journal,
        )
        super().__init__(staging, simulator, own, STORE)
        self._shop, self._sender = simulator.shop, simulator.sender

    def subscribe(self, hook: str) -> None:
        self._sender.subscribe(Subscription(hook, self._own.hook))

    async def traffic(self, returns: int, between: timedelta) -> None:
        staging = self._staging
        manners = staging.manners
        refused = manners.faults != "none"
        plans = draw_up(manners.seed, refused=refused, returns=returns)
        people = Traffic(
            self._shop,
            dock=staging.dock,
            clock=staging.clock,
            waits=Waits(hurry=staging.hurry),
        )
        await people.run(plans, between)

    def stands(self) -> Mapping[str, str]:
        return {return_.id: return_.status for return_ in self._shop.all()}

    def webhooks(self) -> WebhookNumbers:
        return WebhookNumbers(self._sender.sent.total(), self._sender.discarded)


class LoopFront(Storefront):
    """A shop on Loop; its parcels go to the dock, so the bridge processes returns."""

    def __init__(self, staging: Staging) -> None:
        own = Secrets()
        options = LoopOptions(
            keys=LoopOptions.full_access(own.key),
            secret=own.hook,
            habits=HABITS[staging.manners.faults],
            manners=staging.manners,
        )
        simulator = LoopSimulator(options, clock=staging.clock, journal=staging.journal)
        super().__init__(staging, simulator, own)
        self._loop = simulator

    def subscribe(self, hook: str) -> None:
        self._loop.subscribe(hook)

    async def traffic(self, returns: int, between: timedelta) -> None:
        staging = self._staging
        people = LoopTraffic(
            self._loop.shop,
            clock=staging.clock,
            seed=staging.manners.seed,
            step=STEP / staging.hurry,
            dock=staging.dock,
        )
        await people.run(between, returns)

    def stands(self) -> Mapping[str, str]:
        return {str(return_.id): return_.state for return_ in self._loop.shop.all()}

    def webhooks(self) -> WebhookNumbers:
        tally = self._loop.sender.tally
        return WebhookNumbers(tally.sent.total(), tally.lost + tally.discarded)
