"""A real HTTP server on loopback in the running event loop, any free port.

Signals are left to the process; the server adds one ability that ASGI does not have:
to drop a connection without an answer.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import cast

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError

_POLL = timedelta(milliseconds=5)
_EXTENSION = "sandbox.connection"


class _Droppable(HttpToolsProtocol):
    """Tells the application how to close the connection it is asked on."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # The scope is what ASGI has for extensions; uvicorn fills the rest of it.
        self.scope["extensions"] = {_EXTENSION: {"close": self.transport.close}}


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signal handlers alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class LoopbackServer:
    """Serves one application until it is stopped."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._address = (host, port)
        self._clock = clock or SystemClock()
        self._server = _Quiet(
            uvicorn.Config(
                app,
                http=_Droppable,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen; afterwards `url` is the server's address without a slash.

        Raises ConfigError if that cannot be had.
        """
        try:
            listening = socket.create_server(self._address, reuse_port=False)
        except OSError as taken:
            raise ConfigError(
                "the simulator cannot listen on {}:{} ({}): choose another address "
                "or port".format(*self._address, taken.strerror)
            ) from taken
        host, port = listening.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self._task = asyncio.create_task(self._server.serve([listening]))
        while not self._server.started and not self._task.done():
            await self._clock.sleep(_POLL)

    async def stop(self) -> None:
        """Stop listening and let requests under way finish."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task


def drop(request: Request) -> None:
    """Close the connection of `request` without an answer."""
    extension = request.scope["extensions"][_EXTENSION]
    cast("Callable[[], None]", extension["close"])()
