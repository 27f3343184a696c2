"""How Redo's API is called: base, credential, and the path of a store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Api:
    """One API client at Redo."""

    base_url: str
    token: SecretStr = field(repr=False)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> httpx.Request:
        """Return a request with our credential; `path` begins with a slash."""
        return httpx.Request(
            method,
            f"{self.base_url}{path}",
            params=query,
            headers={
                "Accept": "application/json",
                "Authorization": f"Bearer {self.token.get_secret_value()}",
                **(headers or {}),
            },
            json=body,
        )


@dataclass(frozen=True, slots=True)
class Store:
    """One store: the calls about it as a whole."""

    api: Api
    id: str

    def path(self, of: str) -> str:
        """Return the path of something of the store (`returns`, `webhooks`)."""
        return f"/stores/{quote(self.id, safe='')}/{of}"
