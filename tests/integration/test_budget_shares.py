"""The members of a target's group share its credential's budget by their partitions."""

import pytest

from bridge.clock import SystemClock
from bridge.delivery.budget import Budget
from bridge.delivery.desk import Desk
from bridge.delivery.turns import Turns
from tests.integration.test_restore import TARGET, Choosy, serving
from tests.support.broker import Broker
from tests.support.kafka_plugin import CreateTopics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def budget_of(desk: Desk) -> Budget:
    desk.turns = desk.turns or Turns(Budget(), SystemClock())
    return desk.turns.budget


async def test_whoever_joins_takes_its_share_and_whoever_leaves_gives_it_back(
    kafka: Broker, topics: CreateTopics
) -> None:
    names = await topics(kafka, TARGET, partitions=4)
    async with serving(kafka, names, Choosy()) as desk:
        first = budget_of(desk)
        async with serving(kafka, names, Choosy()) as other:
            second = budget_of(other)
            await wait_until(
                lambda: first.share == second.share == 0.5, what="two halves"
            )
        await wait_until(lambda: first.share == 1.0, what="the whole again")
