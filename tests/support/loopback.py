"""HTTP clients for what tests serve on loopback."""

from typing import TypedDict, Unpack

import httpx


class Options(TypedDict, total=False):
    """The options of httpx's own that tests use."""

    base_url: str
    headers: dict[str, str]
    timeout: float | None


def client(**options: Unpack[Options]) -> httpx.AsyncClient:
    """Return a client without proxies; loading certificates would take it 30 ms."""
    return httpx.AsyncClient(verify=False, trust_env=False, **options)  # noqa: S501
