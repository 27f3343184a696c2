"""What all commands share: options, exit codes, and how an error reaches the user."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from bridge.clock import SystemClock
from bridge.durations import duration_of
from bridge.errors import BridgeError

T = TypeVar("T")


class Exit(IntEnum):
    """The exit codes; 2 (usage) comes from the parser itself."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOTHING = 4
    INTERRUPTED = 130


class Faults(StrEnum):
    """How badly the simulated systems behave."""

    NONE = "none"
    SOME = "some"
    MANY = "many"


def duration(text: str | timedelta) -> timedelta:
    """Return the duration written in `text`; typer hands defaults in as well."""
    if isinstance(text, timedelta):
        return text
    value = duration_of(text)
    if value is None:
        raise typer.BadParameter("write 200ms, 5s, 10min, 8h or 14d")
    return value


def moment(text: str) -> datetime:
    ago = duration_of(text)
    if ago is not None:
        return SystemClock().now() - ago
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            "write a time (2026-05-01T12:00Z) or how long ago (8h)"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


ConfigPath = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="BRIDGE_CONFIG",
        help="The configuration file (YAML).",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line instead.")
]
Moment = Annotated[
    datetime,
    typer.Option(
        parser=moment,
        metavar="TIME",
        help="A time, 2026-05-01 or 2026-05-01T12:00Z, or how long ago: 30d.",
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        parser=moment, metavar="TIME", help="Up to this time; now without it."
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        parser=moment,
        metavar="TIME",
        help="Only from this time on: 2026-05-01T12:00Z, or how long ago: 8h.",
    ),
]


def once(work: Coroutine[object, object, T]) -> T:
    """Run the work of a command that ends by itself, without the libraries' chatter."""
    chatter = logging.getLogger("aiokafka")
    level = chatter.level
    chatter.setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    finally:
        chatter.setLevel(level)


def nothing(sentence: str) -> NoReturn:
    """Say that nothing matched, and end the command so."""
    typer.echo(sentence, err=True)
    raise typer.Exit(Exit.NOTHING)


def outcome(commands: typer.Typer, argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are sentences on stderr."""
    try:
        commands(args=None if argv is None else list(argv))
    except BridgeError as error:
        typer.echo(str(error), err=True)
        return Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.DONE
    return Exit.DONE
