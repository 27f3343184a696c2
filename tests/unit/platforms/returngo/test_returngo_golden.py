"""Every RMA in tests/payloads/returngo against the canonical return it must become.

`BRIDGE_UPDATE_GOLDEN=1 pytest tests/unit/platforms/returngo/test_returngo_golden.py`
writes the files anew; the difference is then reviewed like code.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr, TypeAdapter

from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    Observation,
    PlatformView,
    Privacy,
    Request,
    Requests,
)
from bridge.platforms.reading import parse
from bridge.platforms.returngo.payloads import Rma
from bridge.platforms.returngo.source import ReturnGoSource

TESTS = Path(__file__).parents[3]
PAYLOADS = sorted((TESTS / "payloads" / "returngo").glob("rma_detail__*.json"))
GOLDEN = TESTS / "golden" / "returngo"
UNREADABLE = ("no_id", "amount_is_a_word")
READABLE = [
    path for path in PAYLOADS if not any(word in path.stem for word in UNREADABLE)
]
SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
REQUESTS = TypeAdapter(tuple[Request, ...])


def canonical_text(body: bytes, *, notify_only: bool) -> str:
    source = ReturnGoSource(
        "demo", (SecretStr("token"),), Privacy(b"golden"), notify_only=notify_only
    )
    observation = Observation("id", "s", "returngo", "demo", "fetch", SEEN, body)
    try:
        content = shown(source.read(observation))
    except UnreadableError as broken:
        content = {"unreadable": broken.reason, "path": broken.path}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def shown(reading: PlatformView | Requests) -> dict[str, object]:
    requests: dict[str, object] = {}
    if isinstance(reading, Requests):
        assert reading.view is not None
        requests = {"requests": REQUESTS.dump_python(reading.requests, mode="json")}
        reading = reading.view
    version = reading.version
    return requests | {
        "version": [version.stamp, version.at, version.content],
        "return": reading.view.model_dump(mode="json"),
    }


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 27


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
def test_a_payload_becomes_its_golden_return(payload: Path) -> None:
    golden = GOLDEN / payload.name
    asked = "notify_only" in payload.stem or "wishes" in payload.stem

    text = canonical_text(payload.read_bytes(), notify_only=asked)

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

    known = parse(Rma, body).model_dump(mode="json", by_alias=True)

    assert forgotten(json.loads(body), known) == []


def test_no_golden_file_is_left_without_a_payload() -> None:
    known = {payload.name for payload in PAYLOADS}

    assert {path.name for path in GOLDEN.glob("*.json")} == known


def test_no_secret_of_any_payload_reaches_the_canonical_return() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.json"))

    for secret in ("DEMO-CREDIT", "XX00", "labels.example", "rf-demo", "Demo WMS"):
        assert secret not in texts
