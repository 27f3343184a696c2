"""The few words of ASGI that we speak, typed; and how an answer is sent.

Three paths and one method need no framework: a request costs what uvicorn costs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

Message = MutableMapping[str, object]
Scope = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

#: How long (seconds), and how much, a refused sender may go on sending before it is
#: cut off.
_LINGER, _LINGER_BYTES = 1.0, 16 * 1024 * 1024
_CLOSE: Header = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer made once and sent often: status, headers, body."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""


def answer(status: int, body: bytes, content_type: bytes, *headers: Header) -> Answer:
    """Return an answer whose length is stated."""
    length = (b"content-length", str(len(body)).encode())
    kind = ((b"content-type", content_type),) if body else ()
    return Answer(status, (*kind, length, *headers), body)


def header_pairs(scope: Scope) -> Iterable[Header]:
    """Return the request's headers: lower-case names, bytes as they came."""
    return cast("Iterable[Header]", scope["headers"])


async def send_answer(send: Send, answer: Answer) -> None:
    """Answer a request that has been read whole."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": list(answer.headers),
        }
    )
    await send({"type": "http.response.body", "body": answer.body})


async def send_and_close(receive: Receive, send: Send, answer: Answer) -> None:
    """Answer a request that is not read whole, and close its connection.

    What is still coming is thrown away for a moment: closing at once would reset the
    connection, and the sender would never see the answer (RFC 9112, section 9.6).
    """
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [*answer.headers, _CLOSE],
        }
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            await _discard(receive)
    await send({"type": "http.response.body", "body": b""})


async def _discard(receive: Receive) -> None:
    discarded = 0
    while discarded < _LINGER_BYTES:
        message = await receive()
        discarded += len(cast("bytes", message.get("body", b"")))
        if not message.get("more_body", False):
            return
