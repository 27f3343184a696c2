"""The back door of a simulator: modes are switched and things made to happen there.

No platform has it. It takes no key and counts no call, so a simulator that runs alone
can be led through everything its checklist names, by tests and by people:

    GET  /sandbox/modes             the modes as they are
    PUT  /sandbox/modes             {"<mode>": <value>, …}: switch some of them
    POST /sandbox/<deed>            {…}: have something happen, for instance `create`
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import get_type_hints

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.errors import ConfigError
from bridge.sandbox.front import Json

Deed = Callable[[Json], JsonValue]


@dataclass(frozen=True, slots=True)
class Board:
    """The modes that stand in one value: the `attribute` of each holder.

    Without `names` all its fields are modes.
    """

    holders: tuple[object, ...]
    attribute: str
    names: tuple[str, ...] = ()

    @property
    def modes(self) -> Mapping[str, object]:
        """Return what is switched how."""
        value = getattr(self.holders[0], self.attribute)
        if not is_dataclass(value) or isinstance(value, type):
            return {self.attribute: value}
        names = self.names or tuple(each.name for each in fields(value))
        return {name: getattr(value, name) for name in names}

    def switch(self, name: str, to: object) -> None:
        """Switch one mode; raise ConfigError where it has no such position."""
        for holder in self.holders:
            value = getattr(holder, self.attribute)
            if not is_dataclass(value) or isinstance(value, type):
                setattr(holder, self.attribute, _read(name, type(value), to))
                continue
            position = _read(name, get_type_hints(type(value))[name], to)
            setattr(holder, self.attribute, replace(value, **{name: position}))


def _read(name: str, type_: object, text: object) -> object:
    try:
        position: object = TypeAdapter[object](type_).validate_python(text)  # type: ignore[arg-type] # a field's type, as its class has it
    except ValidationError as wrong:
        reason = wrong.errors(include_input=False, include_url=False)[0]["msg"]
        raise ConfigError(f"mode {name}: {reason}") from None
    return position


class Modes:
    """All modes of a simulator by name."""

    def __init__(
        self, boards: Iterable[Board], switched: Callable[[], None] = lambda: None
    ) -> None:
        """Stand on `boards`; `switched` is called whenever some were."""
        self._switched = switched
        self._boards = {name: board for board in boards for name in board.modes}

    @property
    def now(self) -> Mapping[str, object]:
        return {name: board.modes[name] for name, board in self._boards.items()}

    def switch(self, to: Mapping[str, object]) -> None:
        """Switch modes; ConfigError for one that is not there, or not so."""
        for name in to:
            if name not in self._boards:
                known = ", ".join(sorted(self._boards))
                raise ConfigError(f"mode {name} is not known: choose from {known}")
        for name, position in to.items():
            self._boards[name].switch(name, position)
        self._switched()


def doors(modes: Modes, deeds: Mapping[str, Deed]) -> list[Route]:
    """Return the routes of the back door."""

    async def look(_: Request) -> Response:
        return _answer(200, to_jsonable_python(modes.now))

    async def switch(request: Request) -> Response:
        return await _done(request, modes.switch)

    def door(deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            return await _done(request, deed)

        return serve

    return [
        Route("/sandbox/modes", look, methods=["GET"]),
        Route("/sandbox/modes", switch, methods=["PUT"]),
        *(
            Route(f"/sandbox/{name}", door(deed), methods=["POST"])
            for name, deed in deeds.items()
        ),
    ]


async def _done(request: Request, deed: Deed) -> Response:
    try:
        return _answer(200, deed(orjson.loads(await request.body() or b"{}")))
    except (ConfigError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        return _answer(400, {"message": f"{type(wrong).__name__}: {wrong}"})


def _answer(status: int, body: JsonValue) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
