"""The worked examples of wms.md: what a first report of a warehouse becomes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.canonical.draft import Draft, encode
from bridge.canonical.goods import GoodsDocument
from bridge.canonical.goods_events import LineFact, Warehouse
from bridge.canonical.model import Kind, Return
from bridge.canonical.states import State
from bridge.normalize.goods import fold_report
from bridge.platforms.contract import GoodsReport, Observation
from bridge.platforms.warehouse.source import WarehouseSource

PAYLOADS = Path(__file__).parents[2] / "payloads" / "warehouse"
RECEIVED_AT = datetime(2026, 11, 20, tzinfo=UTC)


def _document(body: str, system: str) -> GoodsDocument:
    source = WarehouseSource(f"acme-{system}", system, (SecretStr("whsec_"),))
    observation = Observation(
        id="1",
        subject="redo/acme/1",
        platform="warehouse",
        account=source.account,
        channel="webhook",
        received_at=RECEIVED_AT,
        body=body.encode(),
    )
    reading = source.read(observation)
    assert isinstance(reading, GoodsReport)
    return reading.document


def _comparable(lines: object) -> list[LineFact]:
    assert isinstance(lines, list | tuple)
    facts = [LineFact.model_validate(line) for line in lines]
    return [fact.model_copy(update={"fact": ""}) for fact in facts]


def _assert_becomes(drafts: tuple[Draft, ...], events: list[dict[str, object]]) -> None:
    types = [f"returns.{draft.type.name}.v1" for draft in drafts]
    assert types == [event["type"] for event in events]
    for draft, event in zip(drafts, events, strict=True):
        told = event["data"]
        assert isinstance(told, dict)
        assert draft.part["warehouse"] == Warehouse.model_validate(told["warehouse"])
        assert draft.part["reference"] == told["reference"]
        assert _comparable(draft.part["lines"]) == _comparable(told.get("lines", []))
        assert ("fact" in draft.part) == ("fact" in told)


@pytest.mark.parametrize(
    ("snapshot", "system"),
    [
        ("snapshot-shipbob-completed", "shipbob"),
        ("snapshot-shipmonk-graded", "shipmonk"),
    ],
)
def test_a_finished_return_becomes_the_events_of_the_example(
    snapshot: str, system: str
) -> None:
    document = _document((PAYLOADS / f"{snapshot}.json").read_text(), system)
    events = json.loads((PAYLOADS / f"events-from-{system}.json").read_text())

    after, drafts = fold_report(None, document)

    _assert_becomes(drafts, events)
    assert after == document


def test_a_signed_report_in_an_envelope_becomes_the_events_of_the_example() -> None:
    example = json.loads(
        (PAYLOADS / "generic-inbound-snapshot-signed.json").read_text()
    )
    document = _document(example["request"]["body_raw"], "generic")
    document = document.model_copy(update={"account": "acme-east"})

    _, drafts = fold_report(None, document)

    _assert_becomes(drafts, example["becomes"])


def test_a_system_without_states_of_its_own_tells_what_it_did_not_restock() -> None:
    body = (PAYLOADS / "snapshot-shiphero-read-back.json").read_text()

    _, drafts = fold_report(None, _document(body, "shiphero"))

    assert [draft.type.name for draft in drafts] == [
        "goods.arrived",
        "goods.received",
        "goods.restocked",
        "goods.withheld",
        "goods.discrepancy",
        "goods.completed",
    ]


def test_every_draft_of_the_examples_is_a_valid_event_body() -> None:
    body = (PAYLOADS / "snapshot-shipbob-completed.json").read_text()
    view = Return(
        subject="redo/acme/1",
        platform="redo",
        account="acme",
        native_id="1",
        kind=Kind.RETURN,
        state=State.INSPECTED,
        observed_at=RECEIVED_AT,
    )

    _, drafts = fold_report(None, _document(body, "shipbob"))

    for draft in drafts:
        written = encode(draft, view.model_dump_json().encode())
        assert draft.type.model_validate_json(written).return_ == view
