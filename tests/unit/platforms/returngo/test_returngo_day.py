"""A day of 500 changed RMAs against the simulated ReturnGO: it counts the calls."""

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random

from bridge.platforms.contract import Observation, PlatformView
from bridge.sandbox.messenger import Unreliable
from bridge.sandbox.quota import busiest
from bridge.sandbox.returngo_bodies import Rma, detail
from tests.support.clock import START
from tests.unit.platforms.returngo.day import DAY, HOUR, KEY, Day


def life(day: Day, dice: Random) -> Iterator[None]:
    """One RMA's changes, one at each step."""
    rma: Rma = day.shop.create(1 + dice.randrange(3))
    yield
    day.shop.set_status(rma, "Approved")
    yield
    for status in ("LabelCreated", "Shipped", "Received"):
        day.shop.move(rma, rma.parcels[0], status)
        yield
    day.shop.validate(rma)
    movement = day.shop.pay(rma)
    yield
    day.shop.set_status(rma, "Done")
    yield
    day.shop.settle(rma, movement)


async def lived(day: Day, rmas: int, until: timedelta) -> None:
    """Let each RMA, somewhere in its life, change twice in the first 20 hours.

    Then the bridge has until the day's end to catch up.
    """
    dice = Random(7)  # noqa: S311  the same day each time
    agenda: list[tuple[timedelta, int]] = []
    lives = [life(day, dice) for _ in range(rmas)]
    for number, each in enumerate(lives):
        for _ in range(1 + dice.randrange(7)):
            next(each)
        agenda += [(dice.uniform(0, 20) * HOUR, number) for _ in range(2)]
    agenda.sort()
    while (passed := day.clock.now() - START) < until:
        while agenda and agenda[0][0] <= passed:
            next(lives[agenda.pop(0)[1]], None)
        await day.pass_on()


async def go_on(day: Day, until: timedelta) -> None:
    """Let nothing change any more."""
    while day.clock.now() - START < until:
        await day.pass_on()


def behind(day: Day) -> list[str]:
    """Return the RMAs of which the bridge does not know how they stand."""
    wrong = []
    for rma in day.shop.rmas.values():
        body = json.dumps(detail(rma)).encode()
        subject = f"returngo/demo/{rma.id}"
        seen = Observation("o", subject, "returngo", "demo", "poll", START, body)
        truth = day.source.read(seen)
        known = day.states.get(subject)
        assert isinstance(truth, PlatformView)
        version = known.version if known else None
        if version is None or version.content != truth.version.content:
            wrong.append(rma.id)
    return wrong


async def test_a_day_of_500_changed_rmas_stays_within_2000_calls() -> None:
    webhooks = Unreliable(lost=0.3, twice=0.2, delayed=0.5, late=HOUR)
    day = Day(webhooks)

    await lived(day, 500, until=DAY)
    missed = behind(day)
    await go_on(day, until=2 * DAY)

    quota = day.simulator.quota
    assert busiest(quota.times[KEY], DAY) <= 2_000
    assert quota.refused[KEY] == 0
    assert len(missed) < 50  # parcels that moved in silence: the sweep comes round
    assert behind(day) == []
    await day.close()


async def test_polls_alone_end_in_the_same_picture() -> None:
    day = Day(Unreliable(lost=1.0))

    await lived(day, 100, until=DAY)
    await go_on(day, until=DAY + 6 * HOUR)

    assert day.fetched == 0
    assert behind(day) == []
    assert busiest(day.simulator.quota.times[KEY], DAY) <= 1_200
    await day.close()


async def test_a_refund_that_is_only_wished_for_is_asked_for_once() -> None:
    day = Day(Unreliable(lost=1.0), notify_only=True)
    rma = day.shop.create(2)
    day.shop.set_status(rma, "Approved")
    day.shop.validate(rma)
    await go_on(day, until=HOUR)
    movement = day.shop.pay(rma)
    await go_on(day, until=4 * HOUR)
    asked = day.events.count("refund.requested")

    day.shop.set_status(rma, "Done")
    await go_on(day, until=6 * HOUR)
    day.shop.settle(rma, movement)
    await go_on(day, until=8 * HOUR)

    assert asked == 1
    assert day.events.count("refund.requested") == 1
    assert day.events.count("refund.issued") == 1
    assert behind(day) == []
    await day.close()


async def test_a_cancelled_rma_that_lives_again_is_reopened() -> None:
    day = Day(Unreliable())
    rma = day.shop.create()
    for hour, status in enumerate(("Approved", "Canceled", "Approved"), start=1):
        day.shop.set_status(rma, status)
        await go_on(day, until=hour * HOUR)

    assert day.events.count("return.cancelled") == 1
    assert day.events.count("return.reopened") == 1
    await day.close()
