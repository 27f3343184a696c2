"""Custom events about shoppers, over HTTP."""

from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue

from tests.unit.sandbox.redo.conftest import Connect, Start, StillClock

PATH, BULK = "/stores/s1/events", "/stores/s1/events/bulk"
EVENT: dict[str, JsonValue] = {
    "eventName": "Return Parcel Inspected",
    "customer": {"email": "fictiva@example.com"},
}


async def statuses(
    client: httpx.AsyncClient, *bodies: dict[str, JsonValue], path: str = PATH
) -> list[int]:
    return [(await client.post(path, json=body)).status_code for body in bodies]


async def test_an_event_is_taken_without_a_word(start: Start, connect: Connect) -> None:
    shop = await start()

    answer = await connect(shop).post(PATH, json=EVENT)

    assert (answer.status_code, answer.content) == (202, b"")
    assert len(shop.events.kept) == 1


async def test_an_event_is_taken_once_for_its_unique_id(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    client = connect(shop)
    named = {**EVENT, "uniqueId": "u-1"}

    alone = await statuses(client, named, named, EVENT, EVENT)
    bulk = await statuses(client, {"events": [named, named]}, path=BULK)

    assert {*alone, *bulk} == {202}
    ids = [event.get("uniqueId") for event in shop.events.kept]
    assert ids == ["u-1", None, None]


async def test_nothings_are_dropped_except_inside_extra(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    nothings: dict[str, JsonValue] = {"zero": 0, "null": None, "empty": ""}
    kept: dict[str, JsonValue] = {"false": False, "one": 1}
    given = {**nothings, **kept, "in": {**nothings, **kept}, "$extra": nothings}

    await connect(shop).post(PATH, json={**EVENT, "data": given})

    [event] = shop.events.kept
    assert event["data"] == {**kept, "in": kept, "$extra": nothings}


def of(customer: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {**EVENT, "customer": customer}


def long(properties: int) -> dict[str, JsonValue]:
    return {**EVENT, "data": {f"p{number}": 1 for number in range(properties)}}


def text(length: int, copies: int = 1) -> dict[str, JsonValue]:
    texts: list[JsonValue] = ["x" * length] * copies
    return {**EVENT, "data": {"texts": texts}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (long(400), 202),
        (long(401), 400),
        (text(100_000), 202),
        (text(100_001), 400),
        (text(99_000, copies=50), 202),
        (text(99_000, copies=51), 400),
        ({**EVENT, "uniqueId": "x" * 255}, 202),
        ({**EVENT, "uniqueId": "x" * 256}, 400),
        ({**EVENT, "uniqueId": ""}, 400),
        (of({}), 400),
        (of({"id": "c", "more": 1}), 400),
        (of({"id": "c", "location": {"planet": "Earth"}}), 400),
        (of({"phoneNumber": "+12025550143"}), 202),
        ({**EVENT, "eventTimestamp": "2027-03-10T09:00:30"}, 400),
        ({**EVENT, "valueCurrency": "Dollars"}, 400),
        ({"customer": {"id": "c"}}, 400),
    ],
    ids=str,
)
async def test_an_event_has_limits(
    start: Start, connect: Connect, body: dict[str, JsonValue], status: int
) -> None:
    assert await statuses(connect(await start()), body) == [status]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (100, 202), (101, 400)])
async def test_a_bulk_has_one_to_a_hundred_events(
    start: Start, connect: Connect, count: int, status: int
) -> None:
    shop = await start()
    body: dict[str, JsonValue] = {"events": [EVENT] * count}

    assert await statuses(connect(shop), body, path=BULK) == [status]
    assert len(shop.events.kept) == (count if status == 202 else 0)


async def test_nobody_hears_what_of_a_bulk_did_not_fit(
    start: Start, connect: Connect
) -> None:
    shop = await start()

    answer = await connect(shop).post(BULK, json={"events": [EVENT, {}, EVENT]})

    assert (answer.status_code, answer.content) == (202, b"")
    assert len(shop.events.kept) == 2


@pytest.mark.parametrize(
    ("path", "body", "limit"),
    [(PATH, EVENT, 100), (BULK, {"events": [EVENT]}, 10)],
    ids=["single", "bulk"],
)
async def test_so_many_events_are_taken_in_a_second(
    start: Start,
    connect: Connect,
    path: str,
    body: dict[str, JsonValue],
    limit: int,
) -> None:
    clock = StillClock()
    client = connect(await start(clock=clock))

    taken = await statuses(client, *([body] * limit), path=path)
    refused = await client.post(path, json=body)
    clock.at += timedelta(seconds=1)
    later = await statuses(client, body, path=path)

    assert set(taken) == {202}
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers
    assert later == [202]


async def test_events_of_a_store_that_is_not_there_are_refused(
    start: Start, connect: Connect
) -> None:
    client = connect(await start())

    assert await statuses(client, EVENT, path="/stores/nobody/events") == [404]
