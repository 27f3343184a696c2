"""`schemas`: JSON Schemas, AsyncAPI and OpenAPI documents, generated from the code."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.app import schemas

commands = typer.Typer(
    help="Generate the schemas of events and records.", no_args_is_help=True
)


@commands.command()
def write(
    folder: Annotated[
        Path, typer.Argument(help="Where to write them.", file_okay=False)
    ] = Path("schemas"),
) -> None:
    """Write every schema; files that are up to date stay untouched."""
    for path in schemas.write_schemas(folder):
        typer.echo(path)


@commands.callback()
def _group() -> None:
    """Keep `write` a command of its own while it is the only one."""
