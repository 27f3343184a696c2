import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from bridge.clock import SystemClock
from bridge.sandbox.habits import Habits, Rates
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_shop import RedoShop, set_status
from bridge.sandbox.redo_webhooks import Subscription, WebhookSender
from bridge.sandbox.shop_returns import ShopReturn

Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Receiver(Protocol):
    url: str
    requests: list[tuple[dict[str, str], bytes]]
    answers: list[int]

    @property
    def bodies(self) -> list[bytes]: ...


class Shop:
    """A shop whose webhooks go to the receiver."""

    def __init__(self, receiver: Receiver, clock: SystemClock, rates: Rates) -> None:
        self.journal = Journal(clock)
        self.clock = clock
        self.sender = WebhookSender(
            clock=clock, journal=self.journal, habits=Habits(rates)
        )
        self.shop = RedoShop(
            "s1", sender=self.sender, clock=clock, journal=self.journal
        )
        self.receiver = receiver

    def subscribe(self) -> None:
        self.sender.subscribe(Subscription(self.receiver.url, "token-1"))

    def add(self) -> ShopReturn:
        plan = Plan(0, 1, Story.REFUND, Packing.FULL, reviewed=False)
        return_ = invent_return(plan, self.clock.now())
        self.shop.add(return_)
        return return_

    def move(self, return_: ShopReturn, status: str) -> None:
        self.shop.change(return_.id, lambda r, _: set_status(r, status))

    def seen(self) -> list[tuple[str, str]]:
        bodies = [json.loads(body) for body in self.receiver.bodies]
        return [(body["type"], body["return"]["status"]) for body in bodies]


async def test_every_change_arrives_in_order_as_a_full_snapshot(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    shop = Shop(receiver, clock, Rates())
    shop.subscribe()
    return_ = shop.add()
    for status in ("in_transit", "delivered", "complete"):
        shop.move(return_, status)

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert shop.seen() == [
        ("created", "open"),
        ("updated", "in_transit"),
        ("updated", "delivered"),
        ("updated", "complete"),
    ]
    bodies = [json.loads(body) for body in receiver.bodies]
    keys = {"type", "at", "merchantName", "return", "order"}
    assert all(set(body) == keys for body in bodies)
    stamps = [datetime.fromisoformat(body["return"]["updatedAt"]) for body in bodies]
    assert stamps == sorted(set(stamps))
    assert receiver.requests[0][0]["authorization"] == "Bearer token-1"


async def test_bodies_are_as_long_as_real_ones(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    shop = Shop(receiver, clock, Rates())
    shop.subscribe()
    shop.add()

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert 4_000 < len(receiver.bodies[0]) < 9_000


async def test_webhooks_wait_for_a_subscriber(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    shop = Shop(receiver, clock, Rates())
    shop.add()
    assert shop.sender.pending == 1

    shop.subscribe()

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()
    assert len(receiver.bodies) == 1


async def test_created_can_arrive_after_the_first_update(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    shop = Shop(receiver, clock, Rates(created_late=1.0))
    shop.subscribe()
    return_ = shop.add()
    shop.move(return_, "in_transit")
    shop.move(return_, "delivered")

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert [kind for kind, _ in shop.seen()] == ["updated", "created", "updated"]


async def test_a_body_can_arrive_twice(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    shop = Shop(receiver, clock, Rates(twice=1.0))
    shop.subscribe()
    shop.add()

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert len(receiver.bodies) == 2
    assert receiver.bodies[0] == receiver.bodies[1]


async def test_an_old_body_can_arrive_once_more_after_newer_ones(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    shop = Shop(receiver, clock, Rates(old_again=1.0))
    shop.subscribe()
    return_ = shop.add()
    shop.move(return_, "in_transit")

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert sorted(shop.seen()[2:]) == [("created", "open"), ("updated", "in_transit")]


async def test_a_refused_webhook_is_tried_again_before_the_next_one(
    receiver: Receiver, clock: SystemClock, until: Until
) -> None:
    receiver.answers = [503, 500]
    shop = Shop(receiver, clock, Rates())
    shop.subscribe()
    return_ = shop.add()
    shop.move(return_, "in_transit")

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert [kind for kind, _ in shop.seen()] == ["created"] * 3 + ["updated"]
    assert (shop.sender.retried, shop.sender.discarded) == (2, 0)


class HastyClock(SystemClock):
    """A clock on which waiting takes no time."""

    async def sleep(self, duration: timedelta) -> None:  # noqa: ARG002 port
        await super().sleep(timedelta(0))


async def test_a_webhook_that_nobody_takes_is_thrown_away(
    receiver: Receiver, until: Until
) -> None:
    receiver.answers = [503] * 6
    shop = Shop(receiver, HastyClock(), Rates())
    shop.subscribe()
    return_ = shop.add()
    shop.move(return_, "in_transit")

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()

    assert shop.sender.discarded == 1
    assert shop.journal.counts[Kind.DISCARDED] == 1
    assert shop.seen()[-1] == ("updated", "in_transit")


async def test_a_receiver_that_is_not_there_costs_the_webhook(until: Until) -> None:
    clock = HastyClock()
    journal = Journal(clock)
    sender = WebhookSender(clock=clock, journal=journal)
    shop = RedoShop("s1", sender=sender, clock=clock, journal=journal)
    sender.subscribe(Subscription("http://127.0.0.1:9/hook", "token-1"))
    plan = Plan(0, 1, Story.REFUND, Packing.FULL, reviewed=False)
    shop.add(invent_return(plan, clock.now()))

    await until(lambda: sender.pending == 0)
    await sender.close()

    assert (sender.discarded, sender.retried) == (1, 5)


@pytest.mark.parametrize("write", ["status", "comment"])
async def test_what_is_written_to_the_shop_comes_back_as_an_update(
    receiver: Receiver, clock: SystemClock, until: Until, write: str
) -> None:
    shop = Shop(receiver, clock, Rates())
    shop.subscribe()
    return_ = shop.add()

    if write == "status":
        shop.shop.put_status(return_.id, "flagged")
    else:
        shop.shop.comment(return_.id, {"message": "Booked in"})

    await until(lambda: shop.sender.pending == 0)
    await shop.sender.close()
    last = json.loads(receiver.bodies[-1])
    assert last["type"] == "updated"
    assert (last["return"]["status"] == "flagged") == (write == "status")
    assert bool(last["return"]["notes"]) == (write == "comment")


def test_habits_depend_on_the_seed_alone() -> None:
    rates = Rates(created_late=0.5, twice=0.5, old_again=0.5)

    def drawn(seed: int) -> list[object]:
        habits = Habits(rates, seed)
        subjects = [str(number) for number in range(40)]
        return [
            (habits.created_late(s), habits.twice(s, 1), habits.again_after(s, 1))
            for s in subjects
        ]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)
