"""What every part of the simulated Loop's API shares: access, versions, bad days.

A version is in the path; a path without one means the oldest that is served, and `v1`
is another name of 2026-07, so it goes with it (loop.md, section 1). What the sheet
calls older answers are those of 2026-07 here: that they are is a guess.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from bridge.clock import Clock
from bridge.sandbox.front import PROBLEM, Answer, Ask, Front
from bridge.sandbox.loop_keys import LoopKeys
from bridge.sandbox.loop_shop import LoopShop

#: Oldest first.
VERSIONS = ("2026-07", "2026-10", "unstable")
_ALIAS, _ALIASED = "v1", "2026-07"


@dataclass(frozen=True, slots=True)
class LoopTemper:
    """What stands before Loop and speaks for it.

    With `plain_errors` every error is text instead of JSON; with `maintenance` every
    answer is a page for people, with status 200.
    """

    plain_errors: bool = False
    maintenance: bool = False


@dataclass(slots=True)
class Desk:
    """What every part of the API needs."""

    shop: LoopShop
    keys: LoopKeys
    front: Front
    clock: Clock
    versions: Sequence[str] = VERSIONS
    temper: LoopTemper = field(default_factory=LoopTemper)

    async def attend(
        self, request: Request, scope: str, subject: str, work: Callable[[], Answer]
    ) -> Response:
        """Answer behind faults and record, if the credential may."""
        await request.body()
        key = request.headers.get("idempotency-key")
        return await self.front.attend(
            request, Ask(subject, key=key), lambda: self._answer(request, scope, work)
        )

    def is_old(self, request: Request) -> bool:
        """Tell whether the request asks for what was before 2026-10."""
        named = request.url.path.split("/")[2]
        named = _ALIASED if named == _ALIAS else named
        return (named if named in self.versions else self.versions[0]) == _ALIASED

    def versioned(self, routes: list[BaseRoute]) -> list[BaseRoute]:
        """Mount the routes below every version, and below none."""
        alias = [_ALIAS] if _ALIASED in self.versions else []
        below: list[BaseRoute] = [
            Mount(f"/api/{version}", routes=routes)
            for version in (*self.versions, *alias)
        ]
        return [*below, Mount("/api", routes=routes)]

    def _answer(
        self, request: Request, scope: str, work: Callable[[], Answer]
    ) -> Answer:
        if self.temper.maintenance:
            return Answer(200, _PAGE, content_type="text/html")
        answer = self.keys.refusal(request, scope) or work()
        if self.temper.plain_errors and not _is_good(answer):
            return Answer(
                answer.status,
                f"Refused with {answer.status}",
                content_type="text/plain",
                headers=answer.headers,
            )
        return answer


_TOLD = frozenset({"error", "errors", "message", "content"})
_PAGE = "<!doctype html><title>Back soon</title><p>We are at work on this.</p>"


def _is_good(answer: Answer) -> bool:
    """Tell a success from an error, also from one with status 200."""
    body = answer.body
    told = isinstance(body, dict) and not _TOLD.isdisjoint(body)
    return answer.status < 400 and (answer.effect or not told)  # noqa: PLR2004 errors begin there


def dress(answer: Answer) -> Answer:
    """Make text or a page of what breaks before Loop: that is never Loop's JSON."""
    if answer.content_type != PROBLEM:
        return answer
    if answer.status == 500:  # noqa: PLR2004 the server itself, others are a gateway's
        return Answer(answer.status, "Server Error", content_type="text/plain")
    page = f"<html><body><h1>{answer.status}</h1></body></html>"
    return Answer(answer.status, page, content_type="text/html")


def json_object(body: bytes) -> dict[str, JsonValue] | None:
    """Return a body that is a JSON object, None for any other."""
    try:
        content = orjson.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
