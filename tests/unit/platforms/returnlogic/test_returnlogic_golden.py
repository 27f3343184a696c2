"""Every body in tests/payloads/returnlogic against what it must become.

`BRIDGE_UPDATE_GOLDEN=1 pytest` with this file's path writes the files anew; the
difference is then reviewed like code.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr, TypeAdapter

from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    Channel,
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
    Request,
    Requests,
)
from bridge.platforms.returnlogic.care import ACTIONS
from bridge.platforms.returnlogic.source import ReturnLogicSource

TESTS = Path(__file__).parents[3]
APART = ("rmas_by_email", "oauth__", "webhooks_list")
OWN = ("rma__", "confirmed__")
PAYLOADS = [
    path
    for path in sorted((TESTS / "payloads" / "returnlogic").glob("*.json"))
    if not path.stem.startswith(APART)
]
GOLDEN = TESTS / "golden" / "returnlogic"
SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = ReturnLogicSource("demo", (SecretStr("token"),), Privacy(b"golden"))
REQUESTS = TypeAdapter(tuple[Request, ...])


def canonical_text(payload: Path) -> str:
    """Return what the door makes of a body, and what reading it comes to."""
    body = payload.read_bytes()
    request = InboundRequest({}, body, SEEN)
    channel: Channel = "fetch" if payload.stem.startswith(OWN) else "webhook"
    observation = Observation("id", "s", "returnlogic", "demo", channel, SEEN, body)
    door = {
        "subject": SOURCE.locate(request),
        "delivery_id": SOURCE.delivery_id(request),
        "credible": SOURCE.credible(request),
    }
    try:
        content = shown(SOURCE.read(observation))
    except UnreadableError as broken:
        content = {"unreadable": broken.reason, "path": broken.path}
    return json.dumps({"door": door, **content}, indent=2, ensure_ascii=False) + "\n"


def shown(reading: PlatformView | Requests) -> dict[str, object]:
    requests: dict[str, object] = {}
    if isinstance(reading, Requests):
        assert reading.view is not None
        requests = {"requests": REQUESTS.dump_python(reading.requests, mode="json")}
        reading = reading.view
    assert reading.says is not None
    return requests | {
        "version": [reading.version.stamp, reading.version.content],
        "silent_about": sorted({"refunds", "credits", "exchange"} - set(reading.says)),
        "return": reading.view.model_dump(mode="json"),
    }


def test_every_action_has_a_payload() -> None:
    names = {path.stem.partition("__")[0] for path in PAYLOADS}

    assert set(ACTIONS) <= names


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
def test_a_payload_becomes_its_golden_outcome(payload: Path) -> None:
    golden = GOLDEN / payload.name

    text = canonical_text(payload)

    if os.environ.get("BRIDGE_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_no_golden_file_is_left_without_a_payload() -> None:
    known = {payload.name for payload in PAYLOADS}

    assert {path.name for path in GOLDEN.glob("*.json")} == known
