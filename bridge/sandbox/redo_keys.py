"""Who may call the simulated Redo: bearer tokens, each with its scopes (section 1)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue
from starlette.requests import Request

from bridge.sandbox.front import Answer, problem

READ, WRITE = "returns_read", "returns_write"
HOOKS_READ, HOOKS_WRITE = "webhooks_read", "webhooks_write"
ORDERS_READ, ORDERS_WRITE = "orders_read", "orders_write"
EVENTS_WRITE, PRODUCTS_WRITE = "customer_events_write", "products_write"
ALL_SCOPES = (
    *(READ, WRITE, HOOKS_READ, HOOKS_WRITE),
    *(ORDERS_READ, ORDERS_WRITE, EVENTS_WRITE, PRODUCTS_WRITE),
)
_AREA = "com.getredo.api:"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The API's bearer tokens, each with its scopes."""

    scopes: Mapping[str, frozenset[str]] = field(repr=False)

    def refusal(self, request: Request, scope: str | None) -> Answer | None:
        """Return 401 or 403 if the request may not, else None.

        Without a `scope` any token may.
        """
        held = self._held(request.headers.get("authorization", ""))
        if held is None:
            return problem(401, "about:blank", "Unauthorized")
        if scope is not None and scope not in held:
            detail = f"The token lacks the scope {scope}"
            return problem(403, f"{_AREA}scope/forbidden", "Forbidden", detail=detail)
        return None

    def _held(self, header: str) -> frozenset[str] | None:
        """Return what the bearer may, None for one whom nobody knows."""
        held: frozenset[str] | None = None
        for token, scopes in self.scopes.items():
            if hmac.compare_digest(f"Bearer {token}".encode(), header.encode()):
                held = scopes
        return held


def invalid(detail: str) -> Answer:
    """Return the answer to a request that does not fit."""
    return problem(
        400, f"{_AREA}return/invalid-request", "Invalid request", detail=detail
    )


def plain_problem(status: int, title: str, **more: JsonValue) -> Answer:
    """Return a problem object as named errors have it: as `application/json`."""
    body: dict[str, JsonValue] = {"type": "about:blank", "title": title, **more}
    return Answer(status, body)
