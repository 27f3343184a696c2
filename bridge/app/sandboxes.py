"""`sandbox shop|warehouse`: a simulator plays the other side of an account."""

from dataclasses import dataclass
from datetime import timedelta

from bridge.errors import ConfigError
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.warehouse.options import EventTargetOptions, WarehouseAccount
from bridge.sandbox.faults import Level
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import ShopRun, WarehouseRun, run_shop, run_warehouse
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """What the command line says of one simulator.

    `bridge` is the bridge's base URL, `dock` the simulated warehouse's; `rate` is new
    returns a second.
    """

    account: str
    listen: str
    bridge: str
    faults: Level
    seed: int | None
    rate: float = 0.5
    dock: str | None = None


async def sandbox_shop(settings: Settings, options: SandboxOptions) -> None:
    """Play the Redo shop of an account until told to stop."""
    account = settings.accounts.get(options.account)
    if not isinstance(account, RedoAccount) or account.api_token is None:
        raise ConfigError(
            f"accounts.{options.account} is not a redo account with an api_token: "
            "choose one that is with --account"
        )
    run = ShopRun(
        hook_url=_hook(options),
        store=account.store_id or "demo-store",
        dock_url=options.dock,
        returns=None if options.rate else 0,
        every=timedelta(seconds=1 / (options.rate or 1)),
        api_token=account.api_token.get_secret_value(),
        webhook_token=account.webhook_tokens[0].get_secret_value(),
    )
    await run_shop(run, _place(options), _manners(options))


async def sandbox_warehouse(settings: Settings, options: SandboxOptions) -> None:
    """Play the warehouse of an account until told to stop."""
    account = settings.accounts.get(options.account)
    if not isinstance(account, WarehouseAccount):
        raise ConfigError(
            f"accounts.{options.account} is not a warehouse account: choose one that "
            "is with --account"
        )
    run = WarehouseRun(
        hook_url=_hook(options),
        account=options.account,
        token=account.token.get_secret_value() if account.token else "",
        secret=_signing_secret(settings, options.account),
        report_secret=account.webhook_secrets[0].get_secret_value(),
    )
    await run_warehouse(run, _place(options), _manners(options))


def _signing_secret(settings: Settings, account: str) -> str:
    for served in settings.targets.values():
        target = served.options
        if isinstance(target, EventTargetOptions) and target.account == account:
            for secret in target.signing_secrets:
                return secret.get_secret_value()
    raise ConfigError(
        f"no target of kind warehouse.event signs for accounts.{account}: add one "
        "with signing_secrets"
    )


def _hook(options: SandboxOptions) -> str:
    return f"{options.bridge.rstrip('/')}/hooks/{options.account}"


def _place(options: SandboxOptions) -> Place:
    host, _, port = options.listen.rpartition(":")
    return Place(host, int(port))


def _manners(options: SandboxOptions) -> Manners:
    seed = 1 if options.seed is None else options.seed
    return Manners(faults=options.faults, habits=options.faults, seed=seed)
