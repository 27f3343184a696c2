"""The arithmetic of a day's calls, and what the poll remembers."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bridge.platforms.returngo.memory import LARGEST, MOST, Look, Memory
from bridge.platforms.returngo.options import ReturnGoPollOptions
from bridge.platforms.returngo.pace import Forecast
from bridge.platforms.returngo.payloads import Rma

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)


def test_the_defaults_fit_a_day_of_500_changes_and_1000_open_rmas() -> None:
    forecast = ReturnGoPollOptions().pace().forecast(open_rmas=1_000)

    assert forecast.lists == 96 + 2 * 24
    assert forecast.changes == 500
    assert forecast.calls <= 1_150
    assert forecast.over == 0
    assert forecast.round_trip is not None
    assert forecast.round_trip < timedelta(days=2, hours=1)


def test_a_day_that_is_too_short_says_by_how_much() -> None:
    options = ReturnGoPollOptions(calls_per_day=600, changes_per_day=500)

    forecast = options.pace().forecast(open_rmas=10)

    assert forecast == Forecast(120, 500, 0, over=20, round_trip=None)


@pytest.mark.parametrize("open_rmas", [0, 1, 499, 500, 501, 5_000, 50_000])
def test_no_forecast_is_above_the_day_unless_it_says_so(open_rmas: int) -> None:
    forecast = ReturnGoPollOptions().pace().forecast(open_rmas)

    assert forecast.calls <= 1_150 + forecast.over


def test_without_a_limit_by_the_day_a_sweep_looks_at_all() -> None:
    pace = ReturnGoPollOptions(calls_per_day=None).pace()

    assert pace.looks_per_sweep(5_000) > 5_000


def test_memory_survives_as_text() -> None:
    memory = Memory({})
    rma = Rma.model_validate(
        {
            "rmaSummary": {"rmaId": "7", "status": "Approved"},
            "items": [{"returnedItemId": "i1"}],
            "transactions": [{"id": 12}],
        }
    )
    memory.note(rma, NOW)

    again = Memory.read(memory.text())

    assert again.owners() == {"i1": "7", "12": "7"}
    assert again.looked_at("7") == NOW
    assert again.looked_at("8") is None
    assert not again.differs(rma.rma_summary)


@pytest.mark.parametrize("text", ["", "not ours", "c-rk>", "é"])
def test_a_foreign_memory_is_an_empty_one(text: str) -> None:
    assert Memory.read(text).owners() == {}


def test_the_oldest_looks_are_forgotten_and_the_rest_fits_the_cursor() -> None:
    looks = {
        str(30_000_000 + number): Look(
            f"{number:08x}",
            NOW + timedelta(seconds=number),
            tuple(str(60_000_000 + 7 * number + unit) for unit in range(6)),
        )
        for number in range(MOST + 500)
    }

    text = Memory(looks).text()

    assert len(text) < 256 * 1024
    kept = Memory.read(text)
    assert kept.looked_at("30000499") is None
    assert kept.looked_at("30000500") is not None


def test_rmas_of_many_units_leave_room_for_fewer_of_them() -> None:
    dice = Random(3)  # noqa: S311  ids that do not compress
    looks = {
        str(number): Look(
            "0",
            NOW + timedelta(seconds=number),
            tuple(str(dice.randrange(10**9)) for _ in range(50)),
        )
        for number in range(MOST)
    }

    text = Memory(looks).text()

    assert len(text) <= LARGEST
    kept = Memory.read(text)
    assert kept.looked_at(str(MOST - 1)) is not None
    assert kept.looked_at("0") is None
