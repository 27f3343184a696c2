"""The poll stage: pages and cursors go together, whatever breaks in between."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from bridge.platforms.contract import Failed
from bridge.platforms.walk import Found
from bridge.streams.cursors import place_of
from tests.support.simulated_time import simulate
from tests.unit.inbound.polls import ACCOUNT, NAMES, Rig, listing, redo_poll


def test_what_changed_is_observed_once_though_windows_overlap() -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.change("a", "b")
        stage = await rig.stage()

        await rig.pass_time(minutes=30)
        rig.redo.change("b")
        await rig.pass_time(minutes=5)

        assert rig.log.observed() == ["a", "b", "b"]
        await stage.crash()

    simulate(run)


def test_pages_are_asked_for_until_the_walk_ends() -> None:
    async def run() -> None:
        rig = Rig(page_size=2)
        rig.redo.change("a", "b", "c", "d", "e")
        stage = await rig.stage()

        await rig.pass_time(minutes=3)

        assert rig.log.observed() == ["a", "b", "c", "d", "e"]
        assert rig.log.cursor().live is None
        await stage.crash()

    simulate(run)


@pytest.mark.parametrize("seconds", [60 + number / 40 for number in range(24)])
def test_a_crash_neither_skips_nor_repeats_a_pages_effect(seconds: float) -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.change("a", "b", "c", "d")
        stage = await rig.stage()
        await rig.pass_time(seconds=seconds)

        await stage.crash()
        written = rig.log.observed()
        successor = await rig.stage()
        await rig.pass_time(seconds=30)

        assert rig.log.observed() == ["a", "b", "c", "d"]
        assert written == ["a", "b", "c", "d"][: len(written)]
        await successor.crash()

    simulate(run)


def test_a_page_that_was_not_committed_is_asked_for_again() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.change("a", "b")
        stage = await rig.stage()
        stage.owner.paused.clear()
        await rig.pass_time(minutes=2)

        await stage.crash()
        successor = await rig.stage()
        await rig.pass_time(minutes=2)

        assert rig.log.observed() == ["a", "b"]
        await successor.crash()

    simulate(run)


def test_a_page_that_fails_half_way_is_asked_for_again_by_its_token() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.change("a", "b", "c")
        await rig.pass_time(minutes=1)
        rig.redo.next_answers.extend(
            [None, Failed("read_timeout"), httpx.Response(502), None]
        )
        stage = await rig.stage()

        await rig.pass_time(minutes=1)

        tokens = [call.headers.get("X-Page-Continue") for _, call in rig.redo.calls]
        assert tokens[:4] == [None, "a", "a", "a"]
        assert rig.log.observed() == ["a", "b", "c"]
        await stage.crash()

    simulate(run)


def test_pages_wait_until_those_before_are_committed() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        large = "x" * (3 * 1024 * 1024)
        for number in range(8):
            row = {"id": f"r{number}", "n": large}
            rig.redo.next_answers.append(listing(row, next_=str(number)))
        stage = await rig.stage()
        stage.owner.paused.clear()
        await rig.pass_time(minutes=1)

        held = len(rig.redo.calls)
        stage.owner.paused.set()
        await rig.pass_time(minutes=1)

        assert held == 3
        assert len(rig.log.observed()) == 8
        await stage.crash()

    simulate(run)


def test_what_only_a_list_tells_becomes_a_hint() -> None:
    async def run() -> None:
        rig = Rig()
        stage = await rig.stage()
        account = stage.work._polled[ACCOUNT]  # noqa: SLF001 - no platform's own list

        record = account._record("live", Found("redo/shop/a", None))  # noqa: SLF001

        assert record is not None
        assert record.topic == NAMES.hints
        await stage.crash()

    simulate(run)


def test_twenty_accounts_are_polled_side_by_side_each_at_its_own_pace() -> None:
    async def run() -> None:
        rig = Rig()
        rig.polls = {f"shop-{n}": redo_poll(f"shop-{n}") for n in range(20)}
        rig.redo.change("a")
        stage = await rig.stage()

        await rig.pass_time(hours=2)

        # A walk a minute, a sweep of deleted ones an hour, a wide one.
        calls = len(rig.redo.calls)
        assert rig.log.observed() == ["a"] * 20
        assert 20 * 110 < calls < 20 * 130
        await stage.crash()

    simulate(run)


def test_an_owner_that_lost_its_partition_makes_no_more_calls() -> None:
    async def run() -> None:
        rig = Rig()
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        stage.owner.lost = True
        before = len(rig.redo.calls)

        await rig.pass_time(hours=1)

        assert len(rig.redo.calls) == before
        assert stage.work.collect() == []
        await stage.crash()

    simulate(run)


def test_an_account_of_another_partition_is_anothers() -> None:
    async def run() -> None:
        rig = Rig()
        rig.partitions = next(n for n in range(2, 50) if place_of(ACCOUNT, n))
        stage = await rig.stage()

        await rig.pass_time(hours=1)

        assert rig.redo.calls == []
        await stage.crash()

    simulate(run)


def test_an_owner_asks_for_nothing_more_once_it_drains() -> None:
    async def run() -> None:
        rig = Rig()
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        before = len(rig.redo.calls)

        ended = await stage.work.drain(timedelta(seconds=1))
        await rig.pass_time(hours=1)

        assert ended
        assert stage.work.room()
        assert len(rig.redo.calls) == before
        await stage.crash()
        await asyncio.sleep(0)

    simulate(run)
