"""`sandbox shop|warehouse`: a simulator plays the other side of an account."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.app.redo_sandbox import DEMO_STORE, redo_account
from bridge.errors import ConfigError
from bridge.platforms.warehouse.options import EventTargetOptions, WarehouseAccount
from bridge.sandbox.faults import Level
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import ShopRun, WarehouseRun, run_shop, run_warehouse
from bridge.sandbox.warehouse_documents import Handling
from bridge.sandbox.warehouse_modes import WarehouseMode
from bridge.settings import Settings

DEMO_TOKEN = "demo-warehouse-token"  # noqa: S105 nobody's
DEMO_SIGNING = "whsec_ZGVtby13YXJlaG91c2Utbm90LWEtc2VjcmV0"
"""What a warehouse without settings takes and signs with: nobody's."""


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


@dataclass(frozen=True, slots=True)
class WarehouseSandbox:
    """What the command line says of a warehouse. `hook_url` None: nobody is told.

    `modes` and `handlings` are its ways, `hurry` how many times as fast it is.
    """

    place: Place
    hook_url: str | None
    faults: Level
    seed: int
    modes: tuple[WarehouseMode, ...] = ()
    handlings: tuple[Handling, ...] = ()
    hurry: float = 1.0


async def sandbox_shop(settings: Settings, options: SandboxOptions) -> None:
    """Play the Redo shop of an account until told to stop."""
    account, token = redo_account(settings, options.account)
    run = ShopRun(
        hook_url=_hook(options),
        store=account.store_id or DEMO_STORE,
        dock_url=options.dock,
        returns=None if options.rate else 0,
        every=timedelta(seconds=1 / (options.rate or 1)),
        api_token=token,
        webhook_token=account.webhook_tokens[0].get_secret_value(),
    )
    await run_shop(run, _place(options), _manners(options))


async def sandbox_warehouse(
    options: WarehouseSandbox,
    settings: Settings | None = None,
    account: str | None = None,
) -> None:
    """Play a warehouse until told to stop, that of `account` if one is given."""
    run = WarehouseRun(
        options.hook_url,
        modes=options.modes,
        handlings=options.handlings or (Handling.FULL,),
        hurry=options.hurry,
        token=DEMO_TOKEN,
        secret=DEMO_SIGNING,
        report_secret=DEMO_SIGNING,
    )
    if settings is not None and account is not None:
        run = _played(run, settings, account)
    manners = Manners(options.faults, options.faults, seed=options.seed)
    await run_warehouse(run, options.place, manners)


def _played(run: WarehouseRun, settings: Settings, name: str) -> WarehouseRun:
    """Return the run with an account's secrets; two of them sign what is sent."""
    account = settings.accounts.get(name)
    if not isinstance(account, WarehouseAccount):
        raise ConfigError(
            f"accounts.{name} is not a warehouse account: choose one that is with "
            "--account"
        )
    own, *more = (secret.get_secret_value() for secret in account.webhook_secrets)
    return replace(
        run,
        account=name,
        token=account.token.get_secret_value() if account.token else "",
        secret=_signing_secret(settings, name),
        report_secret=own,
        more_secrets=tuple(more),
    )


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
