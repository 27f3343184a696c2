"""What every target promises, whatever system it writes to.

A new target joins with one line in `TARGETS`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from bridge.canonical.draft import Draft, encode
from bridge.canonical.envelope import Event, event_id
from bridge.canonical.events import TYPES
from bridge.canonical.goods import (
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
)
from bridge.canonical.goods import Outcome as GoodsOutcome
from bridge.canonical.goods_events import LineFact, Warehouse
from bridge.canonical.model import (
    Item,
    Kind,
    Return,
    Shipment,
    ShipmentState,
)
from bridge.canonical.states import State
from bridge.platforms.contract import (
    Context,
    Conversation,
    Failed,
    Outcome,
    Skipped,
    Target,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.options import RedoAccount, RedoTargetOptions
from bridge.platforms.warehouse.options import (
    EventTargetOptions,
    ResourceTargetOptions,
    WarehouseAccount,
)

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
SIGNING = SecretStr("whsec_b2xkLXNlY3JldC1vZi10ZXN0cw==")
TOKEN = SecretStr("never-to-be-shown")
URL = "https://target.test/api"
MOST_REQUESTS = 50

REDO = RedoAccount(webhook_tokens=(TOKEN,), api_token=TOKEN, base_url=URL)
WAREHOUSE = WarehouseAccount(webhook_secrets=(SIGNING,), base_url=URL, token=TOKEN)

TARGETS: dict[str, Target] = {
    "redo": RedoTargetOptions(account="demo").target("redo", REDO),
    "warehouse.event": EventTargetOptions(
        account="main", url=URL, signing_secrets=(SIGNING,)
    ).target("event", WAREHOUSE),
    "warehouse.resource": ResourceTargetOptions(account="main").target(
        "resource", WAREHOUSE
    ),
}

Server = Callable[[httpx.Request], httpx.Response]


def snapshot() -> Return:
    outcome = GoodsOutcome(key="o", quantity=1, disposition=DispositionCode.RESTOCK)
    line = GoodsLine(line_key="i1", expected=1, received=1, outcomes=(outcome,))
    document = GoodsDocument(
        system="generic",
        account="main",
        return_id="w1",
        status=GoodsStatus.COMPLETED,
        occurred_at=NOW,
        lines=(line,),
    )
    return Return(
        subject="redo/demo/r1",
        platform="redo",
        account="demo",
        native_id="r1",
        kind=Kind.RETURN,
        state=State.APPROVED,
        items=(Item(id="i1", quantity=1, sku="S"),),
        shipments=(Shipment(key="T", state=ShipmentState.LABEL_CREATED),),
        goods=(document,),
        observed_at=NOW,
    )


def event(type_: str) -> Event:
    view = snapshot()
    warehouse = Warehouse(
        system="generic",
        account="main",
        return_id="w1",
        status=GoodsStatus.COMPLETED,
        occurred_at=NOW,
    )
    fact = LineFact(line_key="i1", total=1, expected=1, fact="f")
    part: dict[str, BaseModel | tuple[BaseModel, ...]] = {}
    if type_.startswith("goods."):
        part = {"warehouse": warehouse, "lines": (fact,)}
    return Event(
        id=event_id(view.subject, 3),
        type=type_,
        subject=view.subject,
        sequence=3,
        chain="c",
        time=NOW,
        source="/redo/demo",
        causation_id="cause",
        body=encode(Draft(TYPES[type_], part), view.model_dump_json().encode()),
    )


EVENTS = [
    event(type_)
    for type_ in (
        "return.created",
        "return.approved",
        "return.rejected",
        "return.cancelled",
        "goods.received",
        "goods.inspected",
        "goods.discrepancy",
        "goods.completed",
    )
]

every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())


def converse(
    conversation: Conversation, server: Server
) -> tuple[Outcome, list[httpx.Request]]:
    """Hold a conversation to its end, which must come."""
    requests: list[httpx.Request] = []
    try:
        requests.append(next(conversation))
        while len(requests) < MOST_REQUESTS:
            requests.append(conversation.send(server(requests[-1])))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome, requests
    raise AssertionError("a conversation went on for ever")


def context(attempt: int = 1) -> Context:
    return Context(attempt=attempt, now=NOW, answer_lost=attempt > 1)


def answering(code: int, content: bytes = b"") -> Server:
    return lambda _: httpx.Response(code, content=content)


def acted_on(target: Target) -> list[Event]:
    """Return the events of the sample that make the target ask something."""
    server = answering(200, b'{"status": "open", "comments": []}')
    return [
        sample
        for sample in EVENTS
        if converse(target.deliver(sample, context()), server)[1]
    ]


@every_target
def test_some_events_are_acted_on_and_the_others_skipped(target: Target) -> None:
    acting = acted_on(target)

    assert acting
    for other in (sample for sample in EVENTS if sample not in acting):
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
def test_credentials_throttling_and_faults_mean_the_same_everywhere(
    target: Target,
) -> None:
    sample = acted_on(target)[0]

    def outcome_of(code: int) -> Outcome:
        return converse(target.deliver(sample, context()), answering(code))[0]

    assert isinstance(outcome_of(401), Unauthorized)
    assert isinstance(outcome_of(403), Unauthorized)
    assert isinstance(outcome_of(429), Throttled)
    assert isinstance(outcome_of(500), Failed)


@every_target
def test_the_idempotency_key_is_the_same_over_attempts(target: Target) -> None:
    server = answering(200, b'{"status": "open", "comments": []}')
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
    st.sampled_from(EVENTS),
    st.integers(1, 3),
    st.lists(answers, min_size=1, max_size=4),
)
def test_no_row_of_answers_raises_or_goes_on_for_ever(
    target: Target, sample: Event, attempt: int, row: list[httpx.Response]
) -> None:
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
    for sample in EVENTS:
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
