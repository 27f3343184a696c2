"""`sandbox redo`: the simulated Redo, for an account of the settings or for itself."""

from collections.abc import Collection
from dataclasses import dataclass

from bridge.app.alone import Alone
from bridge.errors import ConfigError
from bridge.platforms.redo.options import RedoAccount
from bridge.sandbox.redo_keys import ALL_SCOPES
from bridge.sandbox.redo_modes import NOTHING, Chosen
from bridge.sandbox.standalone import ShopRun, run_shop
from bridge.settings import Settings

DEMO_STORE = "demo-store"
DEMO_TOKEN, DEMO_HOOK_TOKEN = "demo-redo-token", "demo-redo-hook"
"""What a simulator without settings takes and sends."""


@dataclass(frozen=True, slots=True)
class RedoSandbox(Alone):
    """A Redo that runs by itself, what is switched on, what its token may."""

    chosen: Chosen = NOTHING
    scopes: Collection[str] = ALL_SCOPES


async def sandbox_redo(
    options: RedoSandbox, settings: Settings | None = None, account: str | None = None
) -> None:
    """Play Redo until told to stop, with the secrets of `account` if one is given."""
    store, token, hook_token = DEMO_STORE, DEMO_TOKEN, DEMO_HOOK_TOKEN
    if settings is not None and account is not None:
        known, token = redo_account(settings, account)
        store = known.store_id or DEMO_STORE
        hook_token = known.webhook_tokens[0].get_secret_value()
    run = ShopRun(
        options.hook_url,
        store=store,
        every=options.every,
        returns=options.returns,
        chosen=options.chosen,
        scopes=options.scopes,
        api_token=token,
        webhook_token=hook_token,
    )
    await run_shop(run, options.place, options.manners)


def redo_account(settings: Settings, name: str) -> tuple[RedoAccount, str]:
    """Return the account to be played and what opens its API; or raise ConfigError."""
    account = settings.accounts.get(name)
    if not isinstance(account, RedoAccount) or account.api_token is None:
        raise ConfigError(
            f"accounts.{name} is not a redo account with an api_token: "
            "choose one that is with --account"
        )
    return account, account.api_token.get_secret_value()
