"""What pydantic complains of, in words that an operator can act on.

Never quotes a value: it may be a secret in the wrong place.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.settings.document import At

_SUBJECT = re.compile(r"^(Input|String|Value|Tuple|List|Dictionary) should")
_SENTENCES = {
    "missing": "is missing: add it",
    "string_type": "should be a text: put it in quotes",
    "time_delta_type": "should be a duration, as in 200ms, 5s, 10min, 8h, 14d",
    "time_delta_parsing": "should be a duration, as in 200ms, 5s, 10min, 8h, 14d",
}


def problems_of(
    error: ValidationError, model: type[BaseModel], tree: object
) -> Iterator[tuple[At, str]]:
    """Yield the place below `tree` and the problem with its remedy, for each error."""
    for detail in error.errors(include_url=False, include_context=False):
        at = _place(detail, tree)
        yield at, _sentence(detail, model, at)


def _place(detail: ErrorDetails, tree: object) -> At:
    """Keep what is in the tree: pydantic names union members on the way as well."""
    at: list[str | int] = []
    node = tree
    for part in detail["loc"]:
        found, node = _child(node, part)
        if found or (detail["type"] == "missing" and part == detail["loc"][-1]):
            at.append(part)
    return tuple(at)


def _child(node: object, part: str | int) -> tuple[bool, object]:
    if isinstance(node, Mapping) and part in node:
        return True, node[part]
    if isinstance(node, list | tuple) and isinstance(part, int):
        return True, node[part]
    return False, node


def _sentence(detail: ErrorDetails, model: type[BaseModel], at: At) -> str:
    if detail["type"] == "extra_forbidden":
        return f"is not known here: {_suggestion(model, at)}"
    if detail["type"] in _SENTENCES:
        return _SENTENCES[detail["type"]]
    return _SUBJECT.sub("should", detail["msg"].removeprefix("Value error, "))


def _suggestion(model: type[BaseModel], at: At) -> str:
    known = _keys(model, at[:-1])
    close = get_close_matches(str(at[-1]), known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"remove it, or use one of {', '.join(known)}" if known else "remove it"


def _keys(model: type[BaseModel], at: At) -> list[str]:
    """Return the keys that the model below `model` at `at` knows, if it is plain."""
    for part in at:
        field = model.model_fields.get(str(part))
        inner = None if field is None else field.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return sorted(model.model_fields)
