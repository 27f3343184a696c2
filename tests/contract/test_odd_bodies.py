"""Bodies that are right but for one odd thing: every source reads them or says why.

The bodies are those of the suite of sources, so a new source is tested here as well.
"""

import copy
import json
import re
from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    GoodsFacts,
    GoodsReport,
    PlatformView,
    Privacy,
    Reading,
    Requests,
)
from tests.contract.test_sources import CASES, Case, every_case, observation, request

MANY = 5_000
DEEP = 10_000
READINGS = (PlatformView, Requests, GoodsReport, GoodsFacts)
Place = tuple[str | int, ...]

#: A time in UTC, as text in JSON.
IN_UTC = re.compile(rb'(\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|\+00:00)"')


def read(case: Case, body: bytes) -> Reading | UnreadableError:
    """Return what the source makes of a body; anything else it raises is a defect."""
    source = case.account.source("main", Privacy(b"key"))
    source.locate(request(body))
    try:
        reading = source.read(observation(body, case.channel))
    except UnreadableError as broken:
        return broken
    assert isinstance(reading, READINGS)
    return reading


def places(value: JsonValue, at: Place = ()) -> Iterator[tuple[Place, JsonValue]]:
    """Iterate every value below `value` with its place."""
    yield at, value
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*at, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*at, index))


def put(document: JsonValue, place: Place, value: JsonValue) -> JsonValue:
    """Return a copy of `document` with `value` at `place`."""
    changed = copy.deepcopy(document)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]  # type: ignore[index] # a place of its own
    inner[place[-1]] = value  # type: ignore[index] # as above
    return changed


def encoded(document: JsonValue) -> bytes:
    return json.dumps(document).encode()


@every_case
def test_a_list_of_five_thousand_is_read_or_refused(case: Case) -> None:
    for body in case.bodies:
        document = json.loads(body)
        lists = [
            (place, value)
            for place, value in places(document)
            if place and isinstance(value, list) and value
        ]
        for place, value in lists:
            long = [value[number % len(value)] for number in range(MANY)]

            read(case, encoded(put(document, place, long)))


@every_case
def test_of_a_name_given_twice_the_last_counts(case: Case) -> None:
    for body in case.bodies:
        document = json.loads(body)
        nothing = ",".join(f"{json.dumps(name)}:null" for name in document)
        twice = f"{{{nothing},{json.dumps(document)[1:]}".encode()

        assert read(case, twice) == read(case, encoded(document))


@every_case
@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_is_unreadable_wherever_it_stands(
    case: Case, text: str
) -> None:
    for body in case.bodies:
        document = json.loads(body)
        texts = [at for at, value in places(document) if isinstance(value, str)]
        for place in texts:
            assert isinstance(
                read(case, encoded(put(document, place, text))), UnreadableError
            )


@every_case
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_unreadable(case: Case, number: str) -> None:
    for body in case.bodies:
        odd = b'{"odd":' + number.encode() + b"," + body.lstrip()[1:]

        assert isinstance(read(case, odd), UnreadableError)


@every_case
@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"]
)
def test_a_deep_nest_in_an_unknown_field_does_no_harm(
    case: Case, opening: bytes, closing: bytes
) -> None:
    for body in case.bodies:
        nest = opening * DEEP + b"1" + closing * DEEP
        odd = b'{"odd":' + nest + b"," + body.lstrip()[1:]

        read(case, odd)


@every_case
def test_any_field_may_be_null(case: Case) -> None:
    for body in case.bodies:
        document = json.loads(body)
        for place, _ in places(document):
            if place:
                read(case, encoded(put(document, place, None)))


@every_case
def test_a_time_without_zone_is_in_utc(case: Case) -> None:
    bodies = [body for body in case.bodies if IN_UTC.search(body)]
    for body in bodies:
        reading, bare = read(case, body), read(case, IN_UTC.sub(rb'\1"', body))

        assert times_of(bare) == times_of(reading)

    assert bodies or case is CASES["returnlogic"]  # its times name no zone


def times_of(reading: Reading | UnreadableError) -> object:
    """Return what is read; of a platform's view only what has the type of a time.

    What a carrier says of its own parcel is text, and stays as it came.
    """
    if not isinstance(reading, PlatformView):
        return reading
    view, seen = reading.view, reading.version
    return view.created_at, view.updated_at, seen.stamp, seen.at
