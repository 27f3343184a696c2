from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import orjson
from pydantic import SecretStr

from bridge.canonical.states import State
from bridge.clock import SystemClock
from bridge.platforms.contract import Observation, PlatformView, Privacy
from bridge.platforms.redo.source import RedoSource
from bridge.sandbox.catalogue import OVERSIZE
from bridge.sandbox.habits import Habits, Rates
from bridge.sandbox.journal import Journal
from bridge.sandbox.plans import (
    Packing,
    Plan,
    Story,
    draw_up,
    invent_return,
    labels_of,
    pack,
)
from bridge.sandbox.redo_bodies import return_body, webhook_body
from bridge.sandbox.redo_shop import RedoShop
from bridge.sandbox.redo_webhooks import Subscription, WebhookSender
from bridge.sandbox.shoppers import Traffic, Waits
from bridge.sandbox.warehouse_documents import Parcel, Unit

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Receiver(Protocol):
    url: str

    @property
    def bodies(self) -> list[bytes]: ...


def test_the_same_seed_draws_up_the_same_run() -> None:
    first, second = (list(draw_up(5, refused=True, returns=20)) for _ in range(2))
    other = list(draw_up(6, refused=True, returns=20))

    assert first == second != other
    assert [return_body(invent_return(plan, NOW)) for plan in first] == [
        return_body(invent_return(plan, NOW)) for plan in second
    ]


def test_every_story_and_packing_comes_up_early() -> None:
    plans = list(draw_up(1, refused=False, returns=10))

    assert {plan.story for plan in plans} == set(Story)
    assert {plan.packing for plan in plans} == set(Packing)
    assert {plan.reviewed for plan in plans} == {True, False}


def test_one_return_early_on_is_refused_by_the_warehouse() -> None:
    for seed in range(20):
        plans = list(draw_up(seed, refused=True, returns=30))

        [refused] = [plan for plan in plans if plan.oversize]
        return_ = invent_return(refused, NOW)
        assert 1 <= refused.number <= 5
        assert [line.line.product for line in return_.lines] == [OVERSIZE]


def test_nothing_is_refused_in_a_kind_or_tiny_run() -> None:
    kind = draw_up(1, refused=False, returns=30)
    tiny = draw_up(1, refused=True, returns=2)

    assert not any(plan.oversize for plan in (*kind, *tiny))


def test_ids_are_unique_within_a_run() -> None:
    plans = draw_up(1, refused=True, returns=100)
    returns = [invent_return(plan, NOW) for plan in plans]

    assert len({return_.id for return_ in returns}) == 100
    assert len({line.id for return_ in returns for line in return_.lines}) > 100


def test_every_parcel_holds_what_its_packing_says() -> None:
    def packed(packing: Packing) -> Parcel:
        plan = Plan(0, 1, Story.REFUND, packing, reviewed=False)
        return_ = invent_return(plan, NOW)
        return_.labels = labels_of(return_)
        return pack(plan, return_, return_.labels[0])

    full = packed(Packing.FULL).units

    assert packed(Packing.SHORT).units == full[1:]
    assert packed(Packing.DAMAGED).units == (Unit(full[0].sku, damaged=True), *full[1:])
    assert packed(Packing.UNEXPECTED).units[:-1] == full


def test_two_parcels_share_the_lines_between_them() -> None:
    plan = Plan(0, 1, Story.TWO_PARCELS, Packing.FULL, reviewed=False)
    return_ = invent_return(plan, NOW)

    labels = labels_of(return_)

    assert [len(label.item_ids) for label in labels] == [1, 1]
    assert len({label.tracker for label in labels}) == 2


def read(body: bytes) -> PlatformView:
    source = RedoSource("demo", (SecretStr("t"),), Privacy(b"k" * 32))
    return source.read(
        Observation("i", "redo/demo/x", "redo", "demo", "webhook", NOW, body)
    )


def test_the_bridge_can_read_what_the_shop_writes() -> None:
    for plan in draw_up(3, refused=True, returns=16):
        return_ = invent_return(plan, NOW)
        return_.labels = labels_of(return_)

        view = read(orjson.dumps(webhook_body("created", NOW, return_))).view

        assert view.number is not None
        assert view.state is (State.REQUESTED if plan.reviewed else State.APPROVED)
        assert len(view.items) == len(return_.lines)
        assert len(view.shipments) == len(return_.labels)
        assert (view.exchange is None) == (plan.story.value[:8] != "exchange")


class Town:
    """Shop, traffic and a dock that keeps the parcels; people are quick."""

    def __init__(self, clock: SystemClock) -> None:
        journal = Journal(clock)
        self.clock = clock
        self.parcels: list[Parcel] = []
        self.sender = WebhookSender(
            clock=clock, journal=journal, habits=Habits(Rates())
        )
        self.shop = RedoShop("s1", sender=self.sender, clock=clock, journal=journal)
        self.traffic = Traffic(
            self.shop,
            dock=self.dock,
            clock=clock,
            waits=Waits(review=0.01, decide=0.01, travel=0.01),
        )

    async def dock(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)


async def test_traffic_sees_every_return_to_its_end(clock: SystemClock) -> None:
    town = Town(clock)
    plans = list(draw_up(2, refused=True, returns=16))

    await town.traffic.run(plans, timedelta(milliseconds=5))
    await town.sender.close()

    ends = {return_.status for return_ in town.shop.all()}
    green = sum(plan.story is Story.GREEN for plan in plans)
    apart = sum(plan.story is Story.TWO_PARCELS for plan in plans)
    assert (town.traffic.started, town.traffic.finished) == (16, 16)
    assert ends == {"delivered", "complete"}
    assert len(town.parcels) == 16 - green + apart


async def test_a_whole_life_is_told_about_in_order(
    clock: SystemClock, receiver: Receiver, until: Until
) -> None:
    town = Town(clock)
    town.sender.subscribe(Subscription(receiver.url, "t"))
    plan = Plan(0, 1, Story.TWO_PARCELS, Packing.FULL, reviewed=True)

    await town.traffic.run([plan], timedelta(0))
    await until(lambda: town.sender.pending == 0)
    await town.sender.close()

    assert [read(body).view.state for body in receiver.bodies] == [
        *(State.REQUESTED, State.UNDER_REVIEW, State.APPROVED),
        *(State.IN_TRANSIT, State.IN_TRANSIT, State.IN_TRANSIT, State.DELIVERED),
    ]
