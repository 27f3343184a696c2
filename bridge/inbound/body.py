"""Reads a request's body: whole, in time, and within limits; bytes and nothing else."""

import asyncio
from collections.abc import Iterable
from typing import cast

from bridge.inbound.asgi import Header, Receive
from bridge.inbound.options import InboundOptions
from bridge.inbound.problems import BODY_TOO_LARGE, BUSY, SLOW_BODY, Unread


class Disconnected(Exception):
    """The sender went away before its body was whole: there is nobody to answer."""


class BodyReader:
    """Reads bodies; knows how many bytes all of them hold together."""

    def __init__(self, options: InboundOptions) -> None:
        self._limit = options.body_limit
        self._memory_limit = options.memory_limit
        self._timeout = options.body_timeout.total_seconds()
        self._held = 0

    async def read(self, headers: Iterable[Header], receive: Receive) -> bytes:
        """Return the body; raise Unread or Disconnected.

        A stated length over the limit is refused before a byte is read; without one
        (chunked) reading stops at the limit.
        """
        if _stated_length(headers) > self._limit:
            raise Unread(BODY_TOO_LARGE)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._read(receive)
        except TimeoutError:
            raise Unread(SLOW_BODY) from None

    async def _read(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        length = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                part = cast("bytes", message.get("body", b""))
                length += len(part)
                self._hold(len(part), length)
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
        finally:
            self._held -= length

    def _hold(self, size: int, length: int) -> None:
        self._held += size
        if length > self._limit:
            raise Unread(BODY_TOO_LARGE)
        if self._held > self._memory_limit:
            raise Unread(BUSY)


def _stated_length(headers: Iterable[Header]) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
