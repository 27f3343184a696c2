"""The record of a subject: there and back, and plain words where it is none."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from bridge.canonical.envelope import chain_start
from bridge.canonical.model import Return
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import State
from bridge.normalize.state import (
    CorruptStateError,
    GoodsSection,
    SubjectState,
    decode,
    encode,
    start,
)
from bridge.platforms.contract import Version

CANONICAL = Path(__file__).parents[1] / "canonical"
FULL = Return.model_validate_json((CANONICAL / "full_return.json").read_bytes())

VERSIONS = st.builds(Version, stamp=st.text(), at=st.text(), content=st.text())
NAMES = st.frozensets(st.text())
SECTIONS = st.builds(GoodsSection, version=st.none() | VERSIONS, facts_seen=NAMES)
STATES = st.builds(
    SubjectState,
    subject=st.text(),
    sequence=st.integers(0, 2**53),
    chain=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    snapshot=st.just(Snapshot(FULL)),
    version=st.none() | VERSIONS,
    platform_state=st.none() | st.sampled_from(State),
    goods=st.dictionaries(st.text(), SECTIONS, max_size=3),
    announced=NAMES,
    requests_seen=NAMES,
)


@given(STATES)
@settings(deadline=None)
def test_a_state_comes_back_from_its_record(state: SubjectState) -> None:
    assert decode(encode(state, to_json(FULL))) == state


def test_the_encoded_snapshot_stands_in_the_record_as_it_is() -> None:
    snapshot = to_json(FULL)

    record = encode(start("redo/shop/1"), snapshot)

    assert record.startswith(b'{"return":' + snapshot + b',"schema_version":1,')


def test_equal_states_are_equal_bytes() -> None:
    names = [str(number) for number in range(50)]
    one = start("s").model_copy(update={"announced": frozenset(names)})
    other = start("s").model_copy(update={"announced": frozenset(names[::-1])})

    assert encode(one, b"{}") == encode(other, b"{}")
    assert from_json(encode(one, b"{}"))["announced"] == sorted(names)


def test_a_subject_starts_before_its_first_event() -> None:
    state = start("redo/shop/1")

    assert (state.sequence, state.chain) == (0, chain_start("redo/shop/1"))
    assert state.return_ is None


def test_a_newer_writers_fields_are_ignored() -> None:
    record = encode(start("s"), to_json(FULL))

    assert decode(record[:-1] + b',"newer":1}').return_ == FULL


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (b"", "its beginning"),
        (b"\xff{", "its beginning"),
        (b'{"schema_version":2,"subject":"s","sequence":0,"chain":""}', "/schema_ver"),
        (b'{"subject":"private","sequence":-1,"chain":""}', "/sequence"),
        (b'{"subject":"s","sequence":0,"chain":"","return":{}}', "/return/subject"),
        (b'{"subject":"s","sequence":0,"chain":"","return":[]}', "/return"),
        (b"[]", "its beginning"),
    ],
)
def test_a_record_that_is_no_state_is_refused_with_its_place(
    record: bytes, place: str
) -> None:
    with pytest.raises(CorruptStateError, match=place) as caught:
        decode(record)

    assert "private" not in str(caught.value)
