from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.clock import SystemClock
from bridge.sandbox.calls import Call
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.narrator import narrator

BASE = Call(
    server="warehouse",
    method="POST",
    path="/hooks/returns",
    subject="redo/demo/0de0",
    reference="redo.demo.0de0-2",
    key="e-1",
    revision=3,
    status=202,
    effect=1,
    answered=True,
    fault=None,
    started=0.0,
    ended=1.0,
    started_at=datetime(2026, 11, 21, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (BASE, [(Kind.DELIVERED, "revision 3: 202")]),
        (replace(BASE, effect=None), []),
        (replace(BASE, server="shop"), []),
        (replace(BASE, status=429, effect=None), [(Kind.RETRIED, "revision 3: 429")]),
        (replace(BASE, status=422, effect=None), [(Kind.REFUSED, "revision 3: 422")]),
        (replace(BASE, answered=False), [(Kind.RETRIED, "revision 3: answer lost")]),
    ],
)
def test_what_a_call_came_to_is_told_if_it_is_worth_a_line(
    call: Call, told: list[tuple[Kind, str]]
) -> None:
    journal = Journal(SystemClock())
    journal.names["0de0"] = "#DEMO-1"

    narrator(journal)(call)

    lines = [(line.kind, line.text) for line in journal.recent(9)]
    assert lines == [
        (kind, f"warehouse POST #DEMO-1 parcel 2 {end}") for kind, end in told
    ]


@pytest.mark.parametrize(
    ("call", "about"),
    [
        (BASE, "redo.demo.0de0-2 revision 3"),
        (replace(BASE, reference=None, revision=None), "redo/demo/0de0"),
    ],
)
def test_a_return_without_a_name_is_called_by_its_reference(
    call: Call, about: str
) -> None:
    journal = Journal(SystemClock())

    narrator(journal)(call)

    assert journal.recent(1)[0].text == f"warehouse POST {about}: 202"
