"""Orders to a poll, and cursors that are no longer its own."""

from datetime import timedelta

import httpx
import pytest

from bridge.streams.cursors import is_order
from bridge.streams.records import Record
from tests.support.simulated_time import simulate
from tests.unit.inbound.polls import ACCOUNT, NAMES, Rig, listing, redo_poll


def test_a_wait_that_the_platform_asked_for_is_kept_also_when_an_order_comes() -> None:
    async def run() -> None:
        rig = Rig()
        asks = httpx.Response(429, headers={"Retry-After": "300"})
        rig.redo.next_answers.append(asks)
        stage = await rig.stage()
        await rig.pass_time(seconds=1)

        stage.work.accept(rig.order("gap"))
        await rig.pass_time(seconds=298)
        early = len(rig.redo.calls)
        await rig.pass_time(seconds=5)

        assert early == 1
        assert len(rig.redo.calls) > 1
        await stage.crash()

    simulate(run)


def test_a_backfill_goes_on_where_it_was_after_a_crash() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        names = [f"r{number:03}" for number in range(20)]
        rig.redo.change(*names)
        await rig.pass_time(days=10)
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        stage.work.accept(rig.order("backfill"))
        await rig.pass_time(seconds=1)

        await stage.crash()
        part = rig.log.observed("replay")
        successor = await rig.stage()
        await rig.pass_time(minutes=10)

        assert 0 < len(part) < 20
        assert rig.log.observed("replay") == names
        assert rig.log.cursor().history is None
        await successor.crash()

    simulate(run)


def test_an_order_is_put_away_in_the_commit_that_takes_it_on() -> None:
    async def run() -> None:
        rig = Rig()
        order = rig.order("backfill")
        stage = await rig.stage()
        await rig.pass_time(minutes=1)

        orders = [each for each in rig.log.of(NAMES.cursors) if is_order(each)]

        assert [each.value is None for each in orders] == [False, True]
        assert orders[1].key == order.key
        assert rig.log.cursor().orders == ("o1",)
        await stage.crash()

    simulate(run)


def test_a_backfill_can_be_given_up() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.change(*(f"r{number:03}" for number in range(100)))
        await rig.pass_time(days=10)
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        stage.work.accept(rig.order("backfill"))
        await rig.pass_time(seconds=2)

        stage.work.accept(rig.order("cancel", id_="o2"))
        await rig.pass_time(minutes=10)

        assert 0 < len(rig.log.observed("replay")) < 100
        assert rig.log.cursor().history is None
        await stage.crash()

    simulate(run)


def test_an_order_for_nobody_and_one_that_cannot_be_read_are_put_away() -> None:
    async def run() -> None:
        rig = Rig()
        rig.polls = {"other": redo_poll("other")}
        order = rig.order("gap")
        broken = Record(NAMES.cursors, 0, 99, 0, b"other/x", b"{}")
        stage = await rig.stage()

        stage.work.accept(broken)
        await rig.pass_time(seconds=1)

        gone = {each.key for each in rig.log.of(NAMES.cursors) if each.value is None}
        assert gone == {order.key, b"other/x"}
        await stage.crash()

    simulate(run)


def test_the_cursor_of_an_account_that_is_gone_is_left_as_it_is() -> None:
    async def run() -> None:
        rig = Rig()
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        await stage.crash()
        before = len(rig.log.of(NAMES.cursors))

        rig.polls = {}
        successor = await rig.stage()
        await rig.pass_time(hours=1)

        assert len(rig.log.of(NAMES.cursors)) == before
        assert successor.work.collect() == []
        await successor.crash()

    simulate(run)


@pytest.mark.parametrize("value", [b"{}", b'{"version": 9}', b'{"platform": "loop"}'])
def test_a_cursor_that_is_not_the_accounts_own_is_begun_anew(value: bytes) -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.change("a")
        rig.log.records.append(Record(NAMES.cursors, 0, 0, 0, ACCOUNT.encode(), value))
        stage = await rig.stage()

        await rig.pass_time(minutes=3)

        assert rig.log.cursor().platform == "redo"
        assert rig.log.observed() == ["a"]
        await stage.crash()

    simulate(run)


def test_a_backfill_given_up_while_it_waits_for_room_asks_for_nothing_more() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.takes = timedelta(seconds=2)
        stage = await rig.stage()
        await rig.pass_time(seconds=5)
        large = listing({"id": "a", "n": "x" * 7_000_000}, next_="1")
        larger = listing({"id": "b", "n": "x" * 7_000_000}, next_="2")
        rig.redo.next_answers.extend([large, larger])
        stage.owner.paused.clear()
        stage.work.accept(rig.order("backfill"))
        await rig.pass_time(seconds=20)

        stage.work.accept(rig.order("cancel", id_="o2"))
        stage.owner.paused.set()
        await rig.pass_time(seconds=20)

        assert "b" in rig.log.observed("replay")
        assert rig.log.cursor().history is None
        await stage.crash()

    simulate(run)


def test_an_answer_to_what_an_order_has_changed_meanwhile_counts_for_nothing() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.takes = timedelta(seconds=5)
        rig.redo.change("a")
        await rig.pass_time(minutes=1)
        stage = await rig.stage()
        await rig.pass_time(seconds=2)

        stage.work.accept(rig.order("gap", days=1))
        await rig.pass_time(seconds=4)
        nothing = rig.log.observed()
        await rig.pass_time(minutes=1)

        assert nothing == []
        assert rig.log.observed() == ["a"]
        await stage.crash()

    simulate(run)


def test_our_own_cursors_are_read_past() -> None:
    async def run() -> None:
        rig = Rig()
        stage = await rig.stage()
        await rig.pass_time(minutes=1)
        before = rig.log.cursor()

        for record in rig.log.of(NAMES.cursors):
            stage.work.accept(record)

        assert len(stage.owner.finished) == len(rig.log.of(NAMES.cursors))
        assert rig.log.cursor() == before
        await stage.crash()

    simulate(run)
