"""How a platform's JSON is read: tolerant of odd values, strict about shapes.

`null` reads as an absent field, an unknown field is ignored, a number is taken where
text is due, an unknown enum value is plain text, and no e-mail or phone number is
checked. What is left over, a list where an object is due, is an error with its place.
No vendor's word stands here.

JSON is read by orjson: `NaN`, lone surrogates, invalid UTF-8, a byte order mark and
nesting beyond 1,024 are not JSON; of duplicate keys the last wins.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, TypeVar

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, core_schema

from bridge.errors import UnreadableError

_PLAIN = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$"
_LARGEST_EXPONENT = 30


def decimal_text(value: object) -> str:
    """Return plain decimal text of a number or of its text; empty text stays so."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("not a decimal number")  # noqa: TRY004  pydantic wants it
    return _plain(str(value).strip())


def _plain(text: str) -> str:
    """Rewrite `1e2`, `.5` or `+3`; a size beyond 30 digits is not money."""
    if not text:
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a decimal number") from None
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("not a decimal number")
    return format(number, "f")


def utc_time(value: object) -> datetime:
    """Return ISO 8601 text as aware UTC; without an offset it is UTC already."""
    if not isinstance(value, str):
        raise ValueError("not a time")  # noqa: TRY004  pydantic wants it
    time = datetime.fromisoformat(value.strip().upper())
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("not a time") from None


def whole_text(value: object) -> object:
    """Return the digits of a whole number that came as one, or as a double."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value


class _DecimalText:
    """Plain decimal text passes in pydantic's core; only odd forms come up to Python.

    A return has some forty amounts, so this is a tenth of reading it.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        odd = core_schema.no_info_plain_validator_function(decimal_text)
        plain = core_schema.str_schema(pattern=_PLAIN, coerce_numbers_to_str=True)
        return core_schema.union_schema(
            [plain, odd],
            mode="left_to_right",
            custom_error_type="decimal",
            custom_error_message="not a decimal number",
        )


Number = Annotated[str, _DecimalText]
"""Decimal text, empty when the text was."""

Time = Annotated[datetime, BeforeValidator(utc_time)]
"""Aware UTC."""

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""Whole units."""

Id = Annotated[str, BeforeValidator(whole_text)]
"""An id as text, whichever type it comes in."""

T = TypeVar("T")
Many = Annotated[
    tuple[T, ...],
    FailFast(),
    Field(max_length=10_000),
    BeforeValidator(lambda value: () if value is None else value),
]
"""A list; null reads as an empty one. The limit, and ending at the first error, keep
a hostile body from costing seconds."""

Flag = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
"""A boolean, also as 0 or 1; null reads as false."""


class Payload(BaseModel):
    """The base of every vendor shape: camelCase names, closed to no new field."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


Document = TypeVar("Document", bound=Payload)


def parse(document: type[Document], body: bytes) -> Document:
    """Read a body; raise UnreadableError `not_json` or `shape`, never with a value."""
    try:
        return document.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise UnreadableError("not_json") from None
    except ValidationError as broken:
        error = broken.errors(include_url=False)[0]
        path = path_of(error)
        raise UnreadableError("shape", path, f"{error['type']} at {path}") from None


def is_object(body: bytes) -> bool:
    """Tell whether a body is a JSON object at all: a page of HTML is none."""
    try:
        return isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        return False


def path_of(error: ErrorDetails) -> str:
    """Return the JSON path of the value that a model did not take."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"]
    )


def stamp(time: datetime | None) -> str:
    """Return UTC text of fixed width, so that text order is time order; or nothing."""
    return time.isoformat(timespec="microseconds") if time else ""
