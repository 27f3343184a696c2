"""What is written under `schemas/`: every document, the same on every run."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bridge.canonical.envelope import Cause, chain_start, seal, to_headers
from bridge.canonical.events import TYPES
from bridge.client import asyncapi, headers
from bridge.client.export import documents, write
from bridge.deadletters.letter import (
    ORIGINALS_LIMIT,
    About,
    DeadLetter,
    Position,
    Tries,
)
from bridge.platforms.contract import HttpAnswer, Observation
from bridge.streams.raw import to_raw
from bridge.streams.receipts import Answer, Attempt, Receipt, Sheet, encode_sheet
from bridge.streams.topics import TABLE

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)


def _names(schema: object) -> tuple[set[str], set[str]]:
    found = json.loads(json.dumps(schema))
    return set(found["required"]), set(found["properties"])


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return documents({"openapi.yaml": {"openapi": "3.1.0"}, "more.json": {"a": 1}})


def test_every_event_type_has_its_schema(found: dict[str, str]) -> None:
    assert {f"events/{name}.json" for name in TYPES} <= found.keys()


def test_documents_of_other_parts_are_written_in_the_form_of_their_name(
    found: dict[str, str],
) -> None:
    assert found["openapi.yaml"] == "openapi: 3.1.0\n"
    assert found["more.json"] == '{\n  "a": 1\n}\n'


def test_the_asyncapi_document_has_every_topic_and_every_event_type(
    found: dict[str, str],
) -> None:
    document = yaml.safe_load(found["asyncapi.yaml"])

    assert document["asyncapi"] == "3.0.0"
    assert [channel["address"] for channel in document["channels"].values()] == [
        f"returns.{row.name}".replace("<target>", "{target}") for row in TABLE
    ]
    assert list(document["channels"]["events"]["messages"]) == [
        f"returns.{name}.v1" for name in TYPES
    ]


def test_every_reference_inside_the_asyncapi_document_leads_somewhere(
    found: dict[str, str],
) -> None:
    document = yaml.safe_load(found["asyncapi.yaml"])

    for place in _references(document):
        if place.startswith("#/"):
            part = document
            for step in place[2:].split("/"):
                part = part[step]
        else:
            assert place.removeprefix("./") in found


def _references(part: object) -> list[str]:
    if isinstance(part, list):
        return [place for one in part for place in _references(one)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if "$ref" in part else []
    return own + [place for one in part.values() for place in _references(one)]


def test_a_prefix_moves_every_address() -> None:
    document = json.loads(json.dumps(asyncapi.document("shop7")))

    assert {
        channel["address"].split(".")[0] for channel in document["channels"].values()
    } == {"shop7"}


def test_the_header_schema_of_events_names_what_the_envelope_writes() -> None:
    cause = Cause("/redo/acme", NOON, "delivery-1", "00-a-b-01")
    (event,) = seal("s", 0, chain_start("s"), cause, [("return.created", b"{}")])

    required, known = _names(headers.EVENT)

    assert known == {name for name, _ in to_headers(event)}
    assert required == known - {"traceparent"}


def test_the_header_schema_of_observations_names_what_the_codec_writes() -> None:
    observation = Observation(
        "1", "s", "redo", "acme", "webhook", NOON, b"", traceparent="00-a-b-01"
    )

    required, known = _names(headers.RAW)

    assert known == {name for name, _ in to_raw(observation, "raw", "1").headers}
    assert required == known - {"traceparent", "delivery-id"}


def test_the_header_schema_of_dead_letters_names_what_the_codec_writes() -> None:
    origin = Position("returns.events", 1, 2, 3)
    least = DeadLetter("normalize", "not_json", origin, NOON, None, None)
    most = DeadLetter(
        "deliver",
        "refused",
        origin,
        NOON,
        None,
        None,
        target="warehouse",
        headers={"large": b"x" * ORIGINALS_LIMIT},
        about=About("id", "s", 1, "return.created"),
        tries=Tries(3, NOON, NOON),
        cause="refused",
        answer=HttpAnswer(422, '{"code":"gone"}'),
    )

    required, known = _names(headers.DEAD_LETTER)

    assert required == {name for name, _ in least.to_headers()}
    assert known == {name for name, _ in most.to_headers()}


def test_the_schema_of_a_sheet_names_what_is_encoded(found: dict[str, str]) -> None:
    attempt = Attempt(NOON, NOON, "delivered")
    receipt = Receipt(
        "id", "s", 1, "c", "return.created", "delivered", (attempt,), NOON
    )
    answer = Answer("i", "retry", "s", 1, applied=True, why="", at=NOON, author="a")
    sheet = Sheet("worker", "target", 0, (receipt,), (answer,))
    schema = json.loads(found["receipt-sheet.json"])

    answers, receipts = [json.loads(value) for value in encode_sheet(sheet)]

    assert schema["properties"].keys() == answers.keys() | receipts.keys()
    definitions = schema["$defs"]
    entries = {"Receipt": receipts["receipts"][0], "Answer": answers["answers"][0]}
    for name, entry in entries.items():
        assert definitions[name]["properties"].keys() == entry.keys()


def test_writing_changes_what_differs_and_removes_what_is_no_longer_made(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"events/a.json": "old\n", "b.yaml": "b\n", "gone.json": "x\n"})
    (tmp_path / "README.md").write_text("kept\n")

    changed = write(tmp_path, {"events/a.json": "new\n", "b.yaml": "b\n"})

    assert changed == [tmp_path / "events/a.json", tmp_path / "gone.json"]
    assert {
        path.relative_to(tmp_path).as_posix()
        for path in tmp_path.rglob("*")
        if path.is_file()
    } == {"events/a.json", "b.yaml", "README.md"}
    assert (tmp_path / "events/a.json").read_text() == "new\n"
