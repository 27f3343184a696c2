"""The command `returns-bridge`: every group joined."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from bridge.cli import (
    accounts,
    bench,
    config,
    dead,
    dev,
    inspect,
    run,
    sandbox,
    sandbox_redo,
    schemas,
    topics,
    webhooks,
    why,
)
from bridge.cli.common import Exit, outcome

commands = typer.Typer(
    name="returns-bridge",
    help="Webhooks of returns platforms to warehouses and back, in order, on Kafka.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 nothing matched.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # lines of a paragraph are joined
)
commands.command()(run.run)
commands.command()(dev.dev)
commands.command()(inspect.verify)
commands.command()(inspect.trace)
commands.command()(inspect.lag)
commands.command()(why.why)
commands.command()(why.pause)
commands.command()(why.resume)
commands.command()(bench.bench)
commands.add_typer(dead.commands, name="dead")
commands.add_typer(topics.commands, name="topics")
commands.add_typer(accounts.commands, name="accounts")
commands.add_typer(webhooks.commands, name="webhooks")
commands.add_typer(config.commands, name="config")
commands.add_typer(schemas.commands, name="schemas")
sandbox.commands.command()(sandbox_redo.redo)
commands.add_typer(sandbox.commands, name="sandbox")


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
