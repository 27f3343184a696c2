"""`sandbox`: the simulated shop and warehouse as servers of their own."""

from typing import Annotated

import typer
import uvloop

from bridge import app, settings
from bridge.cli.common import ConfigPath, Faults

commands = typer.Typer(
    help="Serve a simulated shop or warehouse, to try the bridge against.",
    no_args_is_help=True,
)

Account = Annotated[
    str,
    typer.Option(help="The account it plays; the settings have its secrets."),
]
Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where it listens.")]
BridgeUrl = Annotated[
    str, typer.Option("--bridge", metavar="URL", help="Where its webhooks go.")
]
HowFaulty = Annotated[Faults, typer.Option(help="How badly it behaves.")]
Seed = Annotated[
    int | None, typer.Option(help="The same number makes the same traffic.")
]

_BRIDGE = "http://127.0.0.1:8080"


@commands.command()
def shop(  # noqa: PLR0913 - one parameter for each option
    config: ConfigPath,
    *,
    account: Account,
    listen: Listen = "127.0.0.1:8101",
    bridge: BridgeUrl = _BRIDGE,
    dock: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The simulated warehouse, for the parcels."),
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: Seed = None,
) -> None:
    """Serve a Redo shop whose shoppers keep creating returns, until stopped."""
    options = app.SandboxOptions(
        account=account,
        listen=listen,
        bridge=bridge,
        dock=dock,
        rate=rate,
        faults=faults.value,
        seed=seed,
    )
    uvloop.run(app.sandbox_shop(settings.load(config), options))


@commands.command()
def warehouse(  # noqa: PLR0913 - one parameter for each option
    config: ConfigPath,
    *,
    account: Account,
    listen: Listen = "127.0.0.1:8102",
    bridge: BridgeUrl = _BRIDGE,
    faults: HowFaulty = Faults.SOME,
    seed: Seed = None,
) -> None:
    """Serve a warehouse that receives and inspects what is announced, until stopped."""
    options = app.SandboxOptions(
        account=account, listen=listen, bridge=bridge, faults=faults.value, seed=seed
    )
    uvloop.run(app.sandbox_warehouse(settings.load(config), options))
