"""Whatever a body is bent into, reading it ends in a view or in UnreadableError."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, SecretStr

from bridge.canonical.model import Return
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
)
from bridge.platforms.redo.source import RedoSource

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = RedoSource("demo", (SecretStr("token"),), Privacy(b"key"))
PAYLOADS = Path(__file__).parents[3] / "payloads" / "redo"
BODIES: list[JsonValue] = [
    json.loads((PAYLOADS / f"{name}.json").read_bytes())
    for name in (
        "return_updated__unknown_enum_values",
        "return_updated__warranty_assessments",
        "return_created__qr_dropoff",
        "return_backfill__gift_cards_of_all_sorts",
    )
]

Path_ = tuple[str | int, ...]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["1e-9", "-0", "NaN", "1" * 70, "2027-03-02T10:15:00+99:00"]),
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value: JsonValue, at: Path_ = ()) -> list[Path_]:
    if isinstance(value, dict):
        parts = [places(part, (*at, name)) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [places(part, (*at, index)) for index, part in enumerate(value)]
    else:
        parts = []
    return [at, *(place for part in parts for place in part)]


def replaced(value: JsonValue, place: Path_, by: JsonValue) -> JsonValue:
    match place:
        case ():
            return by
        case (str() as name, *rest) if isinstance(value, dict) and name in value:
            return {**value, name: replaced(value[name], tuple(rest), by)}
        case (int() as index, *rest) if isinstance(value, list) and index < len(value):
            part = replaced(value[index], tuple(rest), by)
            return [*value[:index], part, *value[index + 1 :]]
        case _:
            return value


@st.composite
def bent_bodies(draw: st.DrawFn) -> bytes:
    body = copy.deepcopy(draw(st.sampled_from(BODIES)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(places(body)))
        body = replaced(body, place, draw(anything))
    return json.dumps(body).encode()


def observation(body: bytes) -> Observation:
    return Observation("id", "s", "redo", "demo", "webhook", SEEN, body)


def outcome_of(body: bytes) -> PlatformView | UnreadableError:
    try:
        return SOURCE.read(observation(body))
    except UnreadableError as broken:
        return broken


@settings(max_examples=200, deadline=None)
@given(bent_bodies())
def test_a_bent_body_is_read_or_unreadable_and_located_alike(body: bytes) -> None:
    subject = SOURCE.locate(InboundRequest({}, body, SEEN))

    outcome = outcome_of(body)

    if isinstance(outcome, PlatformView):
        assert outcome.view.subject == subject
        text = outcome.view.model_dump_json()
        assert Return.model_validate_json(text) == outcome.view
    else:
        assert outcome.path.startswith("$")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_unreadable_and_no_more(body: bytes) -> None:
    assert SOURCE.locate(InboundRequest({}, body, SEEN)) is None
    assert isinstance(outcome_of(body), UnreadableError)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_a_truncated_body_is_not_json(body: JsonValue, data: st.DataObject) -> None:
    text = json.dumps(body).encode()
    cut = data.draw(st.integers(0, len(text) - 1))

    outcome = outcome_of(text[:cut])

    assert isinstance(outcome, UnreadableError)
    assert outcome.reason == "not_json"


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 1_100), st.sampled_from(["return", "order", "unknown"]))
def test_a_deep_nest_in_any_field_does_no_harm(depth: int, field: str) -> None:
    nest = "[" * depth + "]" * depth
    body = f'{{"return": {{"id": "a"}}, "{field}": {nest}}}'.encode()

    outcome = outcome_of(body)

    assert isinstance(outcome, PlatformView | UnreadableError)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 1_000))
def test_a_deep_nest_as_an_answer_does_no_harm(depth: int) -> None:
    nest = "[" * depth + "]" * depth
    responses = f'[{{"type": "t", "value": {nest}}}]'
    items = f'[{{"assessments": [{{"responses": {responses}}}]}}]'

    outcome = outcome_of(f'{{"return": {{"id": "a", "items": {items}}}}}'.encode())

    assert isinstance(outcome, PlatformView)
