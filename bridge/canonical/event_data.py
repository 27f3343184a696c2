"""What every canonical event carries: the return after it, and what it changed."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, JsonValue

from bridge.canonical.base import Model
from bridge.canonical.model import Return


class EventData(Model):
    """What every event carries. `before` holds only changed values, by JSON pointer."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: ClassVar[str]
    return_: Annotated[Return, Field(alias="return")]
    before: dict[str, JsonValue] = Field(default_factory=dict)
