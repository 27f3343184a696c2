"""Records of one subject, and every frozen example event."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.canonical.draft import Draft, encode
from bridge.canonical.envelope import Cause, chain_start, seal, to_headers
from bridge.canonical.event_data import EventData
from bridge.canonical.events import TYPES, ReturnApproved
from bridge.client.dispatch import Dispatcher
from bridge.client.history import History
from bridge.streams.records import Record
from tests.unit.client.desk import Bell, CountingClock

EXAMPLES = Path(__file__).parents[2] / "payloads" / "events"
SUBJECT = "redo/acme/1042"
NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
SNAPSHOT = json.dumps(
    {
        "subject": SUBJECT,
        "platform": "redo",
        "account": "acme",
        "native_id": "1042",
        "kind": "return",
        "state": "approved",
        "observed_at": NOON.isoformat(),
    }
).encode()

MakeRecord = Callable[..., Record]


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def dispatcher(clock: CountingClock, bell: Bell) -> Dispatcher:
    return Dispatcher(History(100), clock, bell)


@pytest.fixture
def record() -> MakeRecord:
    """Make the record of a subject's event number `sequence`."""

    def make(
        sequence: int,
        type_: type[EventData] = ReturnApproved,
        *,
        subject: str = SUBJECT,
        body: bytes | None = None,
    ) -> Record:
        body = body or encode(Draft(type_), SNAPSHOT)
        cause = Cause("/redo/acme", NOON, "delivery-1")
        (event,) = seal(
            subject, sequence - 1, chain_start(subject), cause, [(type_.name, body)]
        )
        return Record(
            "returns.events",
            0,
            sequence,
            0,
            subject.encode(),
            body,
            dict(to_headers(event)),
        )

    return make


@pytest.fixture(params=sorted(TYPES))
def example(request: pytest.FixtureRequest) -> Record:
    """Every frozen example event as a record."""
    found = json.loads((EXAMPLES / f"{request.param}__v1.json").read_text())
    headers = {name: text.encode() for name, text in found["headers"].items()}
    return Record(
        "returns.events",
        0,
        0,
        0,
        headers["ce_subject"],
        json.dumps(found["data"]).encode(),
        headers,
    )
