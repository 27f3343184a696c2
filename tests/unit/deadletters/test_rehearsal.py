"""Rehearsals: the calls of a delivery, with nothing changed at the target."""

from collections.abc import Mapping

import httpx
import pytest

from bridge.deadletters.rehearsal import (
    Planned,
    Rehearsal,
    compare,
    recall,
    rehearse,
)
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)

URL = "http://target.test"
GET = ("GET", "/thing?of=1")


def conversation(body: bytes, *, parcels: int = 1) -> Conversation:
    """Read first; write unless it is there already."""
    answer = yield httpx.Request("GET", f"{URL}/thing?of=1")
    if answer.text == "there":
        return AlreadyApplied("it is there")
    for number in range(parcels):
        answer = yield httpx.Request("PUT", f"{URL}/thing/{number}", content=body)
        if not answer.is_success:
            return Failed("unexpected")
    return Delivered("sent")


def silent(outcome: Outcome) -> Conversation:
    yield from ()
    return outcome


def answers(text: str) -> Mapping[tuple[str, str], httpx.Response]:
    return {GET: httpx.Response(200, text=text)}


def test_what_reads_is_asked_and_what_writes_is_only_noted() -> None:
    rehearsal = rehearse(conversation(b"{}", parcels=2))

    asked = next(rehearsal)
    with pytest.raises(StopIteration) as end:
        rehearsal.send(httpx.Response(200))

    done = end.value.value
    assert (asked.method, asked.url.path) == ("GET", "/thing")
    assert [(call.method, call.path, call.body) for call in done.calls] == [
        ("GET", "/thing?of=1", None),
        ("PUT", "/thing/0", b"{}"),
        ("PUT", "/thing/1", b"{}"),
    ]
    assert done.outcome == Delivered("sent")
    assert done.verdict == "would be sent"
    assert len(done.writes) == 2


def test_what_the_target_has_already_is_told() -> None:
    done = recall(conversation(b"{}"), answers("there"))

    assert done.writes == ()
    assert done.verdict == "already applied: it is there"


def test_without_an_answer_it_ends_at_the_question() -> None:
    done = recall(conversation(b"{}"), {})

    assert done.calls == (Planned("GET", "/thing?of=1"),)
    assert done.outcome is None
    assert "without asking" in done.verdict


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Skipped("no_rule"), "would be skipped: no_rule"),
        (Refused("invalid", "/items/0"), "would be refused: invalid: /items/0"),
        (Refused("too_late"), "would be refused: too_late"),
        (Delivered("x"), "already there: no call would change anything"),
        (Unauthorized("http_401"), "the target refuses our credential: http_401"),
        (Failed("connect"), "cannot be told: connect"),
        (Throttled(), "cannot be told: the target asked for time"),
    ],
)
def test_every_outcome_without_a_write_has_its_words(
    outcome: Outcome, verdict: str
) -> None:
    assert recall(silent(outcome), {}).verdict == verdict


def test_an_edited_event_is_set_beside_the_original() -> None:
    before = recall(conversation(b'{"a": 1, "b": 2}'), answers(""))
    now = recall(conversation(b'{"a": 1, "b": 3}', parcels=2), answers(""))

    read, changed, new = compare(before, now)

    assert (read.difference, read.patch) == ("as before", ())
    assert changed.difference == "1 difference in the body"
    assert list(changed.patch) == [{"op": "replace", "path": "/b", "value": 3}]
    assert new.difference == "was not sent before"


def test_an_unchanged_body_is_as_before() -> None:
    before = recall(conversation(b"{}"), answers(""))

    assert {each.difference for each in compare(before, before)} == {"as before"}


def test_bodies_that_are_not_json_are_told_by_their_size() -> None:
    before = recall(conversation(b"<a/>"), answers(""))
    now = recall(conversation(b"<bb/>"), answers(""))

    assert compare(before, now)[1].difference == "another body of 5 bytes"


def test_nothing_is_compared_with_nothing() -> None:
    assert compare(Rehearsal((), None), Rehearsal((), None)) == []
