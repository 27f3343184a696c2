"""What the tests of ReturnLogic share: an account, and holding a conversation."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import TypeVar

import httpx
from pydantic import SecretStr

from bridge.platforms.returnlogic.options import ReturnLogicAccount

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
