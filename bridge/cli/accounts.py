"""`accounts`: does each account's API answer, how far is its polling, its history."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bridge import settings
from bridge.app import accounts, connecting
from bridge.cli.common import AsJson, ConfigPath, Exit, Moment, Until, once
from bridge.cli.output import emit
from bridge.clock import SystemClock
from bridge.settings import Settings

commands = typer.Typer(
    help="Check accounts, tell how far polling is, walk through their history.",
    no_args_is_help=True,
)

_LOOK_EVERY = timedelta(seconds=1)

Account = Annotated[str, typer.Argument(help="An account of the configuration.")]


@commands.command()
def check(
    config: ConfigPath,
    account: Annotated[
        str | None, typer.Argument(help="Only this account; all without it.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Call each account's API, read-only; exit 1 if one does not answer."""
    rows = once(accounts.check_accounts(settings.load(config), account))
    emit(rows, as_json=as_json)
    if any(row.ok is False for row in rows):
        raise typer.Exit(Exit.FAILED)


@commands.command()
def status(config: ConfigPath, *, as_json: AsJson = False) -> None:
    """Tell how far the polling of each account is, and what it costs.

    Exit 4 if no account is polled.
    """
    rows = once(accounts.account_status(settings.load(config)))
    if not rows:
        typer.echo("No account is polled.", err=True)
        raise typer.Exit(Exit.NOTHING)
    emit(rows, as_json=as_json)


@commands.command()
def backfill(  # noqa: PLR0913 - one parameter for each option
    account: Account,
    config: ConfigPath,
    since: Moment,
    *,
    until: Until = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be walked, walk nothing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Show the progress until it is done.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Walk through an account's history, by its own share of the budget.

    The account's poller does it, page by page, and goes on after a restart, also when
    nobody watches.
    """
    loaded = settings.load(config)
    plan = accounts.plan_backfill(loaded, account, since, until)
    if dry_run:
        emit([plan], as_json=as_json)
        return
    order = once(accounts.order_backfill(loaded, plan))
    if wait:
        once(_show(loaded, account, order.id))
    elif not as_json:
        typer.echo(
            f"Ordered. `returns-bridge accounts status` tells how far {account} is."
        )


@commands.command()
def cancel(account: Account, config: ConfigPath) -> None:
    """Give the backfill of an account up; what it brought stays."""
    once(accounts.cancel_backfill(settings.load(config), account))
    typer.echo(f"Ordered: the backfill of {account} ends.")


@commands.command()
def connect(
    account: Account,
    config: ConfigPath,
    code: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            help="What the installation gave; asked for if it is not given.",
        ),
    ],
) -> None:
    """Trade an installation's code for the account's tokens, and keep them.

    The code counts once. Tokens that were there before are replaced.
    """
    once(connecting.connect_account(settings.load(config), account, code))
    typer.echo(f"{account} is connected.")


async def _show(loaded: Settings, account: str, order: str) -> None:
    """Show the progress until the order is taken on and walked."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} % {task.fields[found]} returns"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"waiting for the poller of {account}", total=1.0, found=0)
        while True:
            cursor = await accounts.cursor_of(loaded, account)
            if cursor is not None and order in cursor.orders:
                walk = cursor.history
                if walk is None:
                    bar.update(task, completed=1.0, description=f"{account} is done")
                    return
                bar.update(
                    task,
                    completed=walk.progress,
                    found=walk.found,
                    description=account,
                )
            await SystemClock().sleep(_LOOK_EVERY)
