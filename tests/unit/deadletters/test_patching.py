"""Patches: what they may change, and how everything else is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.canonical.envelope import Event
from bridge.deadletters.patching import (
    SIZE_LIMIT,
    PatchError,
    apply_patch,
    make_patch,
)
from tests.support.events import whole_event

Patch = list[dict[str, JsonValue]]


@pytest.fixture
def event() -> Event:
    return whole_event()


def test_a_patch_changes_the_body_and_nothing_else(event: Event) -> None:
    patch: Patch = [{"op": "replace", "path": "/return/number", "value": "R-99"}]

    body = apply_patch(event, patch)

    after = replace(event, body=body).read()
    assert after.return_.number == "R-99"
    assert after.model_copy(
        update={"return_": after.return_.model_copy(update={"number": None})}
    ).return_ == event.read().return_.model_copy(update={"number": None})


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"op": "remove", "path": "/return/nowhere"}, "does_not_apply"),
        ({"op": "remove", "path": "return"}, "does_not_apply"),
        ({"op": "remove", "path": 5}, "does_not_apply"),
        ({"op": "explode", "path": "/return"}, "does_not_apply"),
        ({"op": "add", "path": "/return/number"}, "does_not_apply"),
        ({"path": "/return"}, "does_not_apply"),
        ({"op": "test", "path": "/return/number", "value": "x"}, "does_not_apply"),
        ({"op": "replace", "path": "", "value": 7}, "touches_identity"),
        ({"op": "replace", "path": "/return", "value": []}, "touches_identity"),
        (
            {"op": "replace", "path": "/return/subject", "value": "redo/shop/2"},
            "touches_identity",
        ),
        ({"op": "remove", "path": "/return/native_id"}, "touches_identity"),
        ({"op": "replace", "path": "/return/state", "value": "lost"}, "breaks_schema"),
        ({"op": "add", "path": "/return/colour", "value": "red"}, "breaks_schema"),
        ({"op": "remove", "path": "/return/observed_at"}, "breaks_schema"),
        (
            {"op": "add", "path": "/return/number", "value": "x" * SIZE_LIMIT},
            "too_large",
        ),
        (
            {"op": "test", "path": "/return/schema_version", "value": 1},
            "changes_nothing",
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_refused_with_its_reason(
    event: Event, operation: dict[str, JsonValue], reason: str
) -> None:
    with pytest.raises(PatchError) as caught:
        apply_patch(event, [operation])

    assert caught.value.reason == reason


def test_a_refusal_quotes_no_value(event: Event) -> None:
    secret: Patch = [{"op": "test", "path": "/return/number", "value": "top-secret"}]

    with pytest.raises(PatchError) as caught:
        apply_patch(event, secret)

    assert "top-secret" not in str(caught.value)
    assert "R-" not in str(caught.value)


def test_copies_of_copies_end_before_the_memory_does(event: Event) -> None:
    grow: Patch = [
        {"op": "copy", "from": "/before", "path": f"/before/{number}"}
        for number in range(60)
    ]

    with pytest.raises(PatchError, match="too large"):
        apply_patch(event, grow)


def test_an_unknown_type_cannot_be_validated(event: Event) -> None:
    patch: Patch = [{"op": "replace", "path": "/return/number", "value": "R-99"}]

    with pytest.raises(PatchError, match="no event type"):
        apply_patch(replace(event, type="return.danced"), patch)


def test_a_body_that_is_not_json_can_only_be_discarded(event: Event) -> None:
    with pytest.raises(PatchError) as caught:
        apply_patch(replace(event, body=b"{"), [{"op": "remove", "path": "/return"}])

    assert caught.value.reason == "unreadable_event"


def test_fields_of_a_newer_writer_stay(event: Event) -> None:
    newer = json.loads(event.body)
    newer["return"]["colour"] = "red"
    patch: Patch = [{"op": "replace", "path": "/return/number", "value": "R-99"}]

    body = apply_patch(replace(event, body=json.dumps(newer).encode()), patch)

    assert json.loads(body)["return"]["colour"] == "red"


@given(
    before=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), st.lists
    ),
    after=st.dictionaries(st.text(), st.integers()),
)
def test_a_made_patch_leads_from_one_document_to_the_other(
    before: JsonValue, after: dict[str, int]
) -> None:
    old, new = {"part": before}, {"part": after}

    patch = make_patch(json.dumps(old).encode(), json.dumps(new).encode())

    assert bool(patch) is (before != after)


def test_what_is_not_json_makes_no_patch() -> None:
    with pytest.raises(PatchError, match="not JSON"):
        make_patch(b"{}", b"{oops")
