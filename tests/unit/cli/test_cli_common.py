"""Exit codes, times on the command line, and tables."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import typer

from bridge.cli.common import Exit, Since, duration, outcome
from bridge.cli.output import emit
from bridge.clock import SystemClock
from bridge.errors import ConfigError, UnavailableError


def commands_of(work: Callable[[], None]) -> typer.Typer:
    commands = typer.Typer(pretty_exceptions_enable=False)
    commands.command()(work)
    return commands


def raising(error: BaseException) -> typer.Typer:
    def work() -> None:
        raise error

    return commands_of(work)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("correct it"), 1),
        (UnavailableError("start it"), 1),
        (typer.Exit(Exit.REFUSED), 3),
        (typer.Exit(Exit.NOTHING), 4),
        (typer.BadParameter("no"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_is_an_exit_code(error: BaseException, code: int) -> None:
    assert outcome(raising(error), []) == code


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        outcome(raising(ZeroDivisionError()), [])


def test_an_error_is_told_on_stderr_in_its_own_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcome(raising(ConfigError("kafka: is missing: add it")), [])

    assert capsys.readouterr() == ("", "kafka: is missing: add it\n")


def test_work_that_is_done_exits_with_zero() -> None:
    assert outcome(commands_of(lambda: None), []) == 0


def test_a_duration_on_the_command_line_is_written_as_in_the_file() -> None:
    assert duration("90s") == timedelta(seconds=90)
    with pytest.raises(typer.BadParameter, match="200ms, 5s"):
        duration("90")


def since_of(text: str) -> datetime | None:
    seen: list[datetime | None] = []

    def work(*, since: Since = None) -> None:
        seen.append(since)

    assert outcome(commands_of(work), ["--since", text]) == 0
    return seen[0]


def test_a_time_is_a_moment_and_without_a_zone_in_utc() -> None:
    moment = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

    assert since_of("2026-05-01T12:00Z") == moment
    assert since_of("2026-05-01T12:00") == moment
    assert since_of("2026-05-01T14:00+02:00") == moment


def test_a_time_may_be_how_long_ago_it_is() -> None:
    ago = SystemClock().now() - (since_of("8h") or datetime.max.replace(tzinfo=UTC))

    assert abs(ago - timedelta(hours=8)) < timedelta(minutes=1)


def test_what_is_no_time_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    def work(*, since: Since = None) -> None:
        raise AssertionError(since)

    assert outcome(commands_of(work), ["--since", "yesterday"]) == 2
    assert "write a time" in capsys.readouterr().err


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    age: timedelta
    rate: float | None
    tags: tuple[str, ...] = ()


ROWS = [
    Row("a", timedelta(seconds=1), 1234.56, ("x", "y")),
    Row("b" * 90, timedelta(0), None),
]


def test_rows_as_json_are_one_object_per_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit(ROWS, as_json=True)

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"name": "a", "age": "PT1S", "rate": 1234.56, "tags": ["x", "y"]}
    assert second["rate"] is None


def test_rows_for_people_are_a_table_of_whole_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit(ROWS, as_json=False)

    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "age", "rate", "tags"]
    assert first.split() == ["a", "PT1S", "1,234.6", "x,", "y"]
    assert second.split()[:3] == ["b" * 90, "PT0S", "-"]


def test_no_rows_are_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    emit([], as_json=False)

    assert capsys.readouterr().out == ""
