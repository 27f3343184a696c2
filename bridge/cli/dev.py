"""`dev`: the bridge with everything it needs, simulated, in one process."""

import sys
from datetime import timedelta
from typing import Annotated

import typer
import uvloop

from bridge.app import dev as demo
from bridge.cli.common import Exit, Faults, duration
from bridge.durations import text_of
from bridge.sandbox import sandbox
from bridge.sandbox.storefronts import PLATFORMS, Platform

_DEFAULT = sandbox.DevOptions()
_FAULTS = Faults(_DEFAULT.faults)


def _platforms(text: str) -> tuple[Platform, ...]:
    names = {name.strip() for name in text.split(",")}
    if not names <= set(PLATFORMS):
        raise typer.BadParameter(
            f"choose from {', '.join(PLATFORMS)}, with commas between",
            param_hint="--platform",
        )
    return tuple(platform for platform in PLATFORMS if platform in names)


def dev(  # noqa: PLR0913 - one parameter for each option
    *,
    plain: Annotated[
        bool | None,
        typer.Option(
            "--plain/--live",
            help="Lines, or a live view; lines if the output is no terminal.",
        ),
    ] = None,
    platform: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help=f"Which are simulated, with commas: any of {', '.join(PLATFORMS)}.",
        ),
    ] = ",".join(_DEFAULT.platforms),
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
    """Try it: an in-memory broker, simulated shops and warehouse, the real bridge.

    Needs nothing else and ends by itself. At the end it checks every promise; the
    exit code is 0 only if all were kept.
    """
    options = demo.DevOptions(
        plain=not sys.stdout.isatty() if plain is None else plain,
        returns=returns,
        duration=time,
        faults=faults.value,
        seed=seed,
        platforms=_platforms(platform),
    )
    try:
        kept = uvloop.run(demo.dev(options))
    except KeyboardInterrupt:
        typer.echo("Stopped before its end: nothing was checked.", err=True)
        raise
    if not kept:
        raise typer.Exit(Exit.FAILED)
