"""What every target promises, whatever system it writes to.

The targets themselves stand in `tests/support/targets.py`.
"""

from typing import get_args

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.canonical.envelope import Event
from bridge.platforms.contract import (
    Outcome,
    Skipped,
    Target,
)
from tests.support.targets import (
    MOST_REQUESTS,
    NOW,
    OPEN,
    TARGETS,
    TOKEN,
    TYPES_TOLD,
    acted_on,
    answering,
    context,
    converse,
    every_target,
    samples,
)


@every_target
def test_some_events_are_acted_on_and_the_others_skipped(target: Target) -> None:
    acting = acted_on(target)

    assert acting
    for other in (sample for sample in samples(target) if sample not in acting):
        outcome, _ = converse(target.deliver(other, context()), answering(200))
        assert isinstance(outcome, Skipped)


@every_target
@pytest.mark.parametrize("content", [b"", b"{}", b"<html>", b'{"type": [1]}'])
def test_every_status_ends_in_an_outcome(target: Target, content: bytes) -> None:
    sample = acted_on(target)[0]

    for code in range(200, 600):
        outcome, _ = converse(
            target.deliver(sample, context()), answering(code, content)
        )

        assert isinstance(outcome, get_args(Outcome))


@every_target
def test_the_idempotency_key_is_the_same_over_attempts(target: Target) -> None:
    server = answering(200, OPEN)
    for sample in acted_on(target):
        keys = []
        for attempt in (1, 2, 3):
            _, requests = converse(target.deliver(sample, context(attempt)), server)
            writes = [sent for sent in requests if sent.method != "GET"]
            assert all(sent.headers["idempotency-key"] for sent in writes)
            keys.append([sent.headers["idempotency-key"] for sent in writes])

        assert keys[0] == keys[1] == keys[2]
        assert keys[0]


@every_target
def test_no_outcome_shows_the_token(target: Target) -> None:
    for code in (200, 400, 401, 429, 500):
        outcome, _ = converse(
            target.deliver(acted_on(target)[0], context()),
            answering(code, TOKEN.get_secret_value().encode()),
        )

        assert TOKEN.get_secret_value() not in repr(outcome)
        assert TOKEN.get_secret_value() not in repr(target)


answers = st.builds(
    httpx.Response,
    st.integers(200, 599),
    content=st.binary(max_size=40)
    | st.sampled_from([b'{"comments": [{}]}', b'{"status": 7}', b"[" * 2_000]),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "retry-after": st.sampled_from(["", "5", "-1", "soon", "9" * 99]),
            "content-type": st.sampled_from(["", "text/html", "application/json"]),
        },
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(TARGETS.values())),
    st.sampled_from(range(len(TYPES_TOLD))),
    st.integers(1, 3),
    st.lists(answers, min_size=1, max_size=4),
)
def test_no_row_of_answers_raises_or_goes_on_for_ever(
    target: Target, number: int, attempt: int, row: list[httpx.Response]
) -> None:
    sample = samples(target)[number]
    given_ = iter(row * MOST_REQUESTS)

    outcome, _ = converse(
        target.deliver(sample, context(attempt)), lambda _: next(given_)
    )

    assert isinstance(outcome, get_args(Outcome))


@every_target
@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"return": 1}', b"\xff"])
def test_an_event_that_cannot_be_read_raises_nothing(
    target: Target, body: bytes
) -> None:
    for sample in samples(target):
        broken = Event(
            id=sample.id,
            type=sample.type,
            subject=sample.subject,
            sequence=1,
            chain="c",
            time=NOW,
            source="s",
            causation_id="c",
            body=body,
        )

        outcome, requests = converse(target.deliver(broken, context()), answering(200))

        assert isinstance(outcome, get_args(Outcome))
        assert not requests
