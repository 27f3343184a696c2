"""Who may call the simulated Redo: bearer tokens, each with its scopes (section 1)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from bridge.sandbox.front import Answer, problem

READ, WRITE = "returns_read", "returns_write"
HOOKS_READ, HOOKS_WRITE = "webhooks_read", "webhooks_write"
_AREA = "com.getredo.api:"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The API's bearer tokens, each with its scopes."""

    scopes: Mapping[str, frozenset[str]] = field(repr=False)

    def refusal(self, request: Request, scope: str) -> Answer | None:
        """Return 401 or 403 if the request may not, else None."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        held: frozenset[str] | None = None
        for token, scopes in self.scopes.items():
            if hmac.compare_digest(token.encode(), given.encode()):
                held = scopes
        if held is None:
            return problem(401, "about:blank", "Unauthorized")
        if scope not in held:
            detail = f"The token lacks the scope {scope}"
            return problem(403, f"{_AREA}scope/forbidden", "Forbidden", detail=detail)
        return None


def invalid(detail: str) -> Answer:
    """Return the answer to a request that does not fit."""
    return problem(
        400, f"{_AREA}return/invalid-request", "Invalid request", detail=detail
    )
