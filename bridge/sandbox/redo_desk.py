"""What every call to the simulated Redo passes: limit, token, scope and store.

Whether Redo limits calls, says how long to wait, or fills its problem objects is not
known, so each is a way that can be chosen (redo.md, section 2).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.front import PROBLEM, Answer, Ask, Front, problem
from bridge.sandbox.quota import SECOND, Limit, Quota
from bridge.sandbox.redo_keys import Tokens

Job = Callable[[Request, bytes], Answer]
Form = Callable[[Answer], Answer]

OTHERS_STORE = "others-store"
"""A store that is there and belongs to another token; all others are not there."""

_ERRORS = 400
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Temper:
    """How Redo refuses; all of it is off by default.

    More calls than `per_second` are answered 429, every `broken_every`-th call 503.
    With `silent` a 429 does not say how long to wait, with `bare` problems have no
    fields, with `as_json` they come as `application/json`.
    """

    per_second: int | None = None
    broken_every: int = 0
    silent: bool = False
    bare: bool = False
    as_json: bool = False

    def dress(self, answer: Answer) -> Answer:
        """Give an answer the form that was chosen."""
        headers = dict(answer.headers)
        if self.silent:
            headers.pop("retry-after", None)
        answer = replace(answer, headers=headers)
        is_problem = answer.status >= _ERRORS and answer.content_type == PROBLEM
        if is_problem and self.bare:
            answer = replace(answer, body={})
        if is_problem and self.as_json:
            answer = replace(answer, content_type="application/json")
        return answer


NO_TEMPER = Temper()


@dataclass(frozen=True, slots=True)
class Door:
    """One operation: what it is called by, and what it takes to come in.

    `about` tells what a call is about; `form` is how this area refuses.
    """

    path: str
    method: str
    scope: str | None
    about: Callable[[Request], str] = lambda request: request.url.path
    form: Form = lambda answer: answer


class Desk:
    """Lets calls in. `quota` has counted them, by token."""

    def __init__(
        self, store: str, *, front: Front, tokens: Tokens, temper: Temper, clock: Clock
    ) -> None:
        self.store = store
        limits = [] if temper.per_second is None else [Limit(SECOND, temper.per_second)]
        self.quota = Quota(limits, clock)
        self._front = front
        self._front.dress = temper.dress
        self._tokens = tokens
        self._temper = temper
        self._calls = 0

    def open(self, door: Door, job: Job) -> Route:
        """Return the route of an operation; `job` is done only if all is well."""

        async def endpoint(request: Request) -> Response:
            body = await request.body()
            key = request.headers.get("idempotency-key")
            return await self._front.attend(
                request,
                Ask(door.about(request), key=key),
                lambda: self._refusal(request, door) or job(request, body),
            )

        return Route(f"/v2.2{door.path}", endpoint, methods=[door.method])

    def _refusal(self, request: Request, door: Door) -> Answer | None:
        if self._breaks():
            return problem(503, "about:blank", "Something broke over here")
        if not self.quota.take(request.headers.get("authorization", "")):
            refused = problem(_TOO_MANY, "about:blank", "Too many requests")
            return replace(refused, headers={"retry-after": "1"})
        refusal = self._tokens.refusal(request, door.scope)
        store = request.path_params.get("store", self.store)
        return door.form(refusal) if refusal else self._elsewhere(store)

    def _breaks(self) -> bool:
        self._calls += 1
        every = self._temper.broken_every
        return every > 0 and self._calls % every == 0

    def _elsewhere(self, store: str) -> Answer | None:
        if store == self.store:
            return None
        if store == OTHERS_STORE:
            return problem(403, "about:blank", "The store is another team's")
        return problem(404, "about:blank", "Store not found")
