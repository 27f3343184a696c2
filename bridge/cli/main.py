"""The command `returns-bridge`: every group joined."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from bridge.cli.common import Exit, outcome
from bridge.cli.late import Entry, register

#: In the order of `--help`; each is imported when it is used.
COMMANDS = {
    "run": Entry(
        "bridge.cli.run:run",
        "Run the bridge until SIGTERM or Ctrl-C; then calls in flight may end.",
    ),
    "dev": Entry(
        "bridge.cli.dev:dev",
        "Try it: an in-memory broker, simulated shops and warehouse, the real bridge.",
    ),
    "verify": Entry(
        "bridge.cli.inspect:verify",
        "Check every history and every target from the topics.",
    ),
    "trace": Entry(
        "bridge.cli.inspect:trace",
        "Tell the history of one return on one time line, in UTC.",
    ),
    "lag": Entry(
        "bridge.cli.inspect:lag",
        "Tell how far each stage and target is behind: in the log, parked, dead.",
    ),
    "why": Entry(
        "bridge.cli.why:why",
        "Answer what a return is waiting for, at each target; exit 4 if it is unknown.",
    ),
    "pause": Entry(
        "bridge.cli.why:pause",
        "Stop calls about one return at a target, or (with *) all calls to it.",
    ),
    "resume": Entry(
        "bridge.cli.why:resume",
        "End a pause; what waited goes on in order. Exit 3 if there was none.",
    ),
    "bench": Entry(
        "bridge.cli.bench:bench",
        "Measure one part: all runs, median, machine, versions, load, memory peak.",
    ),
    "dead": Entry(
        "bridge.cli.dead:commands",
        "What was given up on: look at it, retry, edit or discard it.",
    ),
    "topics": Entry(
        "bridge.cli.topics:commands",
        "Create the topics, compare them, list what each holds.",
    ),
    "accounts": Entry(
        "bridge.cli.accounts:commands",
        "Check accounts, tell how far polling is, walk through their history.",
    ),
    "webhooks": Entry(
        "bridge.cli.webhooks:commands",
        "List, register and repair webhooks at a platform; ask for a replay.",
    ),
    "config": Entry(
        "bridge.cli.config:commands",
        "Check the configuration, show what is in force.",
    ),
    "schemas": Entry(
        "bridge.cli.schemas:commands",
        "Generate the schemas of events and records.",
    ),
    "sandbox": Entry(
        "bridge.cli.sandbox_redo:commands",
        "Serve a simulated platform or warehouse, to try things against.",
    ),
}

commands = typer.Typer(
    name="returns-bridge",
    help="Webhooks of returns platforms to warehouses and back, in order, on Kafka.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 nothing matched.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # lines of a paragraph are joined
)
register(commands, COMMANDS)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's signature
    if wanted:
        typer.echo(version("returns-bridge"))
        raise typer.Exit(Exit.DONE)


@commands.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Keep what holds for every command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (the process's own unless given); return the exit code."""
    return outcome(commands, argv)
