"""`webhooks`: what an account's platform has registered, and mending it by its API."""

from typing import Annotated

import typer

from bridge import settings
from bridge.app import hooks
from bridge.cli.common import AsJson, ConfigPath, Exit, Moment, once
from bridge.cli.output import emit

commands = typer.Typer(
    help="List, register and repair webhooks at a platform; ask for a replay.",
    no_args_is_help=True,
)

Account = Annotated[str, typer.Argument(help="An account of the configuration.")]
Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where they should come; else hook_url."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Tell what would be done, change nothing.")
]


@commands.command(name="list")
def list_(account: Account, config: ConfigPath, *, as_json: AsJson = False) -> None:
    """List the webhooks that the platform sends, also to others.

    Exit 4 if none is registered.
    """
    found = once(hooks.list_webhooks(settings.load(config), account))
    if not found:
        typer.echo(f"No webhook is registered for {account}.", err=True)
        raise typer.Exit(Exit.NOTHING)
    emit(found, as_json=as_json)


@commands.command()
def register(
    account: Account,
    config: ConfigPath,
    *,
    url: Url = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Register what is missing and mend what is wrong; may be repeated."""
    work = hooks.register_webhooks(settings.load(config), account, url, dry_run=dry_run)
    _tell(once(work), as_json=as_json)


@commands.command()
def repair(
    account: Account,
    config: ConfigPath,
    *,
    url: Url = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Mend what is registered: where it leads, and whether it is on."""
    work = hooks.repair_webhooks(settings.load(config), account, url, dry_run=dry_run)
    _tell(once(work), as_json=as_json)


@commands.command()
def replay(
    account: Account,
    config: ConfigPath,
    since: Moment,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask the platform for everything since then once more, where it can."""
    work = hooks.replay_webhooks(settings.load(config), account, since, dry_run=dry_run)
    _tell([once(work)], as_json=as_json)


def _tell(changes: list[hooks.Mended], *, as_json: bool) -> None:
    emit(changes, as_json=as_json)
    if not changes and not as_json:
        typer.echo("Every webhook is as it should be.")
