"""`accounts connect`: from the code of an app's installation to tokens that are kept.

Does not ask for the installation: the platform sends the code to whoever installed.
"""

from bridge.app.accounts import account_of
from bridge.app.polling import sender
from bridge.app.tokens import check_tokens
from bridge.clock import SystemClock
from bridge.errors import BridgeError, ConfigError
from bridge.inbound.conversing import converse
from bridge.platforms.contract import Throttled, Unauthorized
from bridge.platforms.returnlogic.oauth import Client, Pair, Tokens
from bridge.platforms.returnlogic.options import ReturnLogicAccount
from bridge.settings import Settings


class ConnectFailed(BridgeError):
    """The platform gave no tokens."""

    reason = "connect_failed"


async def connect_account(settings: Settings, name: str, code: str) -> None:
    """Trade `code` for tokens and keep them where the account looks for them.

    Raises ConfigError for an account without `oauth` or a place that cannot be
    written, before the code is spent; ConnectFailed if there are no tokens.
    """
    client, tokens = _parts(settings, account_of(settings, name))
    check_tokens(settings, name)
    send, close = sender(settings.polling)
    try:
        granted = await converse(client.exchange(code, SystemClock().now()), send)
    finally:
        await close()
    if not isinstance(granted, Pair):
        raise ConnectFailed(f"accounts.{name} was not connected: {_why(granted)}")
    tokens.keep(granted)


def _parts(settings: Settings, name: str) -> tuple[Client, Tokens]:
    options = settings.accounts[name]
    if isinstance(options, ReturnLogicAccount):
        client, tokens = options.client(), options.tokens()
        if client is not None and tokens is not None:
            return client, tokens
    raise ConfigError(
        f"accounts.{name} is not connected by a code: only a returnlogic account "
        "with the section oauth is"
    )


def _why(outcome: object) -> str:
    match outcome:
        case Unauthorized():
            return (
                "the code was refused. It counts once, and only for the client_id it "
                "was made for: install the app again for a new one"
            )
        case Throttled():
            return "it asks for time: try again in a minute, with the same code"
        case _:
            reason = str(getattr(outcome, "reason", "failed"))
            return f"{reason}: try again, with a new code if this one is refused"
