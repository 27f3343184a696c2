"""The schemas that are checked in: what the code makes, and what old events satisfy."""

import json
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import SchemaRegistry

from bridge.app.schemas import write_schemas
from bridge.canonical.envelope import Event, chain_next, chain_start, from_headers
from bridge.canonical.events import TYPES
from bridge.canonical.schemas import Schema, documents
from bridge.errors import UnreadableError
from bridge.normalize import state

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
EXAMPLES = ROOT / "tests" / "payloads" / "events"
BASE = "file:///schemas/"


def _example(name: str) -> tuple[dict[str, bytes], bytes]:
    """Return headers and body of a frozen event, the body as it was written."""
    found = json.loads((EXAMPLES / f"{name}__v1.json").read_text())
    headers = {name: text.encode() for name, text in found["headers"].items()}
    body = json.dumps(found["data"], separators=(",", ":"), ensure_ascii=False)
    return headers, body.encode()


def _event(name: str) -> Event:
    return from_headers(*_example(name))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `make schemas` writes, by path."""
    folder = tmp_path_factory.mktemp("schemas")
    write_schemas(folder)
    return _texts(folder)


def _texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*.*")
    }


@pytest.fixture(scope="module")
def registry() -> SchemaRegistry:
    return Registry().with_resources(
        (
            BASE + path.relative_to(SCHEMAS).as_posix(),
            Resource.from_contents(json.loads(path.read_text())),
        )
        for path in SCHEMAS.rglob("*.json")
    )


def _errors(path: str, value: object, registry: SchemaRegistry) -> list[str]:
    validator = Draft202012Validator({"$ref": BASE + path}, registry=registry)
    return [error.message for error in validator.iter_errors(value)]


def test_the_schemas_checked_in_are_those_the_code_makes(made: dict[str, str]) -> None:
    kept = _texts(SCHEMAS)

    different = sorted(
        path for path in kept.keys() | made.keys() if kept.get(path) != made.get(path)
    )

    assert different == [], "schemas/ is out of date: run `make schemas`"


def test_every_schema_is_a_schema(made: dict[str, str]) -> None:
    for path, text in made.items():
        if path.endswith(".json"):
            Draft202012Validator.check_schema(json.loads(text))


def test_every_event_type_has_a_frozen_example() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} >= {
        f"{name}__v1.json" for name in TYPES
    }


@pytest.mark.parametrize("name", sorted(TYPES))
def test_an_old_event_is_read_by_the_present_model(name: str) -> None:
    headers, body = _example(name)

    read = _event(name).read()

    written = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
    assert type(read) is TYPES[name]
    assert written == json.loads(body), "a field changed its meaning or was lost"
    assert read.return_.subject == headers["ce_subject"].decode()


@pytest.mark.parametrize("name", sorted(TYPES))
def test_an_old_event_satisfies_the_present_schema(
    name: str, registry: SchemaRegistry
) -> None:
    body = _event(name).read_json()

    assert _errors(f"events/{name}.json", body, registry) == []


@pytest.mark.parametrize("name", sorted(TYPES))
def test_the_headers_of_an_old_event_satisfy_the_asyncapi_document(name: str) -> None:
    headers, _ = _example(name)
    event = _event(name)

    assert headers["ce_type"].decode() == event.wire_type == f"returns.{name}.v1"
    assert headers["ce_partitionkey"].decode() == event.subject


@pytest.mark.parametrize("name", sorted(TYPES))
def test_fields_of_a_newer_writer_are_ignored_by_model_and_schema(
    name: str, registry: SchemaRegistry
) -> None:
    headers, body = _example(name)
    newer = _with_more_fields(json.loads(body))

    read = from_headers(headers, json.dumps(newer).encode()).read()

    assert read == _event(name).read()
    assert _errors(f"events/{name}.json", newer, registry) == []


def _with_more_fields(part: object, key: str = "") -> object:
    """Add an unknown field to every object but those that are free maps."""
    if isinstance(part, list):
        return [_with_more_fields(one) for one in part]
    if not isinstance(part, dict) or key in {"before", "detail"}:
        return part
    inner = {name: _with_more_fields(one, name) for name, one in part.items()}
    return {**inner, "of_tomorrow": {"unknown": True}}


def test_a_record_of_the_snapshots_topic_satisfies_its_schema(
    registry: SchemaRegistry,
) -> None:
    event = _event("goods.restocked")
    body = cast("dict[str, object]", event.read_json())
    kept = state.start(event.subject).model_copy(update={"sequence": event.sequence})

    record = state.encode(kept, json.dumps(body["return"]).encode())

    assert state.decode(record).return_ == event.read().return_
    assert _errors("snapshot.json", json.loads(record), registry) == []


def test_a_schema_refuses_what_the_model_refuses(registry: SchemaRegistry) -> None:
    body = cast("dict[str, object]", _event("fee.collected").read_json())
    broken = {**body, "fee": {"amount": 4.9, "currency": "EUR"}}

    errors = _errors("events/fee.collected.json", broken, registry)

    assert errors == ["4.9 is not of type 'string'"]


def test_the_chain_of_the_frozen_history_still_holds() -> None:
    history = sorted((_event(name) for name in TYPES), key=lambda one: one.sequence)
    chain = chain_start(history[0].subject)

    for event in history:
        chain = chain_next(chain, event.id, event.type, event.body)
        assert event.chain == chain

    assert [event.sequence for event in history] == list(range(1, len(TYPES) + 1))


def test_an_unreadable_body_names_the_place_and_quotes_nothing() -> None:
    headers, body = _example("return.approved")
    broken = json.loads(body)
    broken["return"]["items"][1]["quantity"] = "zoe@example.com"

    with pytest.raises(UnreadableError) as caught:
        from_headers(headers, json.dumps(broken).encode()).read()

    assert (caught.value.reason, caught.value.path) == (
        "shape",
        "$.return.items[1].quantity",
    )
    assert "zoe" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unknown_type_is_unreadable() -> None:
    headers, body = _example("return.approved")
    headers["ce_type"] = b"returns.return.weighed.v1"

    with pytest.raises(UnreadableError, match=r"return\.weighed"):
        from_headers(headers, body).read()


@pytest.fixture(scope="module")
def parts() -> dict[str, Schema]:
    """The schemas of the canonical language, by path."""
    return dict(documents())


def test_no_schema_is_closed_so_that_readers_accept_newer_writers(
    parts: dict[str, Schema],
) -> None:
    assert '"additionalProperties": false' not in json.dumps(parts)


def test_the_parts_of_a_return_are_defined_in_one_place(
    parts: dict[str, Schema],
) -> None:
    returns = parts["return.json"]
    fee = parts["events/fee.collected.json"]

    assert "Money" in cast("Schema", returns["$defs"])
    assert cast("Schema", fee["properties"])["fee"] == {
        "$ref": "../return.json#/$defs/Money"
    }
