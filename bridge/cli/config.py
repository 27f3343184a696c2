"""`config`: is the configuration valid, and what is in force."""

import typer
from pydantic_core import to_json

from bridge import settings
from bridge.cli.common import AsJson, ConfigPath

commands = typer.Typer(
    help="Check the configuration, show what is in force.", no_args_is_help=True
)


@commands.command()
def check(config: ConfigPath) -> None:
    """Check file, environment and secrets; print every problem at once, exit 1."""
    loaded = settings.load(config)
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
