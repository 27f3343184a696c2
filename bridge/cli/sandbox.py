"""`sandbox`: the simulated systems as servers of their own."""

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bridge import settings
from bridge.app import loop_sandbox, sandboxes, unsigned_sandboxes
from bridge.cli.common import ConfigPath, Faults
from bridge.sandbox.loop_standalone import LoopMode
from bridge.sandbox.simulators import Place
from bridge.sandbox.warehouse_documents import Handling
from bridge.sandbox.warehouse_modes import WarehouseMode

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
Mode = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Switch one of its modes; may be repeated. GET /sandbox/modes tells all, "
        "PUT switches them while it runs.",
    ),
]

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="BRIDGE_CONFIG",
        help="With --account: settings that have its secrets.",
    ),
]

_BRIDGE = "http://127.0.0.1:8080"


def known_to(
    context: typer.Context, config: Path | None, account: str | None
) -> settings.Settings | None:
    """Read the settings of the account that is played, if one is.

    BRIDGE_CONFIG may be there for others, as in the container: without an account it
    says nothing, while a --config that somebody wrote wants one.
    """
    if account is None:
        source = context.get_parameter_source("config")
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                "--config needs --account: whose secrets are they?"
            )
        return None
    if config is None:
        raise typer.BadParameter("--account needs --config, or BRIDGE_CONFIG")
    return settings.load(config)


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
    options = sandboxes.SandboxOptions(
        account=account,
        listen=listen,
        bridge=bridge,
        dock=dock,
        rate=rate,
        faults=faults.value,
        seed=seed,
    )
    uvloop.run(sandboxes.sandbox_shop(settings.load(config), options))


def _place(text: str) -> str:
    return _address(text if ":" in text else f"127.0.0.1:{text}")


@commands.command()
def warehouse(  # noqa: PLR0913 - one parameter for each option
    context: typer.Context,
    *,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            "--port",
            metavar="[HOST:]PORT",
            help="Where it listens.",
            callback=_place,
        ),
    ] = "127.0.0.1:8102",
    config: Config = None,
    account: Annotated[
        str | None, typer.Option(help="The warehouse account it plays.")
    ] = None,
    bridge: BridgeUrl = _BRIDGE,
    hook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where its reports go, instead of --bridge with --account. With "
            "neither, subscribe by PUT /sandbox/subscription.",
        ),
    ] = None,
    mode: Annotated[
        list[WarehouseMode] | None,
        typer.Option(help="A way of it that is off otherwise; repeatable."),
    ] = None,
    dock: Annotated[
        list[Handling] | None,
        typer.Option(help="How parcels are treated; several take turns."),
    ] = None,
    hurry: Annotated[float, typer.Option(min=0.1, help="How many times as fast.")] = 1,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
) -> None:
    """Serve a warehouse that receives and inspects what is announced, until stopped.

    Without --config and --account the token is demo-warehouse-token, and both ways are
    signed with whsec_ZGVtby13YXJlaG91c2Utbm90LWEtc2VjcmV0. Parcels come by POST
    /dock/parcels. Below /sandbox its ways can be changed and its ledger be read.
    """
    known = known_to(context, config, account)
    host, _, port = listen.rpartition(":")
    own = None if account is None else f"{bridge.rstrip('/')}/hooks/{account}"
    options = sandboxes.WarehouseSandbox(
        Place(host, int(port)),
        hook or own,
        faults.value,
        seed,
        modes=tuple(mode or ()),
        handlings=tuple(dock or ()),
        hurry=hurry,
    )
    uvloop.run(sandboxes.sandbox_warehouse(options, known, account))


@commands.command()
def loop(  # noqa: PLR0913 - one parameter for each option
    context: typer.Context,
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
    config: Config = None,
    account: Annotated[
        str | None, typer.Option(help="The loop account it plays.")
    ] = None,
    mode: Annotated[
        list[LoopMode] | None,
        typer.Option(help="A way of Loop that is off otherwise; repeatable."),
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
) -> None:
    """Serve Loop with shoppers who make returns, until stopped.

    Without --config and --account the API key is demo-loop-key and webhooks are
    signed with demo-loop-secret. The app demo-loop-app (demo-loop-app-secret) may be
    installed by GET /authorize for organization 7070. Below /sandbox it takes what no
    Loop does: returns are made, labels scanned, habits changed.
    """
    known = known_to(context, config, account)
    options = loop_sandbox.LoopSandbox(
        host,
        port,
        hook,
        faults=faults.value,
        seed=seed,
        rate=rate,
        modes=tuple(mode or ()),
    )
    uvloop.run(loop_sandbox.sandbox_loop(options, known, account))


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
    mode: Mode = None,
) -> None:
    """Serve ReturnGO with shoppers who make returns, until stopped.

    The API key is demo-key, the shop fernhollow-demo.myshopify.example.
    """
    options = unsigned_sandboxes.UnsignedSandbox(
        host, port, hook, faults.value, seed, rate, mode or ()
    )
    uvloop.run(unsigned_sandboxes.sandbox_returngo(options, per_day=per_day))


@commands.command()
def returnlogic(  # noqa: PLR0913 - one parameter for each option
    *,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8105,
    host: str = "127.0.0.1",
    hook: UnsignedHook = None,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
    mode: Mode = None,
) -> None:
    """Serve ReturnLogic with shoppers who make returns, until stopped.

    The API key is demo-key; the code demo-code-1 buys a pair of tokens for the client
    demo-client with the secret demo-secret.
    """
    options = unsigned_sandboxes.UnsignedSandbox(
        host, port, hook, faults.value, seed, rate, mode or ()
    )
    uvloop.run(unsigned_sandboxes.sandbox_returnlogic(options))
