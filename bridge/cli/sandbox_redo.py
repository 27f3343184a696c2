"""`sandbox redo`: a simulated Redo to develop against, with every mode it has."""

from datetime import timedelta
from typing import Annotated

import typer
import uvloop

from bridge.app import redo_sandbox
from bridge.cli.common import Faults
from bridge.cli.sandbox import Config, HowFaulty, commands, known_to
from bridge.sandbox.redo_keys import ALL_SCOPES
from bridge.sandbox.redo_modes import Chosen, Mode
from bridge.sandbox.redo_odd import Oddity


def _scopes(given: list[str] | None) -> list[str]:
    wanted = given or list(ALL_SCOPES)
    if not set(ALL_SCOPES).issuperset(wanted):
        raise typer.BadParameter(f"choose of {', '.join(ALL_SCOPES)}")
    return wanted


@commands.command()
def redo(  # noqa: PLR0913 - one parameter for each option
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8106,
    host: str = "127.0.0.1",
    hook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where its webhooks go: http://127.0.0.1:8080/hooks/my-shop. "
            "Without it, register by API; --mode plain-http takes http:// there.",
        ),
    ] = None,
    config: Config = None,
    account: Annotated[
        str | None, typer.Option(help="The redo account it plays.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="New returns a second.")] = 0.5,
    faults: HowFaulty = Faults.SOME,
    seed: int = 1,
    mode: Annotated[
        list[Mode] | None, typer.Option(help="What to switch on; more than once.")
    ] = None,
    odd: Annotated[
        list[Oddity] | None,
        typer.Option(help="Odd webhook bodies, which take turns; more than once."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What the token may; more than once.", callback=_scopes),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="Further tries of a webhook, then discard.")
    ] = 5,
    burst: Annotated[
        int | None,
        typer.Option(min=1, metavar="DAYS", help="A subscriber gets so old updates."),
    ] = None,
    per_second: Annotated[
        int | None, typer.Option(min=1, help="More calls are answered 429.")
    ] = None,
    broken_every: Annotated[
        int, typer.Option(min=0, help="Every n-th call is answered 503.")
    ] = 0,
) -> None:
    """Serve Redo with shoppers who make returns, until stopped.

    Without --config and --account the store is demo-store, the API token
    demo-redo-token, and webhooks carry demo-redo-hook. What the API took and does not
    show is at /sandbox/kept.
    """
    known = known_to(context, config, account)
    chosen = Chosen(
        mode or (),
        odd=odd or (),
        retries=retries,
        burst=None if burst is None else timedelta(days=burst),
        per_second=per_second,
        broken_every=broken_every,
    )
    options = redo_sandbox.RedoSandbox(
        host,
        port,
        hook,
        faults=faults.value,
        seed=seed,
        rate=rate,
        chosen=chosen,
        scopes=scope or ALL_SCOPES,
    )
    uvloop.run(redo_sandbox.sandbox_redo(options, known, account))
