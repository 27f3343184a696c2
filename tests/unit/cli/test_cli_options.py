"""Commands that take dataclasses of options, and how durations are said."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
import typer

from bridge.cli.common import duration, outcome
from bridge.cli.options import Signed, Where, with_options
from bridge.cli.output import ago, span

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Colours:
    """Two options."""

    fill: Annotated[str, typer.Option(help="Inside.")]
    edge: Annotated[str, typer.Option(help="Outside.")] = "black"


def run(*words: str) -> tuple[int, list[object]]:
    seen: list[object] = []

    @with_options
    def paint(colours: Colours, name: str, *, times: int = 1) -> None:
        """Paint it."""
        seen.extend([colours, name, times])

    commands = typer.Typer(pretty_exceptions_enable=False)
    commands.command()(paint)
    return outcome(commands, words), seen


def test_each_field_is_an_option_of_the_command() -> None:
    code, seen = run("wall", "--fill", "red", "--times", "2")

    assert code == 0
    assert seen == [Colours("red", "black"), "wall", 2]


def test_a_field_without_a_default_is_required() -> None:
    assert run("wall")[0] == 2


def test_the_filters_are_handed_on_by_name() -> None:
    where = Where(target="wms", reason_of="http_422", since=NOW)

    filters = where.filters(5)

    assert (filters.target, filters.reason, filters.since) == ("wms", "http_422", NOW)
    assert filters.sequence == 5


@pytest.mark.parametrize("because", ["", "  "])
def test_a_decision_for_good_must_say_why(because: str) -> None:
    with pytest.raises(typer.BadParameter, match="--because"):
        Signed("ada", because).must_say_why()


def test_a_default_goes_through_the_parser_unchanged() -> None:
    assert duration(timedelta(minutes=2)) == duration("2min")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "less than a second"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3 * 3600 + 20 * 60 + 5, "3 h 20 min"),
        (2 * 86400, "2 d"),
    ],
)
def test_a_duration_is_said_in_its_two_greatest_units(
    seconds: float, said: str
) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_a_moment_is_ago_or_still_to_come() -> None:
    minute = timedelta(minutes=1)

    assert ago(NOW - minute, NOW) == "1 min ago"
    assert ago(NOW + minute, NOW) == "in 1 min"
