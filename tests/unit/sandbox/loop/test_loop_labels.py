"""Labels from outside Loop, the ASN report, and parcels at a hub."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_scopes import RETURNS
from bridge.sandbox.loop_simulator import LoopSimulator
from bridge.sandbox.loop_switches import LoopSwitches
from tests.support import loopback
from tests.unit.sandbox.conftest import Receiver
from tests.unit.sandbox.loop.conftest import APP, KEY, install

Start = Callable[..., Awaitable[LoopSimulator]]
New = Callable[..., LoopReturn]
Until = Callable[[Callable[[], bool]], Awaitable[None]]

ASKING = LoopSwitches(label_requests=True)


def base(simulator: LoopSimulator) -> str:
    return f"{simulator.url}/api/2026-10"


def label(request: str, tracking: str = "T-1") -> dict[str, object]:
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
    simulator = await start(switches=ASKING, client=APP)
    simulator.shop.add(new_return())
    return simulator


@pytest.fixture
async def app(asking: LoopSimulator) -> AsyncIterator[httpx.AsyncClient]:
    """Give the client of an app that may do what carriers do."""
    token = await install(asking, "labels:write label_requests:write")
    async with loopback.client(headers={"Authorization": f"Bearer {token}"}) as made:
        yield made


def request_of(simulator: LoopSimulator) -> str:
    (id_,) = simulator.shop.label_requests
    return id_


async def test_a_label_that_is_handed_in_is_the_returns_and_is_told(
    asking: LoopSimulator, app: httpx.AsyncClient, receiver: Receiver, until: Until
) -> None:
    asking.subscribe(receiver.url)
    return_ = asking.shop.find(900_411)
    assert return_ is not None
    id_, url = request_of(asking), base(asking)

    made = await app.post(f"{url}/labels", json=label(id_))
    moved = await app.put(f"{url}/labels/{id_}", json={"status": "in_transit"})
    await until(lambda: any(b"label.updated" in body for body in receiver.bodies))

    assert (made.status_code, moved.status_code) == (201, 204)
    assert made.headers["location"] == f"/labels/{id_}"
    assert return_.label is not None
    assert (return_.label.tracking_number, return_.label.status) == (
        "T-1",
        "in_transit",
    )
    assert any(b"label.created" in body for body in receiver.bodies)


async def test_the_oldest_version_answers_labels_with_200(
    asking: LoopSimulator, app: httpx.AsyncClient
) -> None:
    id_, old = request_of(asking), f"{asking.url}/api"

    made = await app.post(f"{old}/labels", json=label(id_))
    moved = await app.put(f"{old}/v1/labels/{id_}", json={"status": "in_transit"})

    assert (made.status_code, moved.status_code) == (200, 200)
    assert "location" not in made.headers


async def test_a_key_is_not_enough_for_labels(
    asking: LoopSimulator, client: httpx.AsyncClient
) -> None:
    id_, url = request_of(asking), base(asking)

    by_key = await client.post(f"{url}/labels", json=label(id_))
    requests = await client.get(f"{url}/label-requests")

    assert (by_key.status_code, requests.status_code) == (401, 200)


async def test_the_id_of_a_label_request_may_be_a_uuid(
    asking: LoopSimulator,
    app: httpx.AsyncClient,
    client: httpx.AsyncClient,
    new_return: New,
) -> None:
    asking.shop.switches = replace(ASKING, label_request_uuids=True)
    asking.shop.add(new_return(7))
    url = f"{base(asking)}/label-requests"
    rows = (await client.get(url, params={"return_id": "7"})).json()["data"]

    (id_,) = (row["id"] for row in rows)
    made = await app.post(f"{base(asking)}/labels", json=label(id_))

    assert str(UUID(id_)) == id_
    assert made.status_code == 201


async def test_a_label_handed_in_twice_is_two_labels(
    asking: LoopSimulator, app: httpx.AsyncClient
) -> None:
    id_ = request_of(asking)

    for tracking in ("T-1", "T-2"):
        await app.post(f"{base(asking)}/labels", json=label(id_, tracking))

    assert asking.shop.label_requests[id_].labels == 2


async def test_what_was_not_asked_for_is_refused(
    asking: LoopSimulator, app: httpx.AsyncClient
) -> None:
    id_, url = request_of(asking), base(asking)

    early = await app.put(f"{url}/labels/{id_}", json={"status": "delivered"})
    foreign = await app.post(f"{url}/labels", json=label(f"{id_}1"))
    short = await app.post(f"{url}/labels", json={"label_request_id": id_})
    await app.post(f"{url}/labels", json=label(id_))
    odd = await app.put(f"{url}/labels/{id_}", json={"status": "eaten"})
    asking.shop.cancel(900_411)
    late = await app.post(f"{url}/labels", json=label(id_))

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


async def test_a_label_that_is_queued_comes_later_and_is_told_everywhere(
    asking: LoopSimulator, client: httpx.AsyncClient, receiver: Receiver, until: Until
) -> None:
    asking.subscribe(receiver.url)
    url, asked = base(asking), {"return_id": "900411"}

    queued = await client.post(f"{url}/returns/900411/labels")
    again = await client.post(f"{url}/returns/900411/labels")
    await until(lambda: asking.idle)
    later = await client.get(f"{url}/warehouse/return/details", params=asked)
    too_late = await client.post(f"{url}/returns/900411/labels")

    codes = [answer.status_code for answer in (queued, again, too_late)]
    assert codes == [202, 409, 409]
    assert queued.json()["returnId"] == "900411"
    tracking = later.json()["tracking_number"]
    told = {body["trigger"]: body for body in map(json.loads, receiver.bodies)}
    assert told["label.created"]["tracking_number"] == tracking != "N/A"
    assert told["return.updated"]["labels"][0]["tracking_number"] == tracking


async def test_a_finished_or_unknown_return_gets_no_label(
    asking: LoopSimulator, client: httpx.AsyncClient
) -> None:
    url = f"{base(asking)}/returns"
    asking.shop.cancel(900_411)

    codes = [
        (await client.post(f"{url}/{id_}/labels")).status_code for id_ in (900_411, 7)
    ]

    assert codes == [422, 404]


async def test_a_return_that_ends_meanwhile_gets_no_label(
    asking: LoopSimulator, client: httpx.AsyncClient, until: Until
) -> None:
    await client.post(f"{base(asking)}/returns/900411/labels")

    asking.shop.cancel(900_411)
    await until(lambda: asking.idle)

    return_ = asking.shop.find(900_411)
    assert return_ is not None
    assert return_.label is None


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
