"""What operators read about dead events, and the editor."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from bridge.app.replaying import Decision, Forecast, Plan
from bridge.cli.dead_changes import patch_of
from bridge.cli.dead_words import (
    dead_row,
    difference,
    plan_row,
    planned,
    result_line,
    shown,
    tally,
)
from bridge.deadletters.parked import Death, Edited, Trouble
from bridge.deadletters.rehearsal import Planned, Rehearsal, compare
from bridge.deadletters.replay import DeadEvent
from bridge.inspection.following import Result
from bridge.platforms.contract import Delivered
from tests.support.events import whole_event

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RETRY = Decision("retry", "ada")


def dead() -> DeadEvent:
    event = whole_event()
    return DeadEvent(
        target="wms",
        partition=0,
        subject=event.subject,
        sequence=event.sequence,
        event_id=event.id,
        type=event.type,
        death=Death("http_422", "/lines/0", "refused", NOW - timedelta(hours=2)),
        trouble=Trouble(
            tried=3, last_outcome="refused", last_reason="http_422", http_status=422
        ),
        parked_at=NOW,
        behind=2,
        event=event,
    )


def text_of(event: DeadEvent) -> str:
    return "\n".join(shown(event, None, NOW))


# ------------------------------------------------------------------ words


def test_a_dead_event_is_told_whole_and_without_its_body() -> None:
    said = text_of(dead())

    for part in (
        "2 h ago",
        "refused: http_422",
        "HTTP 422",
        "tried 3 times",
        "2 events",
    ):
        assert part in said
    assert "R-1" not in said


def test_what_operators_did_before_is_told() -> None:
    edited = Edited("i-1", "bob", "wrong sku", NOW, "digest", "[]")
    trouble = replace(dead().trouble, replays=2, replay_cause="http_422")

    said = text_of(replace(dead(), edited=edited, trouble=trouble, ahead=(3,)))

    assert "2 times, and died of http_422 again" in said
    assert "by bob: wrong sku" in said
    assert "event 3: decide about that first" in said


def test_a_plan_tells_calls_differences_and_time() -> None:
    before = Rehearsal((Planned("PUT", "/x", b'{"a": 1}'),), Delivered())
    now = Rehearsal((Planned("PUT", "/x", b'{"a": 2}'),), Delivered())
    plan = Plan(dead(), 1, 2, None, compare(before, now), now.verdict)
    refused = Plan(dead(), 2, 2, "behind: event 1 is not finished")
    forecast = Forecast([plan, refused], {"wms": timedelta(minutes=5)})

    said = "\n".join(planned(forecast, "retry", NOW))

    assert "(1 of 2 of its lane)" in said
    assert "PUT /x  8 bytes, 1 difference in the body" in said
    assert "replace /a 2" in said
    assert "REFUSED behind: event 1" in said
    assert "1 event to retry, 1 would be refused." in said
    assert "take 5 min" in said


def test_a_plan_without_a_budget_says_so() -> None:
    asked = Rehearsal((Planned("GET", "/x"),), None)
    plan = Plan(dead(), 1, 1, None, compare(asked, asked), asked.verdict)

    said = list(planned(Forecast([plan], {}), "retry", NOW))

    assert said[-1].startswith("No budget is set")


def test_rows_for_programs_are_plain_values() -> None:
    row = plan_row(Plan(dead(), 1, 1, None))

    assert row["calls"] == []
    assert row.items() >= dead_row(dead()).items()


def test_results_are_told_and_counted() -> None:
    instruction = RETRY.about(dead())
    results = [Result(instruction, "delivered"), Result(instruction, "dead", "late")]

    assert result_line(results[1]) == "redo/shop/1 event 1: died again: late"
    assert tally(results) == "1 delivered, 1 died again"


def test_an_instruction_names_the_death_that_was_seen() -> None:
    instruction = RETRY.about(dead())

    assert instruction.died_at == dead().death.at
    assert (instruction.event_id, instruction.sequence) == (dead().event_id, 1)


# ------------------------------------------------------------------ the editor


def test_what_an_editor_changes_becomes_a_patch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/R-1/R-2/")
    monkeypatch.delenv("VISUAL", raising=False)

    patch = patch_of(dead(), None)

    assert patch == [{"op": "replace", "path": "/return/number", "value": "R-2"}]


def test_an_editor_that_changes_nothing_ends_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)

    with pytest.raises(typer.Exit) as end:
        patch_of(dead(), None)

    assert end.value.exit_code == 4


@pytest.mark.parametrize("text", ["{", '{"op": "remove"}', "[7]"])
def test_a_file_that_is_no_patch_is_a_usage_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "patch.json"
    file.write_text(text)

    with pytest.raises(typer.BadParameter):
        patch_of(dead(), file)


def test_the_difference_is_a_unified_diff() -> None:
    before, after = json.dumps({"a": 1}).encode(), json.dumps({"a": 2}).encode()

    lines = list(difference(before, after))

    assert '-  "a": 1' in lines
    assert '+  "a": 2' in lines
