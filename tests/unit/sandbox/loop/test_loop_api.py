"""The simulated Loop answers as its sheet says, traps included."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from bridge.sandbox.loop_keys import Limits
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_scopes import ALL_SCOPES, RETURNS
from bridge.sandbox.loop_simulator import LoopSimulator
from tests.support import loopback
from tests.support.leaping import LeapingClock

Start = Callable[..., Awaitable[LoopSimulator]]
New = Callable[..., LoopReturn]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


def base(simulator: LoopSimulator, version: str = "2026-10") -> str:
    return f"{simulator.url}/api/{version}"


def at(simulator: LoopSimulator, path: str, id_: int = 900_411) -> str:
    return f"{base(simulator)}/warehouse/return/{id_}/{path}"


# ------------------------------------------------------------------- access


@pytest.mark.parametrize("version", ["2026-10", "2026-07", "unstable", "v1"])
async def test_every_version_is_served(
    start: Start, client: httpx.AsyncClient, version: str
) -> None:
    simulator = await start()

    answer = await client.get(f"{base(simulator, version)}/webhooks")

    assert answer.status_code == 200


async def test_no_version_is_the_oldest_and_a_foreign_one_is_nothing(
    start: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start()

    none = await client.get(f"{simulator.url}/api/webhooks")
    foreign = await client.get(f"{simulator.url}/api/2019-01/webhooks")

    assert (none.status_code, foreign.status_code) == (200, 404)


async def test_a_wrong_key_and_a_missing_scope_look_alike(start: Start) -> None:
    simulator = await start(keys={"narrow": frozenset({RETURNS})})

    async with loopback.client() as client:
        for key in ("nobody", "narrow"):
            answer = await client.get(
                f"{base(simulator)}/webhooks", headers={"X-Authorization": key}
            )

            assert answer.status_code == 401
            assert answer.json()["error"]["http_code"] == "GEN-UNAUTHORIZED"


async def test_a_key_may_call_so_often_in_any_minute(
    start: Start, client: httpx.AsyncClient
) -> None:
    clock = LeapingClock()
    simulator = await start(clock, limits=Limits(3, tells_retry_after=True))
    url = f"{base(simulator)}/webhooks"

    codes = [(await client.get(url)).status_code for _ in range(4)]
    refused = await client.get(url)
    clock.leap(timedelta(seconds=61))
    later = await client.get(url)

    assert codes == [200, 200, 200, 429]
    assert refused.headers["retry-after"] == "60"
    assert later.status_code == 200
    assert (simulator.keys.refused, simulator.keys.most_in_a_minute) == (2, 3)


async def test_each_key_has_three_hundred_calls_a_minute_of_its_own(
    start: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start(keys={"one": ALL_SCOPES, "two": ALL_SCOPES})
    url = f"{base(simulator)}/webhooks"

    codes = [
        (await client.get(url, headers={"X-Authorization": "one"})).status_code
        for _ in range(301)
    ]
    other = await client.get(url, headers={"X-Authorization": "two"})

    assert codes == [200] * 300 + [429]
    assert other.status_code == 200


async def test_a_revoked_key_stops_working(
    start: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start()

    simulator.keys.revoke()

    assert (await client.get(f"{base(simulator)}/webhooks")).status_code == 401


# ------------------------------------------------------------------ actions


async def test_processing_is_queued_and_a_second_call_is_refused_with_200(
    start: Start, client: httpx.AsyncClient, new_return: New, until: Until
) -> None:
    simulator = await start()
    return_ = new_return()
    simulator.shop.add(return_)

    first = await client.post(at(simulator, "process"))
    second = await client.post(at(simulator, "process"))
    await until(lambda: return_.state == "closed")

    assert first.json() is True
    assert second.status_code == 200
    assert "errors" in second.json()
    assert return_.refunded


async def test_a_return_under_review_is_not_processed(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return())

    flagged = await client.post(at(simulator, "flag"))
    refused = await client.post(at(simulator, "process"))

    assert flagged.json() is True
    assert refused.json()["errors"]["code"] == "UNPROCESSABLE_FLAGGED_RETURN"


async def test_refusals_come_in_several_shapes_all_with_200(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return())
    await client.post(at(simulator, "cancel"))

    answers = [await client.post(at(simulator, "close")) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [sorted(answer.json()) for answer in answers] == [
        ["errors"],
        ["errors"],
        ["message"],
        ["content"],
    ]


async def test_close_pays_nothing_and_keeps_the_amounts(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    return_ = new_return()
    simulator.shop.add(return_)

    await client.post(at(simulator, "close"))
    details = (
        await client.get(
            f"{base(simulator)}/warehouse/return/details",
            params={"return_id": "900411"},
        )
    ).json()

    assert (details["state"], details["refund"]) == ("closed", "104.00")
    assert details["refunds"] == []


async def test_removing_lines_processes_the_rest(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    return_ = new_return()
    simulator.shop.add(return_)
    unit = return_.units[0].id

    answer = await client.post(at(simulator, f"remove?line_item_id={unit}"))

    assert answer.json() is True
    assert (return_.state, return_.cents) == ("closed", 5_200)


async def test_an_unknown_return_or_action_is_told(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return())

    nobody = await client.post(at(simulator, "process", 7))
    nothing = await client.post(at(simulator, "reopen"))

    assert nobody.json()["errors"]["code"] == "NOT_FOUND"
    assert nothing.status_code == 404


async def test_notes_are_422_when_there_are_none_and_when_one_is_too_long(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return())

    none = await client.get(at(simulator, "notes"))
    long = await client.post(at(simulator, "note"), json={"content": "x" * 255})
    odd = await client.post(at(simulator, "note"), content=b"[]")
    taken = await client.post(at(simulator, "note"), json={"content": "x" * 254})
    some = await client.get(at(simulator, "notes"))

    assert [none.status_code, long.status_code, odd.status_code] == [422] * 3
    assert taken.json() is True
    assert some.json()["notes"][0]["content"] == "x" * 254


# ---------------------------------------------------------------- warehouse


async def test_a_batch_of_grades_is_limited_and_foreign_lines_are_forbidden(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    return_ = new_return()
    simulator.shop.add(return_)
    url = f"{base(simulator)}/dispositioning/grade"
    unit = return_.units[0].id
    good = {"line_item_id": unit, "description": "ok", "condition_category": "grade_a"}

    taken = await client.post(url, json={"items": [good]})
    many = await client.post(url, json={"items": [good] * 21})
    foreign = await client.post(url, json={"items": [{**good, "line_item_id": 1}]})
    odd = await client.post(
        url, json={"items": [{**good, "condition_category": "nice"}]}
    )
    empty = await client.post(url, content=b"?")

    codes = [answer.status_code for answer in (taken, many, foreign, odd, empty)]
    assert codes == [200, 422, 403, 422, 422]
    assert return_.grades == {unit: ["grade_a"]}


async def test_a_grade_is_described_in_few_words_and_pictures(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    return_ = new_return()
    simulator.shop.add(return_)
    url = f"{base(simulator)}/dispositioning"
    unit = {"line_item_id": return_.units[0].id}
    grade = unit | {"condition_category": "grade_a", "description": "x" * 255}
    assess = unit | {"disposition_outcome": "back_to_stock", "note": "x" * 65_535}

    fit = [
        await client.post(f"{url}/grade", json={"items": [grade]}),
        await client.post(f"{url}/assess", json={"items": [assess] * 30}),
    ]
    too_much = [
        await client.post(f"{url}/{kind}", json={"items": [item]})
        for kind, item in (
            ("grade", grade | {"description": "x" * 256}),
            ("grade", grade | {"description": ""}),
            ("grade", grade | {"images": ["a"] * 6}),
            ("assess", assess | {"note": "x" * 65_536}),
        )
    ]

    assert [answer.status_code for answer in fit] == [200, 200]
    assert {answer.status_code for answer in too_much} == {422}


# ------------------------------------------------------------ registrations


@pytest.mark.parametrize("default", ["active", "inactive"])
async def test_a_registration_without_status_gets_a_default_and_no_secret(
    start: Start, client: httpx.AsyncClient, default: str
) -> None:
    simulator = await start(default_status=default)
    url = f"{base(simulator)}/webhooks"
    wanted = {"topic": "return", "trigger": "return.created", "url": "http://a/b"}

    made = await client.post(url, json=wanted)
    await client.post(url, json=wanted)
    known = (await client.get(url)).json()["webhooks"]

    assert made.status_code == 201
    assert made.json()["status"] == default
    assert not {"secret", "signing_secret"} & made.json().keys()
    assert len(known) == 2


async def test_a_registration_is_changed_as_a_whole_and_deleted_once(
    start: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start()
    simulator.subscribe("http://a/b")
    url = f"{base(simulator)}/webhooks"
    id_ = (await client.get(url)).json()["webhooks"][0]["id"]
    wanted = {"topic": "label", "trigger": "label.created", "url": "http://c/d"}

    changed = await client.put(f"{url}/{id_}", json={**wanted, "status": "inactive"})
    odd = await client.put(f"{url}/{id_}", json={**wanted, "status": "sleepy"})
    nobody = await client.put(f"{url}/1", json=wanted)
    bad = await client.post(url, json={"topic": "label"})
    gone = [(await client.delete(f"{url}/{id_}")).status_code for _ in range(2)]
    last = await client.delete(f"{url}/{id_}")

    codes = [changed, odd, nobody, bad]
    assert [answer.status_code for answer in codes] == [204, 422, 404, 422]
    assert gone == [204, 404]
    assert last.json() == {"errors": {"code": "NOT_FOUND"}}
