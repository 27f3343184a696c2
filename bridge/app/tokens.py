"""The tokens that an account keeps on a disk: are they usable, before it calls."""

from bridge.errors import ConfigError
from bridge.platforms.returnlogic.options import ReturnLogicAccount
from bridge.platforms.returnlogic.seal import make_key
from bridge.settings import Settings

__all__ = ["check_tokens", "make_key"]


def check_tokens(settings: Settings, name: str) -> None:
    """Raise ConfigError if the account's tokens are there, but cannot be used.

    What was not sealed yet, or by a former key, is sealed anew.
    """
    options = settings.accounts[name]
    tokens = options.tokens() if isinstance(options, ReturnLogicAccount) else None
    if tokens is None:
        return
    try:
        tokens.current()
    except ConfigError as wrong:
        raise ConfigError(f"accounts.{name}: {wrong}") from wrong
