"""Every payload in tests/payloads/redo against the canonical return it must become.

`BRIDGE_UPDATE_GOLDEN=1 pytest tests/unit/platforms/redo/test_redo_golden.py` writes
the files anew; the difference is then reviewed like code.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.errors import UnreadableError
from bridge.platforms.contract import Observation, Privacy
from bridge.platforms.redo.source import RedoSource, parse

TESTS = Path(__file__).parents[3]
PAYLOADS = sorted((TESTS / "payloads" / "redo").glob("return_*.json"))
GOLDEN = TESTS / "golden" / "redo"
UNREADABLE = ("empty", "lone_surrogate", "quantity_is_a_word", "no_id")
READABLE = [
    path for path in PAYLOADS if not any(word in path.stem for word in UNREADABLE)
]
SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)


def canonical_text(body: bytes) -> str:
    source = RedoSource("demo", (SecretStr("token"),), Privacy(b"golden"))
    observation = Observation("id", "s", "redo", "demo", "webhook", SEEN, body)
    try:
        reading = source.read(observation)
    except UnreadableError as broken:
        content: object = {"unreadable": broken.reason, "path": broken.path}
    else:
        version = reading.version
        content = {
            "version": [version.stamp, version.at, version.content],
            "return": reading.view.model_dump(mode="json"),
        }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 35


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
def test_a_payload_becomes_its_golden_return(payload: Path) -> None:
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
    body = payload.read_bytes()

    known = parse(body).model_dump(mode="json", by_alias=True)

    assert forgotten(json.loads(body), known) == []


def test_no_golden_file_is_left_without_a_payload() -> None:
    known = {payload.name for payload in PAYLOADS}

    assert {path.name for path in GOLDEN.glob("*.json")} == known


def test_no_secret_of_any_payload_reaches_the_canonical_return() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.json"))

    for secret in ("DEMOCODE", "QR-DEMO", "labels.example", "technician@example"):
        assert secret not in texts
