"""What the list asks of those who walk through it, over HTTP."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from bridge.sandbox.redo_ways import RedoWays
from bridge.sandbox.redo_webhooks import Subscription
from tests.support.leaping import LeapingClock
from tests.unit.sandbox.conftest import Receiver
from tests.unit.sandbox.redo.conftest import Connect, Start, add

Until = Callable[[Callable[[], bool]], Awaitable[None]]
SECOND = timedelta(seconds=1)
PATH = "/stores/s1/returns"


def ids(answer: httpx.Response) -> list[str]:
    return [return_["id"] for return_ in answer.json()["returns"]]


@pytest.mark.parametrize(("count", "leads_on"), [(20, False), (21, True)])
async def test_without_a_size_a_page_has_twenty(
    start: Start, connect: Connect, *, count: int, leads_on: bool
) -> None:
    shop = await start()
    for number in range(count):
        add(shop, number)

    page = await connect(shop).get(PATH)

    assert len(ids(page)) == len(page.json()["orders"]) == 20
    assert ("x-page-next" in page.headers) == leads_on


@pytest.mark.parametrize("name", ["shopify_order_name", "provider_order_name"])
async def test_a_name_of_an_order_finds_its_return(
    start: Start, connect: Connect, name: str
) -> None:
    shop = await start()
    _, wanted = add(shop, 0), add(shop, 1)

    page = await connect(shop).get(PATH, params={name: wanted.order.name})

    assert ids(page) == [wanted.id]


@pytest.mark.parametrize(
    "query", ["status=dancing", "status=open&status=complete", "status=open,complete"]
)
async def test_a_status_is_exactly_one_of_the_ten(
    start: Start, connect: Connect, query: str
) -> None:
    answer = await connect(await start()).get(f"{PATH}?{query}")

    assert answer.status_code == 400


async def test_a_return_that_changes_during_a_walk_leaves_the_window(
    start: Start, connect: Connect
) -> None:
    clock = LeapingClock()
    shop = await start(clock=clock)
    oldest, *others = (add(shop, number) for number in range(5))
    client, headers = connect(shop), {"x-page-size": "3"}
    until = {"updated_at_max": (others[-1].updated_at + SECOND).isoformat()}
    first = await client.get(PATH, params=until, headers=headers)

    clock.leap(2 * SECOND)
    shop.shop.put_status(oldest.id, "flagged")
    headers["x-page-continue"] = first.headers["x-page-next"]
    rest = await client.get(PATH, params=until, headers=headers)

    assert oldest.id not in ids(first) + ids(rest)
    assert ids(rest) == [others[0].id]


@pytest.mark.parametrize("stamps", [True, False])
async def test_a_scan_may_leave_the_update_time_and_its_webhook_says_when(
    start: Start, receiver: Receiver, until: Until, *, stamps: bool
) -> None:
    shop = await start(ways=RedoWays(scans_stamp=stamps))
    shop.sender.subscribe(Subscription(receiver.url, None))
    return_ = add(shop, ago=timedelta(hours=1))

    shop.shop.scan(return_.id, lambda each, _: each.tags.append("scanned"))
    await until(lambda: shop.idle)

    created, scanned = (json.loads(body) for body in receiver.bodies)
    times = [body["return"]["updatedAt"] for body in (created, scanned)]
    assert scanned["return"]["tags"][0]["name"] == "scanned"
    assert (times[0] < times[1]) == stamps
    assert created["at"] < scanned["at"]
