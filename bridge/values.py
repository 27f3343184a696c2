"""Values that are made by the thousand: frozen to the reader and to mypy alone.

A frozen dataclass sets each field through `object.__setattr__`: it costs twice to make
what costs half so. Whatever is made once for every event or more is a `value`; all else
is a plain `dataclass(frozen=True, slots=True)`.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make `cls` a slotted dataclass that compares and hashes by its fields.

    Nobody assigns to its fields: mypy sees to it.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
