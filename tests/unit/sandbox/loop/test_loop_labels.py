"""Labels from outside Loop, the ASN report, and parcels at a hub."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from bridge.sandbox.loop_keys import RETURNS
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_shop import LoopSwitches
from bridge.sandbox.loop_simulator import LoopSimulator
from tests.unit.sandbox.conftest import Receiver
from tests.unit.sandbox.loop.conftest import KEY

Start = Callable[..., Awaitable[LoopSimulator]]
New = Callable[..., LoopReturn]
Until = Callable[[Callable[[], bool]], Awaitable[None]]

ASKING = LoopSwitches(label_requests=True)


def base(simulator: LoopSimulator) -> str:
    return f"{simulator.url}/api/2026-10"


def label(request: int, tracking: str = "T-1") -> dict[str, object]:
    return {
        "label_request_id": request,
        "tracking_number": tracking,
        "tracking_url": f"https://track.example/{tracking}",
        "carrier": "OtherPost",
        "label_url": "https://labels.example/1.pdf",
        "rate": {"amount": 812, "currency_code": "USD"},
    }


@pytest.fixture
async def asking(start: Start, new_return: New) -> LoopSimulator:
    """Give a shop that asks for labels, with one return."""
    simulator = await start(switches=ASKING)
    simulator.shop.add(new_return())
    return simulator


def request_of(simulator: LoopSimulator) -> int:
    (id_,) = simulator.shop.label_requests
    return id_


async def test_a_label_that_is_handed_in_is_the_returns_and_is_told(
    start: Start,
    client: httpx.AsyncClient,
    new_return: New,
    receiver: Receiver,
    until: Until,
) -> None:
    simulator = await start(switches=ASKING)
    simulator.subscribe(receiver.url)
    return_ = new_return()
    simulator.shop.add(return_)
    id_, url = request_of(simulator), base(simulator)

    made = await client.post(f"{url}/labels", json=label(id_))
    moved = await client.put(f"{url}/labels/{id_}", json={"status": "in_transit"})
    await until(lambda: any(b"label.updated" in body for body in receiver.bodies))

    assert (made.status_code, moved.status_code) == (201, 204)
    assert made.headers["location"] == f"/labels/{id_}"
    assert return_.label is not None
    assert (return_.label.tracking_number, return_.label.status) == (
        "T-1",
        "in_transit",
    )
    assert any(b"label.created" in body for body in receiver.bodies)


async def test_a_label_handed_in_twice_is_two_labels(
    asking: LoopSimulator, client: httpx.AsyncClient
) -> None:
    id_ = request_of(asking)

    for tracking in ("T-1", "T-2"):
        await client.post(f"{base(asking)}/labels", json=label(id_, tracking))

    assert asking.shop.label_requests[id_].labels == 2


async def test_what_was_not_asked_for_is_refused(
    asking: LoopSimulator, client: httpx.AsyncClient
) -> None:
    id_, url = request_of(asking), base(asking)

    early = await client.put(f"{url}/labels/{id_}", json={"status": "delivered"})
    foreign = await client.post(f"{url}/labels", json=label(id_ + 1))
    short = await client.post(f"{url}/labels", json={"label_request_id": id_})
    await client.post(f"{url}/labels", json=label(id_))
    odd = await client.put(f"{url}/labels/{id_}", json={"status": "eaten"})
    asking.shop.cancel(900_411)
    late = await client.post(f"{url}/labels", json=label(id_))

    codes = [answer.status_code for answer in (early, foreign, short, odd, late)]
    assert codes == [404, 404, 422, 422, 404]


async def test_a_request_is_given_up_with_a_reason_that_loop_knows(
    asking: LoopSimulator, client: httpx.AsyncClient
) -> None:
    id_, url = request_of(asking), f"{base(asking)}/label-requests"

    odd = await client.post(f"{url}/{id_}/errors", json={"reason": "TIRED"})
    nobodys = await client.post(f"{url}/1/errors", json={"reason": "Other"})
    taken = await client.post(f"{url}/{id_}/errors", json={"reason": "Other"})

    assert [odd.status_code, nobodys.status_code] == [422, 404]
    assert taken.json() is True
    known = asking.shop.label_requests[id_]
    assert (known.status, known.reason) == ("failed", "Other")


async def test_requests_are_listed_by_window_return_and_status_in_pages(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start(switches=ASKING)
    for number in range(1, 4):
        simulator.shop.add(new_return(id_=number))
    simulator.shop.cancel(2)
    url = f"{base(simulator)}/label-requests"

    async def listed(**params: str) -> list[int]:
        rows = (await client.get(url, params=params)).json()["data"]
        return [row["return_id"] for row in rows]

    assert await listed() == [1, 2, 3]
    assert await listed(return_id="3") == [3]
    assert await listed(status="cancelled") == [2]
    assert await listed(limit="2", offset="1") == [2, 3]
    assert await listed(to="2000-01-01") == []
    assert await listed(**{"from": "2000-01-01T00:00:00Z"}) == [1, 2, 3]
    for wrong in ({"limit": "251"}, {"offset": "-1"}, {"from": "yesterday"}):
        assert (await client.get(url, params=wrong)).status_code == 422


async def test_the_asn_report_has_a_row_for_each_unit_of_its_window(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return(id_=1))
    simulator.shop.add(new_return(id_=2, ago=timedelta(days=3)))
    simulator.shop.label(1, "delivered")
    url = f"{base(simulator)}/warehouse/reporting/asn"

    day = (await client.get(url)).json()
    wide = {"from": "2000-01-01", "to": "2000-04-01"}
    old, too_wide = [
        await client.get(url, params=params)
        for params in (wide, wide | {"to": "2001-01-01"})
    ]

    assert [row["id"] for row in day] == [1, 1]
    assert len({row["return_line_item_id"] for row in day}) == 2
    assert day[0]["label_status"] == "delivered"
    assert day[0]["delivery_date"] is not None
    assert (old.json(), too_wide.status_code) == ([], 422)


async def test_a_parcel_at_a_hub_leads_to_its_return_with_the_right_scope(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return())
    simulator.shop.label(900_411, "in_transit")
    return_ = simulator.shop.find(900_411)
    assert return_ is not None
    assert return_.label is not None
    path = f"/happy-returns/shipments/{return_.label.shipment}"

    found = await client.get(f"{base(simulator)}{path}")
    nobodys = await client.get(f"{base(simulator)}/happy-returns/shipments/1")
    poor = await start(keys={KEY: frozenset({RETURNS})})
    refused = await client.get(f"{base(poor)}{path}")

    assert found.json()["return_id"] == 900_411
    assert found.json()["loop_shipment_id"] == return_.label.shipment
    assert [nobodys.status_code, refused.status_code] == [404, 401]


async def test_a_state_that_nobody_knows_can_come(
    start: Start, new_return: New, receiver: Receiver, until: Until
) -> None:
    simulator = await start()
    simulator.subscribe(receiver.url)
    simulator.shop.add(new_return())

    simulator.shop.turn_strange(900_411, "on_the_moon")

    await until(lambda: any(b"on_the_moon" in body for body in receiver.bodies))
