"""One return in three forms, each made from the one that is there."""

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from bridge.canonical.model import Return
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import State

FULL = Return.model_validate_json(
    (Path(__file__).parent / "full_return.json").read_bytes()
)


def test_what_was_published_is_read_back_as_the_same_model() -> None:
    published = Snapshot(FULL).json

    assert Snapshot.from_plain(orjson.loads(published)).model == FULL


def test_a_snapshot_read_back_is_published_as_it_was() -> None:
    published = Snapshot(FULL).json

    assert Snapshot.from_plain(orjson.loads(published)).json == published


def test_snapshots_of_equal_returns_are_equal_whatever_they_were_made_of() -> None:
    made, other = Snapshot(FULL), FULL.model_copy(update={"number": "#2"})
    read = Snapshot.from_plain(orjson.loads(made.json))

    assert made == read
    assert hash(made) == hash(read)
    assert made != Snapshot(other)
    assert made != FULL


def test_the_state_is_told_by_either_form() -> None:
    assert Snapshot(FULL).state is FULL.state
    assert Snapshot.from_plain({"state": "closed"}).state is State.CLOSED


def test_fields_of_a_newer_writer_are_ignored_and_a_wrong_shape_is_not() -> None:
    plain = orjson.loads(Snapshot(FULL).json)

    assert Snapshot.from_plain(plain | {"newer": 1}).model == FULL
    with pytest.raises(ValidationError):
        Snapshot.from_plain(plain | {"items": 7}).model.model_dump()
