"""`dev`: the bridge with everything it needs, simulated, in one process."""

import sys
from datetime import timedelta
from typing import Annotated

import typer
import uvloop

from bridge import app
from bridge.cli.common import Exit, Faults, duration
from bridge.sandbox import sandbox
from bridge.settings import text_of

_DEFAULT = sandbox.DevOptions()
_FAULTS = Faults(_DEFAULT.faults)


def dev(
    *,
    plain: Annotated[
        bool | None,
        typer.Option(
            "--plain/--live",
            help="Lines, or a live view; lines if the output is no terminal.",
        ),
    ] = None,
    returns: Annotated[
        int, typer.Option(min=1, help="How many returns the shoppers create.")
    ] = _DEFAULT.returns,
    time: Annotated[
        timedelta,
        typer.Option(
            "--duration",
            parser=duration,
            metavar="DURATION",
            show_default=text_of(_DEFAULT.duration),
            help="Over what time they create them.",
        ),
    ] = _DEFAULT.duration,
    faults: Annotated[
        Faults, typer.Option(help="How badly shop and warehouse behave.")
    ] = _FAULTS,
    seed: Annotated[
        int | None, typer.Option(help="The same number makes the same traffic.")
    ] = None,
) -> None:
    """Try it: an in-memory broker, a simulated shop and warehouse, the real bridge.

    Needs nothing else and ends by itself. At the end it checks every promise; the
    exit code is 0 only if all were kept.
    """
    options = app.DevOptions(
        plain=not sys.stdout.isatty() if plain is None else plain,
        returns=returns,
        duration=time,
        faults=faults.value,
        seed=seed,
    )
    if not uvloop.run(app.dev(options)):
        raise typer.Exit(Exit.FAILED)
