"""A shop's stock: listed page by page beside what is new, made only when shown."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bridge.app.benchmarks.bodies import approved
from bridge.app.benchmarks.platforms_worker import loop_return
from bridge.sandbox.loop_simulator import LoopOptions, LoopSimulator
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from bridge.sandbox.stock import Stock, no_stock
from tests.support import loopback

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def numbers(made: list[int], count: int = 10) -> Stock[int]:
    """Return a stock whose returns are their numbers; `made` notes who was made."""

    def invent(number: int, at: datetime) -> int:
        assert at == FIRST + number * MINUTE
        made.append(number)
        return number

    return Stock(count, invent, first_at=FIRST, every=MINUTE)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (-5, 30, list(range(10))),
        (0, 9, list(range(10))),
        (2, 4, [2, 3, 4]),
        (2.5, 4.5, [3, 4]),
        (9.5, 30, []),
        (-5, -1, []),
        (4, 3, []),
    ],
)
def test_a_stock_is_cut_at_both_ends(
    since: float, until: float, expected: list[int]
) -> None:
    stock = numbers([])
    window = FIRST + since * MINUTE, FIRST + until * MINUTE

    assert list(stock.oldest_first(*window)) == expected
    assert list(stock.newest_first(*window)) == expected[::-1]


def test_only_what_is_come_to_is_made_and_nothing_is_kept() -> None:
    made: list[int] = []
    rows = numbers(made).newest_first()

    assert [next(rows), next(rows)] == [9, 8]
    assert made == [9, 8]


def test_what_is_taken_out_is_listed_no_more() -> None:
    stock = numbers([])

    assert stock.take(3) == 3
    assert list(stock.newest_first()) == [9, 8, 7, 6, 5, 4, 2, 1, 0]


def test_no_stock_holds_nothing() -> None:
    assert list(no_stock().newest_first()) == []
    with pytest.raises(LookupError):
        no_stock().take(0)


@contextlib.asynccontextmanager
async def redo(count: int) -> AsyncIterator[tuple[ShopSimulator, httpx.AsyncClient]]:
    simulator = ShopSimulator(ShopOptions("s1", ShopOptions.full_access("all")))
    simulator.shop.stock = Stock(count, approved, first_at=FIRST, every=MINUTE)
    await simulator.start()
    headers = {"authorization": "Bearer all"}
    try:
        async with loopback.client(base_url=simulator.url, headers=headers) as client:
            yield simulator, client
    finally:
        await simulator.stop()


async def redo_ids(client: httpx.AsyncClient, **window: datetime) -> list[str]:
    found: list[str] = []
    headers, params = (
        {"x-page-size": "4"},
        {k: v.isoformat() for k, v in window.items()},
    )
    while True:
        answer = await client.get("/stores/s1/returns", headers=headers, params=params)
        found += [return_["id"] for return_ in answer.json()["returns"]]
        if "x-page-next" not in answer.headers:
            return found
        headers["x-page-continue"] = answer.headers["x-page-next"]


def stocked(*numbers: int) -> list[str]:
    made: list[ShopReturn] = [approved(each, FIRST) for each in numbers]
    return [return_.id for return_ in made]


async def test_redo_lists_its_stock_newest_first() -> None:
    async with redo(10) as (_, client):
        everything = await redo_ids(client)
        window = await redo_ids(
            client,
            updated_at_min=FIRST + 2 * MINUTE,
            updated_at_max=FIRST + 5 * MINUTE,
        )

    assert everything == stocked(*range(9, -1, -1))
    assert window == stocked(4, 3, 2)


async def test_a_return_of_the_stock_that_changes_is_listed_once() -> None:
    async with redo(10) as (simulator, client):
        taken = simulator.shop.take_out(3)
        simulator.shop.comment(taken.id, {"message": "changed"})

        everything = await redo_ids(client)
        changed = await redo_ids(client, updated_at_min=FIRST + timedelta(days=1))

    assert sorted(everything) == sorted(stocked(*range(10)))
    assert changed == [taken.id]


async def test_loop_lists_its_stock_state_by_state() -> None:
    keys = LoopOptions.full_access("key")
    simulator = LoopSimulator(LoopOptions(keys, "secret"))
    simulator.shop.stock = Stock(20, loop_return, first_at=FIRST, every=MINUTE)
    simulator.shop.take_out(5).updated_at = FIRST + timedelta(hours=1)
    await simulator.start()

    found = {state: await loop_ids(simulator, state) for state in ("open", "cancelled")}
    await simulator.stop()

    by_state: dict[str, list[str]] = {}
    for number in range(20):
        return_ = loop_return(number, FIRST)
        by_state.setdefault(return_.state, []).append(str(return_.id))
    moved = str(loop_return(5, FIRST).id)
    cancelled = [id_ for id_ in by_state["cancelled"] if id_ != moved]
    assert found["open"] == by_state["open"]
    assert found["cancelled"] == [*cancelled, moved]


async def loop_ids(simulator: LoopSimulator, state: str) -> list[str]:
    """Walk through one state in pages of two, as the bridge does."""
    found: dict[str, None] = {}
    params = {
        "from": FIRST.isoformat(),
        "to": (FIRST + timedelta(days=1)).isoformat(),
        "filter": "updated_at",
        "state": state,
        "paginate": "true",
        "pageSize": "2",
    }
    url = f"{simulator.url}/api/2026-10/warehouse/return/list"
    headers = {"x-authorization": "key"}
    async with loopback.client(headers=headers) as client:
        while True:
            page = (await client.get(url, params=params)).json()
            found |= dict.fromkeys(row["id"] for row in page["returns"])
            if page["nextPageUrl"] is None:
                return list(found)
            (params["cursor"],) = parse_qs(urlsplit(page["nextPageUrl"]).query)[
                "cursor"
            ]
