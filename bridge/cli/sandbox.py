"""`sandbox`: the simulated systems as servers of their own."""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bridge import app, settings
from bridge.cli.common import ConfigPath, Faults

commands = typer.Typer(
    help="Serve a simulated platform or warehouse, to try things against.",
    no_args_is_help=True,
)

Account = Annotated[
    str,
    typer.Option(help="The account it plays; the settings have its secrets."),
]


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("write HOST:PORT")
    return text


Listen = Annotated[
    str,
    typer.Option(metavar="HOST:PORT", help="Where it listens.", callback=_address),
]
BridgeUrl = Annotated[
    str, typer.Option("--bridge", metavar="URL", help="Where its webhooks go.")
]
HowFaulty = Annotated[Faults, typer.Option(help="How badly it behaves.")]
Seed = Annotated[
    int | None, typer.Option(help="The same number makes the same traffic.")
]
UnsignedHook = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where its webhooks go, with the token: "
        "http://127.0.0.1:8080/hooks/my-shop/TOKEN. Without it, register by API.",
    ),
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


@commands.command()
def loop(  # noqa: PLR0913 - one parameter for each option
    *,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8103,
    host: str = "127.0.0.1",
    hook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where its webhooks go: http://127.0.0.1:8080/hooks/my-shop. "
            "Without it, register by POST /webhooks.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="With --account: settings that have its secrets."
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="The loop account it plays.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
) -> None:
    """Serve Loop with shoppers who make returns, until stopped.

    Without --config and --account the API key is demo-loop-key and webhooks are
    signed with demo-loop-secret.
    """
    if (config is None) != (account is None):
        raise typer.BadParameter("--config and --account belong together")
    options = app.LoopSandbox(
        host, port, hook, faults=faults.value, seed=seed, rate=rate
    )
    known = None if config is None else settings.load(config)
    uvloop.run(app.sandbox_loop(options, known, account))


@commands.command()
def returngo(  # noqa: PLR0913 - one parameter for each option
    *,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8104,
    host: str = "127.0.0.1",
    hook: UnsignedHook = None,
    per_day: Annotated[int, typer.Option(min=1, help="Calls a day.")] = 2_000,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
) -> None:
    """Serve ReturnGO with shoppers who make returns, until stopped.

    The API key is demo-key, the shop fernhollow-demo.myshopify.example.
    """
    options = app.UnsignedSandbox(host, port, hook, faults.value, seed, rate)
    uvloop.run(app.sandbox_returngo(options, per_day=per_day))


@commands.command()
def returnlogic(  # noqa: PLR0913 - one parameter for each option
    *,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8105,
    host: str = "127.0.0.1",
    hook: UnsignedHook = None,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
) -> None:
    """Serve ReturnLogic with shoppers who make returns, until stopped.

    The API key is demo-key; the code demo-code-1 buys a pair of tokens for the client
    demo-client with the secret demo-secret.
    """
    options = app.UnsignedSandbox(host, port, hook, faults.value, seed, rate)
    uvloop.run(app.sandbox_returnlogic(options))
