"""Every body in tests/payloads/loop against the reading it must become.

`BRIDGE_UPDATE_GOLDEN=1 pytest tests/unit/platforms/loop/test_loop_golden.py` writes
the files anew; the difference is then reviewed like code.
"""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    Observation,
    PlatformView,
    Privacy,
    Requests,
    Version,
)
from bridge.platforms.loop.naming import topic_of
from bridge.platforms.loop.payloads import DOCUMENTS
from bridge.platforms.loop.source import LoopSource

TESTS = Path(__file__).parents[3]
FOLDER = TESTS / "payloads" / "loop"
GOLDEN = TESTS / "golden" / "loop"
KINDS = (
    "return.created",
    "return.updated",
    "return.closed",
    "return.reopened",
    "return.processing.failed",
    "label.created",
    "label.updated",
    "label.request.issued",
    "label.request.cancelled",
    "restock.requested",
    "giftcard.requested",
    "shipment.processed",
    "return_row",
    "return_details",
    "unreadable",
)
PAYLOADS = sorted(path for path in FOLDER.glob("*.json") if path.name.startswith(KINDS))
READABLE = [
    path
    for path in PAYLOADS
    if not path.name.startswith(("unreadable", "return_details__not_found"))
]
SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)


def told(reading: object) -> object:
    match reading:
        case PlatformView():
            return {
                "version": list(asdict(reading.version).values()),
                "says": said(reading.says),
                "parcels": said(reading.parcels),
                "return": reading.view.model_dump(mode="json", exclude_defaults=True),
            }
        case Requests():
            return {
                "subject": reading.subject,
                "requests": to_jsonable_python(
                    [asdict(request) for request in reading.requests]
                ),
                "view": told(reading.view),
            }
        case _:
            return reading


def said(versions: object) -> object:
    if not isinstance(versions, dict):
        return versions
    return {
        name: [version.stamp, version.at]
        for name, version in sorted(versions.items())
        if isinstance(version, Version)
    }


def canonical_text(body: bytes) -> str:
    source = LoopSource("demo", (SecretStr("secret"),), Privacy(b"golden"))
    observation = Observation("id", "s", "loop", "demo", "webhook", SEEN, body)
    try:
        content = told(source.read(observation))
    except UnreadableError as broken:
        content = {"unreadable": broken.reason, "path": broken.path}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def test_there_is_a_payload_of_every_topic_and_trigger() -> None:
    pairs = {
        (content.get("topic"), content.get("trigger"))
        for path in READABLE
        if isinstance(content := json.loads(path.read_bytes()), dict)
    }

    assert pairs >= {
        ("return", "return.created"),
        ("return", "return.updated"),
        ("return", "return.closed"),
        ("return.processing", "return.processing.failed"),
        ("label", "label.created"),
        ("label", "label.updated"),
        ("label.request", "label.request.issued"),
        ("label.request", "label.request.cancelled"),
        ("restock", "restock.requested"),
        ("giftcard", "giftcard.requested"),
        ("happy.returns.shipment", "shipment.processed"),
    }


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
def test_a_payload_becomes_its_golden_reading(payload: Path) -> None:
    golden = GOLDEN / payload.name

    text = canonical_text(payload.read_bytes())

    if os.environ.get("BRIDGE_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def forgotten(sent: object, known: object, path: str = "$") -> list[str]:
    """Return the paths of fields that were sent and that no model has."""
    found: list[str] = []
    if isinstance(sent, dict) and isinstance(known, dict):
        for name, part in sent.items():
            at = f"{path}.{name}"
            found += forgotten(part, known[name], at) if name in known else [at]
    elif isinstance(sent, list) and isinstance(known, list):
        for index, (part, twin) in enumerate(zip(sent, known, strict=True)):
            found += forgotten(part, twin, f"{path}[{index}]")
    return found


@pytest.mark.parametrize("payload", READABLE, ids=lambda path: path.stem)
def test_no_field_of_a_payload_is_forgotten(payload: Path) -> None:
    content = json.loads(payload.read_bytes())
    content.pop("brand_new", None)

    known = DOCUMENTS[topic_of(content)].model_validate(content)

    assert forgotten(content, known.model_dump(mode="json")) == []


def test_no_golden_file_is_left_without_a_payload() -> None:
    known = {payload.name for payload in PAYLOADS}

    assert {path.name for path in GOLDEN.glob("*.json")} == known


def test_no_secret_of_any_payload_reaches_a_canonical_form() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.json"))

    for secret in ("0000d370", "status_page", "/qr/", "labels.example"):
        assert secret not in texts


def test_what_is_personal_stands_in_customer_and_addresses_alone() -> None:
    source = LoopSource("demo", (), Privacy(b"golden", drop_personal=True))

    for payload in READABLE:
        body = payload.read_bytes()
        observation = Observation("id", "s", "loop", "demo", "webhook", SEEN, body)
        text = repr(told(source.read(observation)))

        for personal in ("Fictiva", "Testperson", "@example.com", "Zo", "Fixture Lane"):
            assert personal not in text
