"""`sandbox loop`: the simulated Loop, for an account of the settings or for itself."""

from dataclasses import dataclass

from bridge.app.alone import Alone
from bridge.errors import ConfigError
from bridge.platforms.loop.options import LoopAccount
from bridge.sandbox.loop_standalone import LoopMode, LoopRun, run_loop
from bridge.settings import Settings

DEMO_KEY, DEMO_SECRET = "demo-loop-key", "demo-loop-secret"
"""What a simulator without settings takes and signs with: nobody's."""


@dataclass(frozen=True, slots=True)
class LoopSandbox(Alone):
    """A Loop that runs by itself, and what is switched on."""

    modes: tuple[LoopMode, ...] = ()


async def sandbox_loop(
    options: LoopSandbox, settings: Settings | None = None, account: str | None = None
) -> None:
    """Play Loop until told to stop, with the secrets of `account` if one is given."""
    header, key, secret = "x-authorization", DEMO_KEY, DEMO_SECRET
    if settings is not None and account is not None:
        known = _account(settings, account)
        header, secret = known.key_header, known.webhook_secrets[0].get_secret_value()
        key = known.api_key.get_secret_value() if known.api_key else DEMO_KEY
    run = LoopRun(
        options.hook_url,
        every=options.every,
        returns=options.returns,
        header=header,
        modes=options.modes,
        api_key=key,
        secret=secret,
    )
    await run_loop(run, options.place, options.manners)


def _account(settings: Settings, name: str) -> LoopAccount:
    account = settings.accounts.get(name)
    if not isinstance(account, LoopAccount):
        raise ConfigError(
            f"accounts.{name} is not a loop account: choose one that is with --account"
        )
    return account
