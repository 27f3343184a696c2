"""The simulated Redo's tags: their definitions, not what is on a return (section 9.6).

To set one up again recolours it; a new name goes on to all returns; a tag that is
deleted comes off all of them.
"""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.routing import Route

from bridge.sandbox.front import Answer, Json, problem
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import READ, WRITE
from bridge.sandbox.redo_shop import RedoShop

_AREA = "com.getredo.api:return-tag/"

_THEMES = frozenset(
    {
        *(
            "NORMAL",
            "PRIMARY_LIGHT",
            "LIGHT_PINK",
            "DANGER",
            "NEUTRAL_YELLOW",
            "SUCCESS",
        ),
        *("NEUTRAL_BLUE", "PRIMARY", "SOLID_WHITE", "SOLID_PINK", "SOLID_RED"),
        *(
            "SOLID_ORANGE",
            "SOLID_YELLOW",
            "SOLID_GREEN",
            "SOLID_LIGHT_BLUE",
            "SOLID_NAVY",
        ),
        *("SOLID_BLACK", "BRAND", "GRAY_BLUE", "WHITE_SUCCESS", "GRAY_ALTERNATE"),
        *(
            "BRAND_ALTERNATE",
            "ERROR_ALTERNATE",
            "WARNING_ALTERNATE",
            "SUCCESS_ALTERNATE",
        ),
        *("GRAY_BLUE_ALTERNATE", "BLUE_LIGHT_ALTERNATE", "BLUE_ALTERNATE"),
        *("INDIGO_ALTERNATE", "PURPLE_ALTERNATE", "PINK_ALTERNATE", "ORANGE_ALTERNATE"),
        *("BLACK_ALTERNATE", "WHITE_ALTERNATE", "WHITE_SUCCESS_ALTERNATE"),
    }
)


def _theme(text: str) -> str:
    if text not in _THEMES:
        raise ValueError("not a theme")
    return text


class _Change(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    pill_theme: Annotated[str, AfterValidator(_theme)]
    new_name: Annotated[str, Field(min_length=1)] | None = None


class Tags:
    """The tags of one store, by name; names are case-sensitive."""

    def __init__(self, shop: RedoShop) -> None:
        self._shop = shop
        self._tags: dict[str, Json] = {}

    def routes(self, desk: Desk) -> list[Route]:
        all_ = "/stores/{store}/return-tags"
        one = f"{all_}/{{name:path}}"
        return [
            desk.open(Door(all_, "GET", READ), self._list),
            desk.open(Door(one, "PUT", WRITE), self._put),
            desk.open(Door(one, "DELETE", WRITE), self._delete),
        ]

    def _list(self, _: Request, __: bytes) -> Answer:
        return Answer(200, {"tags": list[JsonValue](self._tags.values())})

    def _put(self, request: Request, body: bytes) -> Answer:
        name = request.path_params["name"]
        try:
            change = _Change.model_validate_json(body)
        except ValidationError:
            return _refused("invalid-request", "The body must be {pillTheme, newName?}")
        if change.new_name is not None:
            return self._rename(name, change.new_name, change.pill_theme)
        number = len(self._tags) + 1
        known = self._tags.get(name, {"numericId": number, "source": "merchant"})
        return self._keep(name, {**known, "pillTheme": change.pill_theme})

    def _rename(self, name: str, new: str, theme: str) -> Answer:
        """A second try finds the old name gone, or the new one taken."""
        if name not in self._tags or (new in self._tags and new != name):
            return _refused("rename-precondition-failed", "There is no such tag")
        known = self._tags.pop(name)
        self._shop.retag(name, new)
        return self._keep(new, {**known, "pillTheme": theme})

    def _keep(self, name: str, tag: Json) -> Answer:
        self._tags[name] = {**tag, "name": name, "kind": "return"}
        return Answer(200, {"tag": self._tags[name]}, effect=True)

    def _delete(self, request: Request, _: bytes) -> Answer:
        name = request.path_params["name"]
        if self._tags.pop(name, None) is None:
            return _refused("invalid-request", "There is no such tag")
        self._shop.retag(name, None)
        return Answer(200, {"success": True}, effect=True)


def _refused(code: str, title: str) -> Answer:
    return problem(400, f"{_AREA}{code}", title)
