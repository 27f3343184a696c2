"""The simulated Loop's list and details, with every trap of the real ones."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_simulator import LoopSimulator

Start = Callable[..., Awaitable[LoopSimulator]]
New = Callable[..., LoopReturn]

DAY = timedelta(days=1)


def base(simulator: LoopSimulator) -> str:
    return f"{simulator.url}/api/2026-10"


def listing(simulator: LoopSimulator) -> str:
    return f"{base(simulator)}/warehouse/return/list"


async def test_without_parameters_it_is_a_bare_array_of_a_day(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    for id_, ago in ((1, 0), (2, 2), (3, 0), (4, 0)):
        simulator.shop.add(new_return(id_, ago=ago * DAY))
    simulator.shop.cancel(3)
    simulator.shop.flag(4)

    rows = (await client.get(listing(simulator))).json()

    assert [row["id"] for row in rows] == ["1"]


async def test_each_state_has_to_be_asked_for(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    for id_ in (1, 2, 3):
        simulator.shop.add(new_return(id_))
    simulator.shop.cancel(2)
    simulator.shop.flag(3)

    found = {
        state: [
            row["id"]
            for row in (
                await client.get(listing(simulator), params={"state": state})
            ).json()
        ]
        for state in ("open", "cancelled", "review", "closed", "expired")
    }

    assert found == {
        "open": ["1"],
        "cancelled": ["2"],
        "review": ["3"],
        "closed": [],
        "expired": [],
    }


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2026-01-01T00:00:00Z", "to": "2026-05-02T00:00:01Z"},
        {"from": "yesterday"},
        {"filter": "closed_at"},
        {"state": "flagged"},
        {"pageSize": "many"},
    ],
)
async def test_a_window_over_120_days_and_odd_parameters_are_invalid(
    start: Start, client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    simulator = await start()

    answer = await client.get(listing(simulator), params=params)

    assert answer.status_code == 422
    assert set(answer.json()) == {"message", "errors"}


async def test_the_next_page_drops_our_parameters(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    for id_, hours in ((1, 30), (2, 29), (3, 28)):
        simulator.shop.add(new_return(id_, ago=timedelta(hours=hours)))
    ours = {"from": "2020-01-01T00:00:00Z", "state": "open", "paginate": "true"}
    since = (new_return(0, ago=3 * DAY).created_at).isoformat()

    page = (
        await client.get(
            listing(simulator), params=ours | {"from": since, "pageSize": "2"}
        )
    ).json()

    query = parse_qs(urlsplit(page["nextPageUrl"]).query)
    assert [row["id"] for row in page["returns"]] == ["1", "2"]
    assert set(query) == {"to", "filter", "pageSize", "cursor"}


@pytest.mark.parametrize("skips", [True, False])
async def test_rows_of_one_second_at_a_pages_edge_come_twice_or_never(
    start: Start, client: httpx.AsyncClient, new_return: New, *, skips: bool
) -> None:
    simulator = await start(skips_edges=skips)
    same = new_return(0, ago=timedelta(minutes=5)).created_at.replace(microsecond=0)
    for id_ in (1, 2, 3):
        return_ = new_return(id_)
        return_.created_at = return_.updated_at = same
        simulator.shop.add(return_)
    params = {"paginate": "true", "pageSize": "2"}

    first = (await client.get(listing(simulator), params=params)).json()
    cursor = parse_qs(urlsplit(first["nextPageUrl"]).query)["cursor"][0]
    second = (
        await client.get(listing(simulator), params=params | {"cursor": cursor})
    ).json()

    again = [row["id"] for row in second["returns"]]
    assert again == ([] if skips else ["1", "2"])


async def test_a_page_has_at_most_750_rows(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    for id_ in range(1, 753):
        simulator.shop.add(new_return(id_))

    rows = (await client.get(listing(simulator), params={"pageSize": "5000"})).json()

    assert len(rows) == 750


async def test_the_list_has_text_as_ids_and_details_numbers_and_zoneless_times(
    start: Start, client: httpx.AsyncClient, new_return: New
) -> None:
    simulator = await start()
    simulator.shop.add(new_return())

    (row,) = (await client.get(listing(simulator))).json()
    details = (
        await client.get(
            f"{base(simulator)}/warehouse/return/details",
            params={"return_id": "900411"},
        )
    ).json()

    assert (row["id"], details["id"]) == ("900411", 900_411)
    assert "refunds" not in row
    assert "T" not in details["line_items"][0]["returned_at"]


@pytest.mark.parametrize("params", [{"return_id": "7"}, {}])
async def test_details_without_a_hit_answer_200(
    start: Start, client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    simulator = await start()

    answer = await client.get(
        f"{base(simulator)}/warehouse/return/details", params=params
    )

    assert answer.status_code == 200
    assert set(answer.json()) == {"error"}
