"""Runs an ASGI app with uvicorn inside a loop that is somebody else's.

Signals belong to the composition root: uvicorn is not let near them.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvicorn

from bridge.errors import ConfigError
from bridge.inbound.asgi import App
from bridge.inbound.guard import GuardedProtocol, Limits
from bridge.inbound.options import InboundOptions
from bridge.telemetry import events, logger, metrics

_BACKLOG = 2_048
_log = logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers; says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class HttpServer:
    """One listening address and the app behind it."""

    def __init__(self, app: App, options: InboundOptions) -> None:
        self._app = app
        self._options = options
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen and return the port; raise ConfigError if the address is taken."""
        listener = _listen(self._options)
        port = cast("int", listener.getsockname()[1])
        server = _Server(_config(self._app, self._options))
        self._server = server
        self._serving = asyncio.create_task(server.serve([listener]))
        await server.listening.wait()
        metrics.INBOUND_CONNECTIONS.set_function(
            lambda: len(server.server_state.connections)
        )
        _log.info(events.HTTP_LISTENING, host=self._options.host, port=port)
        return port

    async def stop(self) -> None:
        """Take no more connections, finish what was begun, within the limit."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving


def _config(app: App, options: InboundOptions) -> uvicorn.Config:
    # Every scanner's nonsense would be a warning of its own; it is counted instead.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    limits = Limits(
        connections=options.connection_limit,
        head_bytes=options.head_limit,
        head_seconds=options.head_timeout.total_seconds(),
    )
    return uvicorn.Config(
        app,
        http=type("BoundedProtocol", (GuardedProtocol,), {"limits": limits}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=int(options.idle_timeout.total_seconds()) or 1,
        timeout_graceful_shutdown=int(options.shutdown_timeout.total_seconds()) or 1,
    )


def _listen(options: InboundOptions) -> socket.socket:
    address = (options.host, options.port)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server(
            address, family=family, backlog=_BACKLOG, reuse_port=options.reuse_port
        )
    except OSError as taken:
        raise ConfigError(
            f"inbound: cannot listen on {options.host}:{options.port} "
            f"({taken.strerror}); choose another inbound.host or inbound.port"
        ) from taken
