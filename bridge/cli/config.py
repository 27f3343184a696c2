"""`config`: is the configuration valid, what is in force; a key for what it names."""

import typer
from pydantic_core import to_json

from bridge import settings
from bridge.app import tokens
from bridge.cli.common import AsJson, ConfigPath

commands = typer.Typer(
    help="Check the configuration, show what is in force.", no_args_is_help=True
)


@commands.command()
def check(config: ConfigPath) -> None:
    """Check file, environment and secrets; print every problem at once, exit 1.

    What is allowed and leaves news unseen is a warning.
    """
    loaded = settings.load(config)
    for warning in settings.account_warnings(loaded):
        typer.echo(f"{config}: warning: {warning}", err=True)
    typer.echo(
        f"{config} is valid: {len(loaded.accounts)} accounts, "
        f"{len(loaded.targets)} targets."
    )


@commands.command()
def show(config: ConfigPath, *, as_json: AsJson = False) -> None:
    """Print the configuration in force, with defaults filled in and secrets masked."""
    loaded = settings.load(config)
    if as_json:
        typer.echo(to_json(settings.tree_of(loaded)).decode())
    else:
        typer.echo(settings.show(loaded), nl=False)


@commands.command(name="make-key")
def make_key() -> None:
    """Print a new key that seals a token file: a secret, to be kept as one."""
    typer.echo(tokens.make_key())
