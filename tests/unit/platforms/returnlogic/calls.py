"""What the tests of ReturnLogic share: an account, its tokens, and a conversation."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import SecretStr

from bridge.platforms.returnlogic.options import OAuthOptions, ReturnLogicAccount
from bridge.platforms.returnlogic.token_file import TokenFile

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
Server = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")


def account(**changes: object) -> ReturnLogicAccount:
    values = {
        "api_key": SecretStr("the-key"),
        "webhook_tokens": (SecretStr("token-of-the-path"),),
        "base_url": "https://returnlogic.test/v1",
    }
    return ReturnLogicAccount.model_validate(values | changes)


def oauth(folder: Path, *keys: str) -> OAuthOptions:
    return OAuthOptions(
        client_id="demo-client",
        client_secret=SecretStr("demo-secret"),
        token_file=folder / "tokens",
        token_keys=tuple(map(SecretStr, keys)),
    )


def token_file(folder: Path, *keys: str) -> TokenFile:
    return oauth(folder, *keys).tokens()


def held(
    conversation: Generator[httpx.Request, httpx.Response, T], server: Server
) -> tuple[T, list[httpx.Request]]:
    """Hold a conversation to its end; return what it came to and what was asked."""
    requests: list[httpx.Request] = []
    try:
        requests.append(next(conversation))
        while True:
            requests.append(conversation.send(server(requests[-1])))
    except StopIteration as end:
        outcome: T = end.value
        return outcome, requests


def answering(code: int, content: object = None, **headers: str) -> Server:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(code, json=content, headers=names)
