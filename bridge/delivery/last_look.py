"""The last look: whether a call may start is asked again as its bytes leave.

Between the owner's permission and the socket lie a connection to be made and turns of
the event loop; a process that was stopped in there would send the call when it wakes,
beside its successor. What is left between this look and the kernel is no wait at all.
"""

from collections.abc import Callable
from contextvars import ContextVar

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

#: Tells whether the call under way in this context may start this very moment.
MAY_START: ContextVar[Callable[[], bool]] = ContextVar("MAY_START")


class PermissionLapsedError(Exception):
    """The call may not start any more. Nothing of it was sent."""


class LastLook(aiohttp.ClientRequest):
    """A request that asks `MAY_START` right before it is written."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write a request without a body; see `write_bytes` for one with a body."""
        if not MAY_START.get()():
            raise PermissionLapsedError
        return await super().send(conn)

    async def write_bytes(
        self,
        writer: AbstractStreamWriter,
        conn: Connection,
        content_length: int | None = None,
    ) -> None:
        """Write head and body together, in a task of their own.

        From Python 3.12 on it starts within `send`, before that after it. Either way
        who waits for the answer hears of a refusal, and closes the connection: closed
        here, it would be missed there.
        """
        if conn.protocol is None or MAY_START.get()():
            await super().write_bytes(writer, conn, content_length)
            return
        conn.protocol.set_exception(PermissionLapsedError())
