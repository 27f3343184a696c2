"""The small shapes that Redo's return and order share, and how odd values are read.

The reading is tolerant on purpose (redo.md, sections 1 and 17): `null` reads as an
absent field, an unknown field is ignored, a number is taken where text is due, an
unknown enum value is plain text, and no e-mail or phone number is checked. What is
left over, a list where an object is due, is an error with its place.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
)
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

_PLAIN = re.compile(r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$")
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


class _DecimalText:
    """Plain decimal text passes in pydantic's core; only odd forms come up to Python.

    A return has some forty amounts, so this is a tenth of reading it.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        odd = core_schema.no_info_plain_validator_function(decimal_text)
        plain = core_schema.str_schema(
            pattern=_PLAIN.pattern, coerce_numbers_to_str=True
        )
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

Said = dict[str, object]
"""What a part of a body says, under canonical names: a canonical model's fields.

Parts are plain until the whole is: one validation of a `Return` costs half of making
each of its fifty parts a model of its own.
"""

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
"""A boolean; null reads as false."""


class Payload(BaseModel):
    """The base of every vendor shape: camelCase names, closed to no new field."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class Money(Payload):
    """An amount; both parts may be missing."""

    amount: Number | None = None
    currency: str | None = None


class Sum(Payload):
    """Money one level deeper, as in `totals.refund.amount.amount`."""

    amount: Money | None = None


class Address(Payload):
    """A postal address."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class PersonName(Payload):
    """A name in two parts."""

    given: str | None = None
    surname: str | None = None


class Product(Payload):
    """What is sold."""

    external_id: str | None = None
    name: str | None = None


class Weight(Payload):
    """How heavy one unit is."""

    kg: Number | None = None


class Variant(Payload):
    """Which form of the product."""

    external_id: str | None = None
    name: str | None = None
    sku: str | None = None
    weight: Weight | None = None


NO_PRODUCT = Product()
NO_VARIANT = Variant()


class Cover(Payload):
    """What cover was bought (`order.protection`)."""

    covered: Flag = False
    returns_coverage: Flag = False
    package_protection: Flag = False
    final_sale_coverage: Flag = False
