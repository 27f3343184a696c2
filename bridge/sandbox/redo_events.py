"""The simulated Redo's door for custom events about shoppers (redo.md, section 11.3).

202 without a body; `uniqueId` deduplicates per store; zero, null and empty text are
dropped, except inside `$extra`. In bulk nobody hears which events did not fit.
"""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.routing import Route

from bridge.clock import Clock
from bridge.sandbox.front import Answer, Json
from bridge.sandbox.quota import SECOND, Limit, Quota
from bridge.sandbox.redo_bodies import rfc3339
from bridge.sandbox.redo_desk import Desk, Door
from bridge.sandbox.redo_keys import EVENTS_WRITE, plain_problem

MOST_PROPERTIES, MOST_IN_BULK = 400, 100
LONGEST_EVENT, LONGEST_TEXT = 5_000_000, 100_000
PER_SECOND, BULKS_PER_SECOND = 100, 10
_EXTRA = "$extra"


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Closed(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class _Location(_Closed):
    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    state_code: str | None = None
    postal_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    iana_time_zone_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class _Customer(_Closed):
    id: str | None = None
    email: str | None = None
    phone_number: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    location: _Location | None = None
    custom_fields: dict[str, bool | float | str] = {}

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if not (self.id or self.email or self.phone_number):
            raise ValueError("an id, an e-mail address or a phone number")
        return self


class _Event(_Body):
    event_name: Annotated[str, Field(min_length=1)]
    customer: _Customer
    data: Annotated[dict[str, JsonValue], Field(max_length=MOST_PROPERTIES)] = {}
    event_timestamp: AwareDatetime | None = None
    value: float | None = None
    value_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    unique_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None

    @field_validator("data")
    @classmethod
    def _short(cls, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if any(len(text.encode()) > LONGEST_TEXT for text in _texts(given)):
            raise ValueError("a string is too long")
        return given


class _Bulk(_Body):
    events: Annotated[list[JsonValue], Field(min_length=1, max_length=MOST_IN_BULK)]


class Events:
    """The events of one store; `kept` as they were taken, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self.kept: list[Json] = []
        self._clock = clock
        self._ids: set[str] = set()
        self._single = Quota([Limit(SECOND, PER_SECOND)], clock)
        self._bulks = Quota([Limit(SECOND, BULKS_PER_SECOND)], clock)

    def routes(self, desk: Desk) -> list[Route]:
        path = "/stores/{store}/events"
        return [
            desk.open(Door(path, "POST", EVENTS_WRITE), self._one),
            desk.open(Door(f"{path}/bulk", "POST", EVENTS_WRITE), self._many),
        ]

    def _one(self, request: Request, body: bytes) -> Answer:
        if not self._single.take(request.path_params["store"]):
            return _too_many()
        event = _read(body)
        if event is None:
            return plain_problem(400, "Invalid request", detail="The event is not one")
        return Answer(202, effect=self._take(event))

    def _many(self, request: Request, body: bytes) -> Answer:
        if not self._bulks.take(request.path_params["store"]):
            return _too_many()
        try:
            rows = _Bulk.model_validate_json(body).events
        except ValidationError:
            return plain_problem(400, "Invalid request", detail="1 to 100 events")
        events = [event for row in rows if (event := _valid(row)) is not None]
        taken = [self._take(event) for event in events]
        return Answer(202, effect=any(taken))

    def _take(self, event: _Event) -> bool:
        """Keep an event; False if it is known already."""
        if event.unique_id is not None and event.unique_id in self._ids:
            return False
        if event.unique_id is not None:
            self._ids.add(event.unique_id)
        kept: Json = event.model_dump(mode="json", by_alias=True, exclude_none=True)
        at = event.event_timestamp or self._clock.now()
        self.kept.append(
            {**kept, "data": _full(event.data), "eventTimestamp": rfc3339(at)}
        )
        return True


def _too_many() -> Answer:
    return plain_problem(429, "Too many requests")


def _read(body: bytes) -> _Event | None:
    if len(body) > LONGEST_EVENT:
        return None
    try:
        return _Event.model_validate_json(body)
    except ValidationError:
        return None


def _valid(row: JsonValue) -> _Event | None:
    try:
        return _Event.model_validate(row)
    except ValidationError:
        return None


def _full(given: Json) -> Json:
    """Drop zero, null and empty text on every level, but not inside `$extra`."""
    return {
        name: value if name == _EXTRA else _within(value)
        for name, value in given.items()
        if name == _EXTRA or not _is_nothing(value)
    }


def _within(value: JsonValue) -> JsonValue:
    return _full(value) if isinstance(value, dict) else value


def _is_nothing(value: JsonValue) -> bool:
    """Tell whether a value is zero, null or empty text; false is none of these."""
    return value is None or value == "" or (value == 0 and value is not False)


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for part in value.values():
                yield from _texts(part)
        case list():
            for part in value:
                yield from _texts(part)
        case _:
            return
