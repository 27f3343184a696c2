"""What answers mean to every target: the class of each status, and no more than that.

The targets themselves stand in `tests/support/targets.py`.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from functools import partial

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.delivery.budget import LONGEST, Budget
from bridge.delivery.conversation import Call, CallFailed
from bridge.delivery.conversation import converse as drive
from bridge.delivery.policy import delay
from bridge.platforms.contract import (
    NOT_APPLIED,
    AlreadyApplied,
    Delivered,
    Failed,
    Outcome,
    Probing,
    Refused,
    Target,
    Throttled,
    Unauthorized,
)
from bridge.platforms.returnlogic.api import MAINTENANCE
from tests.support.targets import (
    NOW,
    OPEN,
    TARGETS,
    TOKEN,
    Server,
    acted_on,
    answering,
    context,
    converse,
    every_target,
    samples,
)

Class = type[Outcome]

#: What HTTP itself says; every target reads these alike.
EVERYWHERE: Mapping[int, Class] = {
    401: Unauthorized,
    403: Unauthorized,
    408: Failed,
    425: Failed,
    429: Throttled,
}
#: What each target judges by its platform's own contract.
JUDGED: Mapping[str, Mapping[int, Class]] = {
    "redo": dict.fromkeys((400, 404, 409, 410, 412, 422), Refused),
    "loop": dict.fromkeys((400, 404, 409, 410, 412, 422), Refused),
    "returngo": dict.fromkeys((400, 404, 409, 410, 412, 422), Refused),
    "returnlogic": {
        **dict.fromkeys((400, 404, 409, 410, 412, 422), Refused),
        503: Throttled,
    },
    "warehouse.resource": {
        **dict.fromkeys((400, 404, 409, 410, 422), Refused),
        412: AlreadyApplied,
    },
    "warehouse.event": {
        **dict.fromkeys((400, 409, 422), Refused),
        **dict.fromkeys((404, 410), Failed),
        412: AlreadyApplied,
    },
}
#: How long a target is left alone that names no time, where its sheet knows better.
UNNAMED: Mapping[str, Mapping[int, timedelta]] = {
    "returnlogic": {429: timedelta(seconds=1), 503: MAINTENANCE}
}
#: What a write is answered by those that do not take any 2xx for a yes.
TAKEN: Mapping[str, bytes] = {"returnlogic": b'{"received": true, "errors": []}'}
OF_HUNDRED: Mapping[int, Class] = {1: Failed, 2: Delivered, 3: Failed, 4: Refused}

#: A body in which everything that a vendor may write is about somebody.
PERSONAL = {
    "type": "urn:problem/Ada-Example",
    "title": "Ada Example",
    "detail": "ada@example.com, +491701234567, GIFT-1234-ABCD",
    "errors": [
        {"pointer": "/sender/ada@example.com", "code": "Ada Example"},
        {"field": "phone", "message": "+491701234567"},
    ],
    "gift_card": {"code": "GIFT-1234-ABCD"},
    "echo": {"authorization": f"Bearer {TOKEN.get_secret_value()}"},
}
SECRETS = ("Ada", "ada@", "4917", "GIFT", TOKEN.get_secret_value())


def expected(name: str, status: int) -> Class:
    table = {**EVERYWHERE, **JUDGED[name]}
    return table.get(status, OF_HUNDRED.get(status // 100, Failed))


def reading_well(
    answer: Callable[[], httpx.Response],
) -> Callable[[httpx.Request], httpx.Response]:
    """Answer questions as if nothing were done yet, and writes by `answer`."""
    found = {**json.loads(OPEN), "revision": -1}
    return lambda request: (
        httpx.Response(200, json=found) if request.method == "GET" else answer()
    )


def written(target: Target, answer: httpx.Response) -> Outcome:
    """Return what comes of a write that `answer` answers."""
    conversation = target.deliver(acted_on(target)[0], context())
    return converse(conversation, reading_well(lambda: answer))[0]


@pytest.mark.parametrize("name", TARGETS)
def test_every_status_of_a_write_has_its_class(name: str) -> None:
    for status in range(100, 600):
        answer = httpx.Response(status, content=TAKEN.get(name, b"true"))

        outcome = written(TARGETS[name], answer)

        assert type(outcome) is expected(name, status), status


@pytest.mark.parametrize("name", TARGETS)
def test_every_status_of_a_first_question_has_its_class(name: str) -> None:
    sample = acted_on(TARGETS[name])[0]
    for status in range(300, 600):
        outcome, _ = converse(
            TARGETS[name].deliver(sample, context()), answering(status)
        )

        assert type(outcome) is expected(name, status), status


@every_target
def test_unavailable_with_a_time_is_throttling(target: Target) -> None:
    named = httpx.Response(503, headers={"retry-after": "7"})

    assert written(target, named) == Throttled(timedelta(seconds=7))


@every_target
@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("reason", ["connect", "read_timeout", "connection_lost"])
async def test_a_call_without_an_answer_fails_for_now(
    target: Target, reason: str, *, sent: bool
) -> None:
    async def call(_: httpx.Request) -> httpx.Response:
        raise CallFailed(reason, sent=sent)

    outcome = await drive(target.deliver(acted_on(target)[0], context()), call)

    assert isinstance(outcome, Failed)
    assert outcome.reason == reason
    assert outcome.answer is None


def calling(server: Server) -> Call:
    async def call(request: httpx.Request) -> httpx.Response:
        return server(request)

    return call


@every_target
async def test_nothing_personal_or_secret_of_an_answer_is_kept(target: Target) -> None:
    sample = acted_on(target)[0]
    for status in range(200, 600):
        server = reading_well(partial(httpx.Response, status, json=PERSONAL))

        outcome = await drive(target.deliver(sample, context()), calling(server))

        assert not [secret for secret in SECRETS if secret in repr(outcome)], outcome


# ------------------------------------------------------------ Retry-After


def in_seconds(asked: timedelta) -> str:
    return str(int(asked.total_seconds()))


def as_date(asked: timedelta) -> str:
    return format_datetime(NOW + asked, usegmt=True)


@every_target
@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("form", [in_seconds, as_date])
@settings(max_examples=30)
@given(
    asked=st.integers(0, 400_000).map(lambda seconds: timedelta(seconds=seconds)),
    attempt=st.tuples(st.integers(1, 300), st.floats(0, 1)),
)
def test_nothing_is_tried_again_earlier_than_asked(
    target: Target,
    status: int,
    form: Callable[[timedelta], str],
    asked: timedelta,
    attempt: tuple[int, float],
) -> None:
    answer = httpx.Response(status, headers={"retry-after": form(asked)})
    failures, chance = attempt

    outcome = written(target, answer)

    assert isinstance(outcome, Failed | Throttled)
    assert outcome.retry_after == asked
    least = min(asked, LONGEST)
    assert least <= delay(failures, outcome.retry_after, chance) <= LONGEST
    budget = Budget()
    budget.observe(Throttled(outcome.retry_after), 0.0)
    assert least <= budget.wait(0.0) <= LONGEST


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "5, 10", "Sun, 99 Foo 1"])
@every_target
def test_a_time_that_cannot_be_read_was_not_named(
    target: Target, status: int, text: str
) -> None:
    outcome = written(target, httpx.Response(status, headers={"retry-after": text}))

    assert isinstance(outcome, Failed | Throttled)
    assert outcome.retry_after == UNNAMED.get(target.name, {}).get(status)


# ------------------------------------------------------------ probes

PROBING = {
    name: target for name, target in TARGETS.items() if isinstance(target, Probing)
}


#: Has nothing that could be read: a probe of it asks nothing.
BLIND = {"returnlogic"}


def test_the_targets_that_can_tell_what_is_done_are_asked() -> None:
    assert PROBING.keys() == TARGETS.keys() - {"warehouse.event"}


@pytest.mark.parametrize("name", PROBING)
def test_a_probe_reads_only_and_ends_for_every_answer(name: str) -> None:
    for sample in samples(TARGETS[name]):
        for status in range(200, 600):
            outcome, requests = converse(
                PROBING[name].probe(sample, context()), answering(status)
            )

            assert {request.method for request in requests} <= {"GET"}
            assert not isinstance(outcome, Delivered)


@pytest.mark.parametrize("name", PROBING)
def test_a_probe_says_what_is_not_there_yet(name: str) -> None:
    sample = acted_on(TARGETS[name])[0]

    server = reading_well(lambda: httpx.Response(500))
    outcome, requests = converse(PROBING[name].probe(sample, context()), server)

    assert outcome == NOT_APPLIED
    assert bool(requests) == (name not in BLIND)
