"""`sandbox redo`: the simulated Redo, for an account of the settings or for itself."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from bridge.errors import ConfigError
from bridge.platforms.redo.options import RedoAccount
from bridge.sandbox.faults import Level
from bridge.sandbox.redo_keys import ALL_SCOPES
from bridge.sandbox.redo_modes import NOTHING, Chosen
from bridge.sandbox.simulators import Manners, Place
from bridge.sandbox.standalone import ShopRun, run_shop
from bridge.settings import Settings

DEMO_STORE = "demo-store"
DEMO_TOKEN, DEMO_HOOK_TOKEN = "demo-redo-token", "demo-redo-hook"
"""What a simulator without settings takes and sends."""


@dataclass(frozen=True, slots=True)
class RedoSandbox:
    """What the command line says. `hook_url` is where webhooks go, None for nowhere."""

    host: str
    port: int
    hook_url: str | None
    faults: Level
    seed: int
    rate: float
    chosen: Chosen = NOTHING
    scopes: Collection[str] = ALL_SCOPES


async def sandbox_redo(
    options: RedoSandbox, settings: Settings | None = None, account: str | None = None
) -> None:
    """Play Redo until told to stop, with the secrets of `account` if one is given."""
    store, token, hook_token = DEMO_STORE, DEMO_TOKEN, DEMO_HOOK_TOKEN
    if settings is not None and account is not None:
        known = redo_account(settings, account)
        store, token = known.store_id or DEMO_STORE, token_of(known)
        hook_token = known.webhook_tokens[0].get_secret_value()
    run = ShopRun(
        options.hook_url,
        store=store,
        every=timedelta(seconds=1 / (options.rate or 1)),
        returns=None if options.rate else 0,
        chosen=options.chosen,
        scopes=options.scopes,
        api_token=token,
        webhook_token=hook_token,
    )
    manners = Manners(options.faults, habits=options.faults, seed=options.seed)
    await run_shop(run, Place(options.host, options.port), manners)


def redo_account(settings: Settings, name: str) -> RedoAccount:
    """Return the account to be played; raise ConfigError if it is none of Redo's."""
    account = settings.accounts.get(name)
    if not isinstance(account, RedoAccount) or account.api_token is None:
        raise ConfigError(
            f"accounts.{name} is not a redo account with an api_token: "
            "choose one that is with --account"
        )
    return account


def token_of(account: RedoAccount) -> str:
    """Return what opens the API."""
    return "" if account.api_token is None else account.api_token.get_secret_value()
