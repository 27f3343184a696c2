"""HTTP clients of simulated systems.

Loading the certificates that a machine trusts takes 30 ms; simulators come in dozens,
and all trust the same.
"""

import ssl
from datetime import timedelta
from functools import cache

import httpx

_PATIENCE = timedelta(seconds=5)  # httpx's own


def client(
    patience: timedelta = _PATIENCE,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a client that waits so long for each step of a call."""
    return httpx.AsyncClient(
        verify=_trusted(), timeout=patience.total_seconds(), transport=transport
    )


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()
