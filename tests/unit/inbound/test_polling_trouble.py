"""What a platform may do to a poll, and what comes of it."""

from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from tests.support.simulated_time import simulate
from tests.unit.inbound.polls import ACCOUNT, Rig, listing, redo_poll


def test_a_200_with_a_page_of_html_leaves_the_cursor_and_is_told() -> None:
    async def run() -> None:
        rig = Rig()
        html = httpx.Response(200, content=b"<html>maintenance</html>")
        rig.redo.next_answers.extend([html] * 3)
        stage = await rig.stage()
        await rig.pass_time(seconds=2)

        trouble = rig.log.cursor().trouble
        await rig.pass_time(minutes=1)

        assert trouble is not None
        assert trouble.reason == "unreadable_answer"
        assert rig.log.cursor().trouble is None
        await stage.crash()

    simulate(run)


def test_failures_in_a_row_are_answered_by_longer_and_longer_waits() -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.next_answers.extend([httpx.Response(500)] * 7)
        stage = await rig.stage()

        await rig.pass_time(minutes=2)

        times = [at for at, _ in rig.redo.calls[:7]]
        gaps = [
            round((later - earlier).total_seconds())
            for earlier, later in pairwise(times)
        ]
        assert gaps == [1, 2, 5, 10, 20, 40]
        await stage.crash()

    simulate(run)


def test_a_token_revoked_in_mid_walk_stops_it_and_the_walk_goes_on_where_it_was() -> (
    None
):
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.change("a", "b", "c")
        await rig.pass_time(minutes=1)
        rig.redo.next_answers.extend([None, *[httpx.Response(401)] * 3])
        stage = await rig.stage()
        await rig.pass_time(minutes=4)

        revoked = rig.log.cursor()
        calls = len(rig.redo.calls)
        await rig.pass_time(minutes=15)

        assert calls == 2
        assert revoked.trouble is not None
        assert revoked.live is not None
        assert revoked.live.place.pages == 1
        assert rig.log.observed() == ["a", "b", "c"]
        await stage.crash()

    simulate(run)


def test_a_token_that_expired_begins_the_window_again() -> None:
    async def run() -> None:
        rig = Rig(page_size=1)
        rig.redo.change("a", "b", "c")
        await rig.pass_time(minutes=1)
        rig.redo.next_answers.extend([None, httpx.Response(410)])
        stage = await rig.stage()

        await rig.pass_time(minutes=1)

        assert rig.log.observed() == ["a", "b", "c"]
        await stage.crash()

    simulate(run)


def test_a_token_that_leads_in_a_circle_ends_and_is_told() -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.next_answers.extend([listing(next_="again")] * 20_000)
        stage = await rig.stage()

        await rig.pass_time(hours=1)

        assert rig.log.cursor().given_up > 0
        assert len(rig.redo.calls) < 1_000
        await stage.crash()

    simulate(run)


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_that_differs_from_the_platforms_loses_nothing(minutes: int) -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.skew = timedelta(minutes=minutes)
        stage = await rig.stage()
        names = [f"r{number:03}" for number in range(60)]

        for name in names:
            rig.redo.change(name)
            await rig.pass_time(seconds=17)
        await rig.pass_time(minutes=3)

        assert sorted(rig.log.observed()) == names
        await stage.crash()

    simulate(run)


def test_a_platform_whose_clock_makes_no_sense_is_not_believed_about_the_time() -> None:
    async def run() -> None:
        rig = Rig()
        rig.redo.skew = timedelta(days=-3_000)
        stage = await rig.stage()

        await rig.pass_time(minutes=1)

        assert rig.log.cursor().skew == timedelta()
        await stage.crash()

    simulate(run)


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_an_answer_without_a_readable_date_is_an_answer(date: str | None) -> None:
    async def run() -> None:
        rig = Rig()
        headers = {} if date is None else {"Date": date}
        answer = listing()
        answer.headers.update(headers)
        rig.redo.next_answers.append(answer)
        stage = await rig.stage()

        await rig.pass_time(seconds=1)

        assert rig.log.cursor().pages > 0
        await stage.crash()

    simulate(run)


def test_a_body_that_no_topic_would_take_is_left_out_and_the_rest_goes_on() -> None:
    async def run() -> None:
        rig = Rig()
        huge = "x" * (8 * 1024 * 1024)
        rig.redo.next_answers.append(listing({"id": "a", "n": huge}, {"id": "b"}))
        stage = await rig.stage()

        await rig.pass_time(seconds=1)

        assert rig.log.observed() == ["b"]
        await stage.crash()

    simulate(run)


def test_the_day_ends_for_an_account_whose_calls_are_used_up() -> None:
    async def run() -> None:
        rig = Rig()
        rig.daily = {ACCOUNT: 20}
        stage = await rig.stage()

        await rig.pass_time(hours=14.9)  # the clock begins at nine
        first = len(rig.redo.calls)
        await rig.pass_time(hours=9)

        assert first == 20
        assert len(rig.redo.calls) == 40
        await stage.crash()

    simulate(run)


def test_a_mistake_in_one_account_leaves_the_others_alone() -> None:
    async def run() -> None:
        rig = Rig()
        broken = redo_poll("broken")
        broken.rhythm = None  # type: ignore[assignment] # a mistake of ours
        rig.polls["broken"] = broken
        rig.redo.change("a")
        stage = await rig.stage()

        await rig.pass_time(minutes=5)

        assert rig.log.observed() == ["a"]
        await stage.crash()

    simulate(run)
