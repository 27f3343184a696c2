"""What an instruction may say, and that it comes back as it was written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.canonical.envelope import event_id
from bridge.deadletters.instructions import (
    EVERYTHING,
    Instruction,
    decode,
    encode,
    is_older,
    new_id,
)
from bridge.errors import UnreadableError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SUBJECT = "redo/shop/1"


def told(**fields: object) -> Instruction:
    given_ = {
        "id": new_id(),
        "action": "retry",
        "target": "wms",
        "subject": SUBJECT,
        "author": "ada",
        "issued_at": NOW,
        **fields,
    }
    return Instruction.model_validate(given_)


@given(author=st.text(st.characters(codec="utf-8"), max_size=20), force=st.booleans())
def test_an_instruction_survives_its_record(author: str, *, force: bool) -> None:
    try:
        instruction = told(author=author, force=force)
    except ValidationError:
        return

    assert decode(*encode(instruction)) == instruction


def test_the_key_is_the_subject() -> None:
    key, _ = encode(told())

    assert key == SUBJECT.encode()


def test_a_hint_is_named_by_its_own_id_and_has_no_number() -> None:
    instruction = told(event_id="hint-1", sequence=0)

    assert decode(*encode(instruction)).event_id == "hint-1"


def test_an_event_is_named_by_id_and_sequence() -> None:
    instruction = told(event_id=event_id(SUBJECT, 5), sequence=5)

    assert decode(*encode(instruction)).sequence == 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"subject": EVERYTHING}, "retry needs one subject"),
        ({"event_id": "x"}, "go together"),
        ({"event_id": "x", "sequence": 1}, "not the id of this sequence"),
        ({"action": "edit", "reason": "why"}, "edit needs a patch"),
        ({"action": "edit", "reason": "why", "patch": []}, "edit needs a patch"),
        ({"patch": [{"op": "remove", "path": "/x"}]}, "edit alone"),
        ({"action": "discard"}, "discard needs a reason"),
        ({"action": "discard", "reason": "  "}, "discard needs a reason"),
        (
            {"action": "pause", "event_id": event_id(SUBJECT, 1), "sequence": 1},
            "not about one event",
        ),
        ({"author": "a\nb"}, "no control characters"),
        ({"author": ""}, "at least 1 character"),
        ({"action": "explode"}, "Input should be"),
        ({"sequence": -1}, "greater than or equal to 0"),
        ({"issued_at": datetime(2026, 1, 1)}, "timezone"),  # noqa: DTZ001 - the point
        ({"schema_version": 2}, "Input should be 1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_refused(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        told(**fields)


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_whole_target_can_be_paused_and_resumed(action: str) -> None:
    assert told(action=action, subject=EVERYTHING).subject == EVERYTHING


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b'{"id": "secret-value"}'])
def test_a_foreign_record_is_unreadable_and_not_quoted(value: bytes | None) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode(SUBJECT.encode(), value)

    assert caught.value.reason == "not_an_instruction"
    assert "secret-value" not in str(caught.value)


def test_a_record_under_another_key_is_unreadable() -> None:
    _, value = encode(told())

    with pytest.raises(UnreadableError, match="key differs"):
        decode(b"redo/shop/2", value)


def test_an_instruction_knows_which_death_it_is_about() -> None:
    anyhow, exact = told(), told(died_at=NOW)

    assert not is_older(anyhow, NOW)
    assert not is_older(exact, NOW)
    assert is_older(exact, NOW + timedelta(seconds=1))
